// Gives every object new values computed here. knex runs a migration in a transaction, so an error undoes all of it.

const { createHash } = require('node:crypto');
const { pipeline } = require('node:stream/promises');
const { from: copyFrom } = require('pg-copy-streams');

function newValues(field2) {
  const digest = createHash('sha256').update(field2).digest('hex');
  return [parseInt(digest.slice(0, 6), 16), `${field2} ${digest.slice(0, 8)}`];
}

function copyLine(values) {
  const escapes = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
  const text = (value) => (value === null ? '\\N' : String(value).replace(/[\\\t\n\r]/g, (c) => escapes[c]));
  return values.map(text).join('\t') + '\n';
}

// A COPY occupies its connection, so a batch of rows is read before each.
async function* batches(knex, size = 2000) {
  for (let last = null; ; ) {
    const query = knex('objects').select('id', 'field2').orderBy('id').limit(size);
    const rows = await (last === null ? query : query.where('id', '>', last));
    if (rows.length === 0) return;
    yield rows;
    last = rows[rows.length - 1].id;
  }
}

// Makes a call of the extension, and prints the number of rows for each outcome.
async function printAccount(knex, call) {
  const { rows } = await knex.raw(
    `SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing,
            rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected
     FROM ${call}`,
  );
  console.log('objects:', Object.entries(rows[0]).map(([what, count]) => `${count} ${what}`).join(', '));
}

exports.up = async function (knex) {
  // Prevents changes between the reading of the objects and their update. Other sessions can read them.
  await knex.raw('LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE');
  await knex.raw('CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS SELECT id, field1, field2 FROM objects WITH NO DATA');

  const client = await knex.client.acquireConnection(); // the one of the transaction
  for await (const rows of batches(knex)) {
    const lines = rows.map(({ id, field2 }) => copyLine([id, ...newValues(field2)]));
    await pipeline([lines.join('')], client.query(copyFrom('COPY new_values FROM STDIN')));
  }

  await knex.raw("SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}')");
  await printAccount(
    knex,
    `bulk_update_query('objects', 'SELECT id, field1, field2 FROM new_values ORDER BY id',
                       old_values => 'objects_old_values', report => 'total')`,
  );
};

// Objects that have changed since are stale, those that were deleted are missing; neither is written.
exports.down = async function (knex) {
  await printAccount(knex, "bulk_update_undo('objects', 'objects_old_values', report => 'total')");
  await knex.raw('DROP TABLE objects_old_values');
};
