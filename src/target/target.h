/*
 * target.h
 *		The relation to update, the columns that get values, and the key.
 */
#ifndef BULK_UPDATE_TARGET_TARGET_H
#define BULK_UPDATE_TARGET_TARGET_H

#include "call/options.h"

namespace bulkupdate
{

/* The input function of a column's type, for a source that is text. */
struct TextInput
{
	FmgrInfo function;
	Oid parameter; /* its second argument */
	int32 typmod;  /* its third */
	Oid from;      /* the source's type, or what that is a domain over */
};

/* How a key is compared with what its cast has made of it. */
struct KeyComparison
{
	ExprState *same; /* see key_comparison.cpp; NULL when integer */
	bool integer;    /* from one integer type to another: the range says it, before the cast */
	bool from_int8;
	int64 low;
	int64 high;
};

/* A source column and the target column that gets its values. */
struct MappedColumn
{
	AttrNumber source; /* position in the source, from 1 */
	AttrNumber target; /* attribute number in the target */
	bool is_key;
	ExprState *cast;           /* or NULL where the value goes in as it is */
	TextInput *input;          /* instead of a cast, or NULL */
	KeyComparison *comparison; /* of a key that its cast may change, or NULL */
	FmgrInfo *equality; /* of its type's default operator class, or NULL: compared by bytes */
};

/* Whether a column finds rows or is updated. */
enum class ColumnKind : uint8
{
	Key,
	Value,
};

inline bool
is_of_kind(const MappedColumn &column, ColumnKind kind)
{
	return column.is_key == (kind == ColumnKind::Key);
}

/* A key column, in the order of the unique index that covers the key. */
struct KeyColumn
{
	AttrNumber target; /* attribute number in the target */
	Oid type;          /* of that attribute */
	Oid equality;      /* operator that finds the row, of the index's operator family */
	Oid compared_as;   /* the type that this operator compares */
	Oid less_than;     /* operator that orders keys, likewise */
	Oid collation;     /* collation of the index column */
	SortSupport sort;  /* key order */
	FmgrInfo *output;  /* output function of its type */
};

struct Target
{
	Relation relation;
	const char *display_name;   /* for messages */
	Span<MappedColumn> columns; /* one for each source column, in source order */
	Span<KeyColumn> keys;
	Relation key_index;        /* the unique index that covers the key; open, so it stays */
	int index_columns;         /* its columns are the first of keys */
	ExprContext *cast_context; /* where the casts are evaluated; its per-tuple memory is a row's */
	bool keys_are_cast;        /* some key column has a cast */
	bool keys_can_fail;        /* and one that may raise an error */
	bool keys_can_overflow;    /* and that, because no row can have the key */
	bool values_can_fail;      /* some cast of another column may */
};

/*
 * require_schema_usage
 *		May the current user use the schema that a relation is in?
 *
 * A name cannot be looked up without; but the relation may have been given by
 * its OID.  Raises 42501.
 */
void require_schema_usage(Oid relid);

/* qualified_name: of a relation as it is called now, quoted where need be.  Raises 42P01. */
const char *qualified_name(Oid relid);

/*
 * attribute_of
 *		A column of the target.
 *
 * A copy: no pointer into the descriptor of an open table outlives a call of
 * user code, nor one that may hear of changes by others (a look into a catalog, a
 * lock).  Renaming a column, or validating a constraint in another session,
 * replaces the descriptor and frees the old one.
 */
inline FormData_pg_attribute
attribute_of(const Target &target, AttrNumber attno)
{
	return *TupleDescAttr(RelationGetDescr(target.relation), attno - 1);
}

/* attribute_name: of a column of the target, allocated in the current memory context. */
inline char *
attribute_name(const Target &target, AttrNumber attno)
{
	return pstrdup(NameStr(attribute_of(target, attno).attname));
}

/*
 * attribute_in
 *		The attribute of the target, or of a partition or inheritance child of it,
 *		that is the target's attribute attno; InvalidAttrNumber when there is none.
 *
 * Asks no catalog: error contexts call it.
 */
AttrNumber attribute_in(Relation relation, const Target &target, AttrNumber attno);

/* rewrites_update: is it a rule that an UPDATE in this session meets, as matchLocks() has it? */
bool rewrites_update(const RewriteRule *rule);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_TARGET_H */
