"""Alembic's environment: the database that PGHOST and so on name."""

from alembic import context
from sqlalchemy import create_engine

connection = create_engine("postgresql+psycopg2://").connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
connection.close()
