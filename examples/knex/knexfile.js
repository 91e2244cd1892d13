// The environment variables PGHOST and so on name the database.
module.exports = { client: 'pg', connection: {} };
