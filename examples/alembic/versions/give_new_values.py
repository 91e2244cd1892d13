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


def upgrade():
    connection = op.get_bind()
    connection.execute(
        sa.text("CREATE TEMPORARY TABLE new_values AS SELECT id, field1, field2 FROM objects WITH NO DATA")
    )
    # stream_results: a cursor of the server, not the whole result in this process. A COPY occupies the connection, so
    # a batch of rows is read before each.
    rows = connection.execution_options(stream_results=True).execute(
        sa.text("SELECT id, field2 FROM objects ORDER BY id")
    )
    with connection.connection.cursor() as cursor:  # psycopg2's own, in the same transaction
        while batch := list(islice(rows, 2000)):
            lines = []
            for id, old in batch:
                field1, field2 = new_values(old)
                lines.append(f"{id}\t{field1}\t{copy_text(field2)}\n")
            cursor.copy_expert("COPY new_values FROM STDIN", io.StringIO("".join(lines)))
    rows.close()
    connection.execute(sa.text("DECLARE new_values CURSOR FOR SELECT * FROM new_values ORDER BY id"))
    missing = connection.execute(
        sa.text("SELECT coalesce(sum(rows_missing), 0) FROM bulk_update('objects', 'new_values')")
    ).scalar()
    assert missing == 0
    connection.execute(sa.text("CLOSE new_values"))
    connection.execute(sa.text("DROP TABLE new_values"))


def downgrade():
    pass  # the old values are gone
