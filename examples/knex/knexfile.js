// The database is the one that PGHOST and so on name.
module.exports = { client: 'pg', connection: {} };
