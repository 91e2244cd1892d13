"""Gives every object new values computed by a query. The reverse migration restores the old values.

RunSQL discards the results of its statements, so the report goes to the server's log.
"""

from django.db import migrations

KEEP = """
    LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;
    CREATE TABLE objects_old_field3 AS SELECT id, field3 FROM objects;
"""

UPDATE = """
    DO $do$
    DECLARE
        account bulk_update_chunk;
    BEGIN
        SELECT * INTO account FROM bulk_update_query('objects', $$ {} $$, report => 'total');
        RAISE LOG 'objects: % updated, % unchanged, % missing',
            account.rows_updated, account.rows_unchanged, account.rows_missing;
    END
    $do$
"""

NEW = "SELECT id, rank() OVER (ORDER BY field2) AS field3 FROM objects ORDER BY id"
OLD = "SELECT id, field3 FROM objects_old_field3 ORDER BY id"


class Migration(migrations.Migration):
    dependencies = [("objects", "0002_computed_in_python")]
    operations = [
        # In the other direction the operations are reversed, from the last to the first.
        migrations.RunSQL(KEEP, "DROP TABLE objects_old_field3"),
        migrations.RunSQL(UPDATE.format(NEW), UPDATE.format(OLD)),
    ]
