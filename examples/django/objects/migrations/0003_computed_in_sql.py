"""Gives every object new values computed by a query. The reverse migration restores the old values.

RunSQL discards the results of its statements, so the report goes to the server's log.
"""

from django.db import migrations

# Prevents changes between the reading of the objects and their update. Other sessions can read them.
KEEP = """
    LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;
    SELECT bulk_update_create_old_values('objects_old_field3', 'objects', '{field3}');
"""

CALL = """
    DO $do$
    DECLARE
        account bulk_update_chunk;
    BEGIN
        SELECT * INTO account FROM {};
        RAISE LOG 'objects: % updated, % unchanged, % missing, % stale',
            account.rows_updated, account.rows_unchanged, account.rows_missing, account.rows_stale;
    END
    $do$
"""

UPDATE = """bulk_update_query('objects', $$
            SELECT id, rank() OVER (ORDER BY field2) AS field3 FROM objects ORDER BY id $$,
            old_values => 'objects_old_field3', report => 'total')"""
# Objects that have changed since are stale, those that were deleted are missing; neither is written.
UNDO = "bulk_update_undo('objects', 'objects_old_field3', report => 'total')"


class Migration(migrations.Migration):
    dependencies = [("objects", "0002_computed_in_python")]
    operations = [
        # In the other direction the operations are reversed, from the last to the first.
        migrations.RunSQL(KEEP, "DROP TABLE objects_old_field3"),
        migrations.RunSQL(CALL.format(UPDATE), CALL.format(UNDO)),
    ]
