"""The ways of applying a source to table target: bulk_update with each applier, and plain UPDATE."""

APPLIERS = ("direct", "sql")
PLAIN = "UPDATE"
# For each row of the source an index is asked, as the appliers do.
NESTED_LOOPS = "; ".join(f"SET enable_{what} = off" for what in ("seqscan", "hashjoin", "mergejoin", "bitmapscan", "material",
                                                                 "memoize"))


def settings(way):
    return NESTED_LOOPS if way == PLAIN else f"SET bulk_update.applier = {way}"


def plain(source, keys, table="target"):
    """The statement by itself."""
    condition = " AND ".join(f"t.{key} = s.{key}" for key in keys)
    return f"UPDATE {table} t SET v = s.v FROM ({source}) s WHERE {condition}"


def statement(way, source, keys, options=""):
    """What returns the number of updated rows, and the applier."""
    if way == PLAIN:
        return f"WITH u AS ({plain(source, keys)} RETURNING 1) SELECT count(*), '{PLAIN}' FROM u"
    return ("SELECT sum(rows_updated), string_agg(DISTINCT applier, ' ')"
            f" FROM bulk_update_query('target', $q${source}$q${options and ', ' + options})")
