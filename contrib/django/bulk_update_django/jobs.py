"""Jobs: updates in batches that are committed, and that can be interrupted, continued and taken back."""

from collections import namedtuple

from django.db import DEFAULT_DB_ALIAS
from django.db.transaction import TransactionManagementError

from .extension import execute, postgresql, schema_of
from .options import chunk_size_of
from .targets import expected_fields, one_table, queryset_of
from .update import Call

OUTCOMES = ("unchanged", "missing", "stale", "duplicate", "rejected")


def bulk_update_job_create(name, model, objects, fields, *, using=None, batch_rows=None, on_missing=None,
                           on_duplicate=None, on_error=None, skip_unchanged=None, rejects=None, reject_limit=None,
                           dry_run=None, expected=None, on_stale=None, old_values=None, rows_table=None,
                           progress=None):
    """Create a job that writes the given fields of the objects, any iterable; return the number of rows to apply.

    It is part of the caller's transaction, and updates nothing: bulk_update_job_run() does. name: of the job, unique in
    the database. model: the one that has the table, or a manager or a queryset of all its rows. batch_rows: the number
    of rows in a batch. expected, old_values and progress are as in bulk_update(); the other options are those of the
    extension, and None means its default. An error undoes only this call.
    """
    options = dict(name=name, batch_rows=chunk_size_of(batch_rows), on_missing=on_missing, on_duplicate=on_duplicate,
                   on_error=on_error, skip_unchanged=skip_unchanged, rejects=rejects, reject_limit=reject_limit,
                   dry_run=dry_run, on_stale=on_stale, old_values=old_values, rows_table=rows_table)
    queryset = queryset_of(model, using)
    with_table, group = one_table(queryset.model, fields)
    if queryset.query.where or queryset.model._meta.concrete_model is not with_table:
        raise ValueError(f"A job is about all rows of {with_table._meta.db_table}: pass"
                         f" {with_table._meta.object_name} itself.")
    given = {option: value for option, value in options.items() if value is not None}
    stated = [] if expected is None else expected_fields(queryset.model, with_table, expected)
    return JobCall(queryset, with_table, group, stated, given, progress=progress).run(objects)


bulk_update_job_create.alters_data = True


class JobCall(Call):
    """One call: the rows are staged, and the job takes them from there. Without objects, it is a job without rows."""

    def run(self, objects):
        with self.reading(objects) as (cursor, objects):
            self.keep(cursor)
            schema = self.staging.create(cursor)
            self.staging.fill(cursor, objects, self.reporter.report)
            execute(cursor, "SELECT", schema, "bulk_update_job_create", self.arguments(self.staging.query()))
            rows, = cursor.fetchone()
            self.staging.drop(cursor)
        return rows


def bulk_update_job_run(name, *, using=None, max_batches=None, max_time=None):
    """Run the batches of a job that are not done, and commit each; return the Job.

    max_batches: end after so many; max_time, a timedelta or an interval as in SQL: begin no batch later than that.
    TransactionManagementError inside of atomic(). After any error, the batches that are done stay done, and the next
    call continues.
    """
    using = using or DEFAULT_DB_ALIAS
    connection = postgresql(using)
    if connection.in_atomic_block or not connection.get_autocommit():
        raise TransactionManagementError("bulk_update_job_run() commits each batch: call it in autocommit mode, outside"
                                         " of atomic().")
    arguments = {"name": name, "max_batches": max_batches, "max_time": max_time}
    with connection.cursor() as cursor:
        execute(cursor, "CALL", schema_of(cursor, using), "bulk_update_job_run", arguments)
    job, = bulk_update_jobs(name, using=using)
    return job


bulk_update_job_run.alters_data = True


def bulk_update_job_undo(name, new_name, *, using=None, batch_rows=None, on_stale=None, rejects=None, dry_run=None,
                         redo_values=None, rows_table=None):
    """Create a job that takes another one back, which keeps old values; return the number of rows to apply.

    name: the job to take back, which is done or cancelled; new_name: the job that does so, which has to be run. The
    options are those of the extension.
    """
    options = dict(batch_rows=chunk_size_of(batch_rows), on_stale=on_stale, rejects=rejects, dry_run=dry_run,
                   redo_values=redo_values, rows_table=rows_table)
    given = {option: value for option, value in options.items() if value is not None}
    return control("undo", name, using, new_name=new_name, **given)


bulk_update_job_undo.alters_data = True


def control(verb, name, using=None, **arguments):
    """Call the function bulk_update_job_… with this verb, such as "pause"; return its result."""
    using = using or DEFAULT_DB_ALIAS
    with postgresql(using).cursor() as cursor:
        execute(cursor, "SELECT", schema_of(cursor, using), f"bulk_update_job_{verb}", {"name": name, **arguments})
        return cursor.fetchone()[0]


def bulk_update_jobs(name=None, *, using=None):
    """The jobs in order of their creation, or a list of the one with this name: named tuples of the view's columns."""
    using = using or DEFAULT_DB_ALIAS
    with postgresql(using).cursor() as cursor:
        schema = schema_of(cursor, using).replace("%", "%%")
        cursor.execute(f"SELECT * FROM {schema}.bulk_update_jobs WHERE %s::text IS NULL OR name = %s ORDER BY run",
                       [name, name])
        kind = namedtuple("Job", [column[0] for column in cursor.description])
        return [kind(*row) for row in cursor.fetchall()]


def line_of(job):
    """The job on a line of text."""
    if job.state is None:
        return f'job "{job.name}" of role {job.owner}'
    percent = 100 * job.rows_done // job.rows_total if job.rows_total else 100
    parts = [f'job "{job.name}": {job.state}', f"{job.rows_done:,} of {job.rows_total:,} rows ({percent} %)",
             f"{job.rows_updated:,} {'would be updated' if job.dry_run else 'updated'}"]
    counts = [(outcome, getattr(job, f"rows_{outcome}")) for outcome in OUTCOMES]
    parts += [f"{count:,} {outcome}" for outcome, count in counts if count]
    if job.batches_failed:
        parts.append(f"{job.batches_failed:,} batches failed")
    if job.processes and job.rows_per_second:
        left = (job.rows_total - job.rows_done) / job.rows_per_second
        parts += [f"{job.rows_per_second:,} per second", f"about {left:,.0f} s left"]
    if job.waits_for:
        parts.append(f"waits for {job.waits_for}")
    return ", ".join(parts)
