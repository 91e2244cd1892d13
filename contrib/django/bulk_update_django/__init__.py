"""Update many Django objects, each with its own new values, in bounded memory, with PostgreSQL's extension bulk_update.

    from bulk_update_django import bulk_update

    account = bulk_update(Object, changed_objects(), ["field1", "field2"])
    print(account.rows_updated, account.rows_missing)

README.md describes this, the managers that replace Django's own bulk_update(), the migration operations, and jobs.
"""

from .account import Account
from .errors import MissingRowError
from .jobs import bulk_update_job_create, bulk_update_job_run, bulk_update_job_undo, bulk_update_jobs
from .managers import BulkUpdateManager, BulkUpdateQuerySet
from .operations import BulkUpdate, CreateBulkUpdateJob
from .progress import Progress
from .undo import bulk_update_undo
from .update import bulk_update

__all__ = ["Account", "BulkUpdate", "BulkUpdateManager", "BulkUpdateQuerySet", "CreateBulkUpdateJob", "MissingRowError",
           "Progress", "bulk_update", "bulk_update_job_create", "bulk_update_job_run", "bulk_update_job_undo",
           "bulk_update_jobs", "bulk_update_undo"]
