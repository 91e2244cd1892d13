"""Give every object new values that are computed in Python.

A revision for Alembic: set down_revision to the one it follows. It runs on Alembic's connection, in its transaction,
with the driver psycopg2 or psycopg 3 (SQLAlchemy 2).
"""

import hashlib
import io
from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "give_new_values"
down_revision = None
branch_labels = None
depends_on = None


def new_values(field2):
    digest = hashlib.sha256(field2.encode()).hexdigest()
    return int(digest[:6], 16), f"{field2} {digest[:8]}"


def copy_text(value):
    return value.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def copy(cursor, lines):
    if hasattr(cursor, "copy_expert"):  # psycopg2
        cursor.copy_expert("COPY new_values FROM STDIN", io.StringIO(lines))
    else:  # psycopg 3
        with cursor.copy("COPY new_values FROM STDIN") as stream:
            stream.write(lines)


def print_account(call):
    """Make a call of the extension, and print the number of rows for each outcome."""
    account = op.get_bind().execute(
        sa.text(
            "SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing,"
            f" rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected FROM {call}"
        )
    ).mappings().one()
    print("objects:", ", ".join(f"{count} {what}" for what, count in account.items()))


def upgrade():
    connection = op.get_bind()
    # Prevents changes between the reading of the objects and their update. Other sessions can read them.
    op.execute("LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE")
    op.execute(
        "CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS SELECT id, field1, field2 FROM objects WITH NO DATA"
    )
    # stream_results: a server-side cursor, so that the result is not in memory as a whole. It is set for this statement:
    # SQLAlchemy 2 would keep a setting of the connection for all later ones. A COPY occupies the connection, so a batch of
    # rows is read before each.
    rows = connection.execute(
        sa.text("SELECT id, field2 FROM objects ORDER BY id").execution_options(stream_results=True)
    )
    with connection.connection.cursor() as cursor:  # the driver's own, in the same transaction
        while batch := list(islice(rows, 2000)):
            lines = []
            for id, old in batch:
                field1, field2 = new_values(old)
                lines.append(f"{id}\t{field1}\t{copy_text(field2)}\n")
            copy(cursor, "".join(lines))
    rows.close()
    op.execute("SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}')")
    print_account(
        "bulk_update_query('objects', 'SELECT id, field1, field2 FROM new_values ORDER BY id',"
        " old_values => 'objects_old_values', report => 'total')"
    )


def downgrade():
    """Objects that have changed since are stale, those that were deleted are missing; neither is written."""
    print_account("bulk_update_undo('objects', 'objects_old_values', report => 'total')")
    op.drop_table("objects_old_values")
