"""Give every object new values that are computed in Python.

A revision for Alembic: set down_revision to the one it follows. It runs on Alembic's connection, in its transaction.
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


def bulk_update(query):
    """Apply the query's rows to the objects, and print what became of them."""
    account = op.get_bind().execute(
        sa.text(
            "SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,"
            " rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected"
            " FROM bulk_update_query('objects', :query, report => 'total')"
        ),
        {"query": query},
    ).mappings().one()
    print("objects:", ", ".join(f"{count} {what}" for what, count in account.items()))


def upgrade():
    connection = op.get_bind()
    # Prevents changes between saving the old values and the update. Other sessions can read the objects.
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
    with connection.connection.cursor() as cursor:  # psycopg2's own, in the same transaction
        while batch := list(islice(rows, 2000)):
            lines = []
            for id, old in batch:
                field1, field2 = new_values(old)
                lines.append(f"{id}\t{field1}\t{copy_text(field2)}\n")
            cursor.copy_expert("COPY new_values FROM STDIN", io.StringIO("".join(lines)))
    rows.close()
    op.execute(
        "CREATE TABLE objects_old_values AS"
        " SELECT id, o.field1, o.field2 FROM objects o JOIN new_values USING (id)"
    )
    bulk_update("SELECT id, field1, field2 FROM new_values ORDER BY id")


def downgrade():
    """What others have changed in these columns meanwhile is overwritten; objects that are gone count as missing."""
    bulk_update("SELECT id, field1, field2 FROM objects_old_values ORDER BY id")
    op.drop_table("objects_old_values")
