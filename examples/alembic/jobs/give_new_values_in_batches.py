"""Give every object new values, in batches that are committed.

A revision for Alembic: set down_revision to the one it follows. If it is interrupted, the batches that are done stay, and
Alembic has not recorded the revision: run the same command again, and it goes on with the rest.
"""

import sqlalchemy as sa
from alembic import op

revision = "give_new_values_in_batches"
down_revision = None
branch_labels = None
depends_on = None

JOB = "new values of objects"
UNDO = "old values of objects"


def execute(sql, **parameters):
    return op.get_bind().execute(sa.text(sql), parameters)


def exists(job):
    return execute("SELECT count(*) FROM bulk_update_jobs WHERE name = :job", job=job).scalar() > 0


def run(job):
    """Run what is left of a job, and print the number of rows for each outcome."""
    # Commits what was done before. The job commits each batch, which is not possible inside a transaction block.
    with op.get_context().autocommit_block():
        execute("CALL bulk_update_job_run(:job)", job=job)
    account = execute(
        "SELECT rows_done AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing,"
        " rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected"
        " FROM bulk_update_jobs WHERE name = :job",
        job=job,
    ).mappings().one()
    print("objects:", ", ".join(f"{count} {what}" for what, count in account.items()))


def upgrade():
    if not exists(JOB):
        execute("SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}')")
        # The last column is the value that an object must still have: objects that others change before their batch
        # are stale, and are not written.
        execute(
            "SELECT bulk_update_job_create(:job, 'objects',"
            " 'SELECT id, rank() OVER (ORDER BY field2), upper(field2), field2 FROM objects',"
            " columns => '{id, field1, field2}', expected_columns => '{field2}',"
            " old_values => 'objects_old_values', batch_rows => 5000)",
            job=JOB,
        )
    run(JOB)


def downgrade():
    """Objects that have changed since are stale, those that were deleted are missing; neither is written."""
    if not exists(UNDO):
        execute("SELECT bulk_update_job_cancel(:job)", job=JOB)  # in case that it is not done
        execute("SELECT bulk_update_job_undo(:job, :undo)", job=JOB, undo=UNDO)
    run(UNDO)
    for job in (UNDO, JOB):
        execute("SELECT bulk_update_job_drop(:job)", job=job)
    op.drop_table("objects_old_values")
