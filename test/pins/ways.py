"""Three ways of applying a source to table target: bulk_update with each applier, and plain UPDATE."""

APPLIERS = ("direct", "sql")
PLAIN = "UPDATE"
# Each row of the source is looked up in an index, as the appliers do.
NESTED_LOOPS = "; ".join(f"SET enable_{what} = off" for what in ("seqscan", "hashjoin", "mergejoin", "bitmapscan", "material",
                                                                 "memoize"))


def settings(way):
    return NESTED_LOOPS if way == PLAIN else f"SET bulk_update.applier = {way}"


def plain(source, keys, table="target"):
    """The statement alone."""
    condition = " AND ".join(f"t.{key} = s.{key}" for key in keys)
    return f"UPDATE {table} t SET v = s.v FROM ({source}) s WHERE {condition}"


def statement(way, source, keys, options=""):
    """A query that returns the number of updated rows, and the applier."""
    if way == PLAIN:
        return f"WITH u AS ({plain(source, keys)} RETURNING 1) SELECT count(*), '{PLAIN}' FROM u"
    return ("SELECT sum(rows_updated), string_agg(DISTINCT applier, ' ')"
            f" FROM bulk_update_query('target', $q${source}$q${options and ', ' + options})")


def type_with_code(name, cast, compare):
    """A type of one text w, cast to text and compared by functions that run some SQL first."""
    return f"""
    CREATE TYPE {name} AS (w text);
    CREATE FUNCTION {name}_to_text({name}) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM {cast};
        RETURN ($1).w;
    END $$;
    CREATE CAST ({name} AS text) WITH FUNCTION {name}_to_text({name}) AS ASSIGNMENT;
    CREATE FUNCTION {name}_order({name}, {name}) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM {compare};
        RETURN bttextcmp(($1).w, ($2).w);
    END $$;
    CREATE FUNCTION {name}_equal({name}, {name}) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT {name}_order($1, $2) = 0';
    CREATE OPERATOR === (FUNCTION = {name}_equal, LEFTARG = {name}, RIGHTARG = {name});
    CREATE OPERATOR CLASS {name}_ops DEFAULT FOR TYPE {name} USING btree AS OPERATOR 3 ===, FUNCTION 1 {name}_order({name}, {name});
"""
