"""The ways of updating that are compared: one function each, that gives `objects` the values of `pairs` and commits.

A peer gets a connection and a shape. Its docstring is its name in the table.
"""


def single(connection, shape):
    """one `UPDATE … FROM`"""
    values = ", ".join(f"{column} = p.{column}" for column in shape.values)
    keys = " AND ".join(f"objects.{column} = p.{column}" for column in shape.keys)
    connection.cursor().execute(f"UPDATE objects SET {values} FROM pairs p WHERE {keys}")
    connection.commit()


def chunked(connection, shape):
    """`bulk_update`, cursor in key order"""
    cursor = connection.cursor()
    columns = ", ".join(shape.keys + shape.values)
    cursor.execute(f"DECLARE c CURSOR FOR SELECT {columns} FROM pairs ORDER BY {', '.join(shape.keys)}")
    cursor.execute("SELECT * FROM bulk_update('objects', 'c')")
    connection.commit()


PEERS = {peer.__name__: peer for peer in (single, chunked)}
