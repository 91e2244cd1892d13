"""The objects of an extension, as the catalogs have them, described without OIDs."""

import json

# The members, whatever else is in the extension's schema (its own one here), and what depends on these:
# row types, rules, defaults, owned objects.
OBJECTS = """
    WITH RECURSIVE found AS (
        SELECT classid, objid FROM pg_depend
        WHERE (refclassid, refobjid, deptype) = ('pg_extension'::regclass, %(extension)s, 'e')
           OR (refclassid, refobjid) = ('pg_namespace'::regclass, %(schema)s)
              AND (classid, objid) <> ('pg_extension'::regclass, %(extension)s)
        UNION
        SELECT d.classid, d.objid
        FROM found AS f JOIN pg_depend AS d ON (d.refclassid, d.refobjid) = (f.classid, f.objid)
    )
    SELECT classid::regclass::text, objid::bigint, (pg_identify_object(classid, objid, 0)).identity FROM found"""

# Each takes the object's OID and returns rows of text; a subject may appear in several.
FACTS = {
    "function": "SELECT pg_get_functiondef(%s)",
    "view": "SELECT pg_get_viewdef(%s)",
    "sequence": "SELECT to_jsonb(s) - 'seqrelid' FROM pg_sequence AS s WHERE seqrelid = %s",
    "column": """SELECT to_jsonb(a) - '{attrelid,attmissingval,attcacheoff}'::text[]
                        || jsonb_build_object('default', pg_get_expr(d.adbin, d.adrelid))
                 FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON (adrelid, adnum) = (attrelid, attnum)
                 WHERE attrelid = %s AND attnum > 0""",
    "constraint": "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE oid = %s",
    "index": "SELECT pg_get_indexdef(%s)",
    "trigger": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE oid = %s",
}
OF_KIND = {
    "pg_proc": ("function",),
    "pg_constraint": ("constraint",),
    "pg_trigger": ("trigger",),
    "v": ("view", "column"), "m": ("view", "column"), "r": ("column",), "p": ("column",), "c": ("column",),
    "S": ("sequence",), "i": ("index",),
}

# Columns with places and times of storage, and those that FACTS describes in words.
LEFT_OUT = {
    "oid", "relfilenode", "relfrozenxid", "relminmxid", "relpages", "reltuples", "relallvisible", "relallfrozen",
    "proargdefaults", "ev_action", "ev_qual", "conbin", "adbin", "tgqual", "typdefaultbin", "indexprs", "indpred",
}


def describe(session, name):
    """A set of lines; two equal sets are two equal extensions."""
    extension, schema = session.run(
        "SELECT oid::bigint, extnamespace::bigint FROM pg_extension WHERE extname = %s", (name,))[0]
    at = {"extension": extension, "schema": schema}
    objects = session.run(OBJECTS, at)
    # A TOAST table is as its table makes it, and has an OID in its name.
    names = {objid: "TOAST" if identity.startswith("pg_toast.") else identity for _, objid, identity in objects}
    objects = [found for found in objects if names[found[1]] != "TOAST"]
    names |= {extension: f"extension {name}", schema: "its schema"}

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key not in LEFT_OUT}
        if isinstance(value, list):
            # PostgreSQL 15.20 stores a count of changes of a column in its options.
            return [plain(item) for item in value if not str(item).startswith("pg_attver=")]
        if isinstance(value, str) and value.isdigit():
            return names.get(int(value), value)
        return names.get(value, value) if type(value) is int else value

    lines = set()

    def say(*words):
        lines.add(" | ".join(w if isinstance(w, str) else json.dumps(plain(w), sort_keys=True) for w in words))

    for catalog, objid, identity in objects:
        kind = catalog
        for row, in session.run(f"SELECT to_jsonb(c) FROM {catalog} AS c WHERE oid = %s", (objid,)):
            kind = row.get("relkind", catalog)
            say(catalog, identity, row)
        for fact in OF_KIND.get(kind, ()):
            for row, in session.run(FACTS[fact], (objid,)):
                say(fact, identity, row)
        for part, comment in session.run("""
                SELECT objsubid, description FROM pg_description
                WHERE (classoid, objoid) = (%s::regclass, %s)""", (catalog, objid)):
            say("comment", identity, f"part {part}", comment)
        for part, kind, privileges in session.run("""
                SELECT objsubid, privtype::text, initprivs::text FROM pg_init_privs
                WHERE (classoid, objoid) = (%s::regclass, %s)""", (catalog, objid)):
            say("initial privileges", identity, f"part {part}", kind, privileges)
        for part, on, on_part, kind in session.run("""
                SELECT objsubid, (pg_identify_object(refclassid, refobjid, 0)).identity, refobjsubid, deptype::text
                FROM pg_depend WHERE (classid, objid) = (%s::regclass, %s)""", (catalog, objid)):
            say("depends", f"{identity} ({part})", f"{on} ({on_part})", kind)

    row, comment = session.run("""
        SELECT to_jsonb(e), obj_description(e.oid, 'pg_extension') FROM pg_extension AS e WHERE oid = %s""",
        (extension,))[0]
    pairs = zip(row.pop("extconfig") or [], row.pop("extcondition") or [])
    say("extension", row, comment)
    for table, condition in pairs:
        say("configuration table", names.get(int(table), str(table)), condition)
    return lines
