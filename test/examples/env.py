"""Alembic's environment: the database that PGHOST and so on name, by the driver DRIVER."""

import os

from alembic import context
from sqlalchemy import create_engine

connection = create_engine(f"postgresql+{os.environ['DRIVER']}://").connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
connection.close()
