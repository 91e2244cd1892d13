/*
 * target.h
 *		The relation to update, the columns that get new values, and the key.
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
	int32 typmod;  /* its third argument */
	Oid from;      /* the source's type, or its base type if that is a domain */
};

/* How a key is compared with the result of its cast. */
struct KeyComparison
{
	ExprState *same; /* see key_comparison.cpp; NULL if integer */
	bool integer;    /* between integer types: a range check before the cast is enough */
	bool from_int8;
	int64 low;
	int64 high;
};

/* A source column and the target column to which it is mapped. */
struct MappedColumn
{
	AttrNumber source; /* position in the source, from 1 */
	AttrNumber target; /* attribute number in the target */
	bool is_key;
	bool is_expected;          /* the row must have this value to be updated */
	ExprState *cast;           /* or NULL if the value is used as it is */
	TextInput *input;          /* instead of a cast, or NULL */
	KeyComparison *comparison; /* of a key that its cast may change, or NULL */

	/*
	 * Of its type's default operator class, or NULL: compared by bytes, as in an undo, which gives
	 * back 1.0 for 1.00, but not if somebody has made it 1.000 since.
	 */
	FmgrInfo *equality;
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

/* A column whose values a table of old values keeps. */
struct KeptColumn
{
	AttrNumber target; /* attribute number in the target */
	bool is_key;       /* then only its new value is kept, which finds the row again */
};

/* A key column, in the order of the unique index that covers the key. */
struct KeyColumn
{
	AttrNumber target; /* attribute number in the target */
	Oid type;          /* of that attribute */
	Oid equality;      /* operator that finds the row, from the index's operator family */
	Oid compared_as;   /* the type that this operator compares */
	Oid less_than;     /* operator that orders keys, likewise */
	Oid collation;     /* collation of the index column */
	SortSupport sort;  /* key order */
	FmgrInfo *output;  /* output function of its type */
};

struct Target
{
	Relation relation;
	const char *display_name;    /* for messages */
	Span<MappedColumn> columns;  /* one for each source column before expected, in source order */
	Span<MappedColumn> expected; /* for the last source columns: values that the row must have */
	Span<KeptColumn> kept;       /* the key, then columns with old and new values; or size 0 */
	bool kept_by_table;          /* several tables can have a row with a key */
	Span<KeyColumn> keys;
	Relation key_index;        /* the unique index that covers the key; kept open */
	int index_columns;         /* its columns are the first of keys */
	ExprContext *cast_context; /* where the casts are evaluated; its per-tuple memory is a row's */
	bool keys_are_cast;        /* some key column has a cast */
	bool keys_can_fail;        /* and a cast that may raise an error */
	bool keys_can_overflow;    /* also because no row can have the key */
	bool values_can_fail;      /* some cast of another column may raise an error */
	bool skips_unchanged;      /* a row that already has its values is not stale */
	bool keeps_current;        /* of stale rows, the values that were found are kept */
};

/*
 * value_count
 *		The number of values of a coerced row: one for each attribute of the target, and after
 *		them one for each expected column.
 */
inline int
value_count(const Target &target)
{
	return RelationGetDescr(target.relation)->natts + target.expected.size;
}

/*
 * require_schema_usage
 *		May the current user use the schema of a relation?
 *
 * A name cannot be looked up without this; but the relation may have been specified by
 * its OID.  Raises 42501.
 */
void require_schema_usage(Oid relid);

/* qualified_name: the current name of a relation, quoted if necessary.  Raises 42P01. */
const char *qualified_name(Oid relid);

/*
 * attribute_of
 *		A column of the target.
 *
 * A copy: no pointer into the descriptor of an open table may be kept across
 * user-defined code, or code that may receive invalidations (a catalog lookup, a
 * lock).  Renaming a column, or validating a constraint in another session,
 * replaces the descriptor and frees the old one.
 */
inline FormData_pg_attribute
attribute_of(const Target &target, AttrNumber attno)
{
	return *TupleDescAttr(RelationGetDescr(target.relation), attno - 1);
}

/*
 * for_each_attribute
 *		Call body(attribute) for each column of a relation that has not been dropped.
 *
 * With a copy, too: the descriptor may be another one after body.
 */
template <typename Body>
void
for_each_attribute(Relation relation, Body body)
{
	for (int i = 0; i < RelationGetDescr(relation)->natts; i++)
	{
		const FormData_pg_attribute attribute = *TupleDescAttr(RelationGetDescr(relation), i);

		if (!attribute.attisdropped)
			body(attribute);
	}
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
 *		that is the target's attribute attno; InvalidAttrNumber if there is none.
 *
 * Reads no catalog, because error contexts call it.
 */
AttrNumber attribute_in(Relation relation, const Target &target, AttrNumber attno);

/*
 * append_column_definition
 *		Append ", name type COLLATE collation", for CREATE TABLE: a column for the values of
 *		another one.
 */
void append_column_definition(StringInfo columns, const char *name,
							  const FormData_pg_attribute &attribute);

/* has_inheritance_children: and these are not partitions. */
inline bool
has_inheritance_children(Relation relation)
{
	return relation->rd_rel->relhassubclass &&
		   relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE;
}

/* rewrites_update: does an UPDATE in this session apply the rule, as in matchLocks()? */
bool rewrites_update(const RewriteRule *rule);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_TARGET_H */
