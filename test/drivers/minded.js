// What docs/drivers.md says about drivers of Node: one line for each statement, the result or the SQLSTATE.
import pg from 'pg';
import postgres from 'postgres';
import { Sequelize } from 'sequelize';

async function show(what, run) {
  try {
    console.log(`${what}: ${JSON.stringify(await run())}`);
  } catch (error) {
    console.log(`${what}: ${error.code ?? error.original?.code}`);
  }
}

const arrays = [[1, 2], [10, null], ['a "b", {c}', null]];
const call = (row) => `SELECT rows_updated
  FROM bulk_update_arrays('objects', '{id, field1, field2}', ROW(${row}), report => 'total')`;
const elements = 'SELECT * FROM jsonb_to_recordset($1) AS n(id integer)';

const client = new pg.Client();
await client.connect();
await show('pg, no cast', async () => (await client.query(call('$1, $2, $3'), arrays)).rows);
await show('pg, cast', async () => (await client.query(call('$1::bigint[], $2::integer[], $3::text[]'), arrays)).rows);
await show('pg, text', async () => (await client.query(call('$1::text, $2::text, $3::text'), arrays)).rows);
await show('pg, array as JSON', () => client.query(elements, [[{ id: 1 }]]));
await show('pg, JSON', async () => (await client.query(elements, [JSON.stringify([{ id: 1 }])])).rows);
await client.end();

const sql = postgres();
const json = JSON.stringify([{ id: 1 }]);
await show('postgres.js, no cast', () => sql`SELECT * FROM bulk_update_arrays('objects', '{id, field1}', ROW(${[1]}, ${[2]}))`);
await show('postgres.js, string', () => sql`SELECT * FROM jsonb_to_recordset(${json}) AS n(id integer)`);
await show('postgres.js, json', () => sql`SELECT * FROM jsonb_to_recordset(${sql.json([{ id: 1 }])}) AS n(id integer)`);
await show('postgres.js, COPY', () => sql.begin(async (sql) => {
  await sql`CREATE TEMPORARY TABLE new_values (id integer) ON COMMIT DROP`;
  const stream = await sql`COPY new_values FROM STDIN`.writable();
  await new Promise((resolve) => stream.on('finish', resolve).end('1\n2\n'));
  return sql`SELECT count(*) FROM new_values`;
}));
await sql.end();

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
await show('Sequelize, replacements', () => sequelize.query(call('?, ?, ?'), { replacements: arrays }));
await show('Sequelize, bind', async () =>
  (await sequelize.query(call('$1::bigint[], $2::integer[], $3::text[]'), { bind: arrays }))[0]);
await sequelize.close();
