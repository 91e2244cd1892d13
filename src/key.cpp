/*
 * key.cpp
 *		The unique index that covers the key, and the order of keys.
 */
#include "key.h"

namespace bulkupdate
{

namespace
{

int
mapped_key_columns(const Target *target)
{
	int n = 0;

	for (const MappedColumn &column : target->columns)
		n += column.is_key ? 1 : 0;
	return n;
}

bool
is_key_attribute(const Target *target, AttrNumber attno)
{
	for (const MappedColumn &column : target->columns)
		if (column.is_key && column.target == attno)
			return true;
	return false;
}

bool
index_covers_key(const Target *target, Relation index)
{
	const FormData_pg_index *form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indisready || !form->indislive ||
		index->rd_rel->relam != BTREE_AM_OID || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
		if (!is_key_attribute(target, form->indkey.values[i]))
			return false;
	return true;
}

/* Of two covering indexes: all of the key, then immediate, then the primary key. */
bool
is_better_index(const FormData_pg_index *candidate, const FormData_pg_index *best)
{
	if (candidate->indnkeyatts != best->indnkeyatts)
		return candidate->indnkeyatts > best->indnkeyatts;
	if (candidate->indimmediate != best->indimmediate)
		return candidate->indimmediate;
	return candidate->indisprimary && !best->indisprimary;
}

/* The best covering index, opened; its lock stays. */
Relation
open_covering_index(const Target *target)
{
	List *indexes = RelationGetIndexList(target->relation);
	Relation best = NULL;
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = relation_open(lfirst_oid(cell), AccessShareLock);

		if (!index_covers_key(target, index) ||
			(best != NULL && !is_better_index(index->rd_index, best->rd_index)))
		{
			relation_close(index, AccessShareLock);
			continue;
		}
		if (best != NULL)
			relation_close(best, AccessShareLock);
		best = index;
	}

	if (best == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("there is no unique index on key columns (%s) of table \"%s\"",
						key_names(target), RelationGetRelationName(target->relation)),
				 errdetail("The key must contain all columns of a unique, valid, non-partial "
						   "B-tree index without expressions."),
				 errhint("Create such an index, or name other columns in argument "
						 "\"key_columns\".")));
	return best;
}

SortSupport
sort_support(Oid less_than, Oid collation)
{
	SortSupport sort = palloc_one<SortSupportData>();

	sort->ssup_cxt = CurrentMemoryContext;
	sort->ssup_collation = collation;
	PrepareSortSupportFromOrderingOp(less_than, sort);
	return sort;
}

KeyColumn
key_column_of_index(Relation index, int i)
{
	Oid family = index->rd_opfamily[i];
	Oid type = index->rd_opcintype[i];
	Oid collation = index->rd_indcollation[i];
	Oid less_than = get_opfamily_member(family, type, type, BTLessStrategyNumber);

	return {index->rd_index->indkey.values[i],
			get_opfamily_member(family, type, type, BTEqualStrategyNumber), collation,
			sort_support(less_than, collation)};
}

KeyColumn
key_column_of_type(const Target *target, AttrNumber attno)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(target->relation), attno - 1);
	TypeCacheEntry *type =
		lookup_type_cache(attribute->atttypid, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);

	if (!OidIsValid(type->lt_opr) || !OidIsValid(type->eq_opr))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("column \"%s\" cannot be a key column", NameStr(attribute->attname)),
						errdetail("Its type %s has no default B-tree operator class.",
								  format_type_be(attribute->atttypid)),
						errhint("Leave it out of argument \"key_columns\".")));
	return {attno, type->eq_opr, attribute->attcollation,
			sort_support(type->lt_opr, attribute->attcollation)};
}

bool
has_key(const Target *target, int n, AttrNumber attno)
{
	for (int i = 0; i < n; i++)
		if (target->keys[i].target == attno)
			return true;
	return false;
}

HeapTupleData
tuple_of_image(HeapTupleHeader image)
{
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(image);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = image;
	return tuple;
}

/* An attribute in its type's output format, or NULL. */
char *
attribute_text(const Target *target, HeapTuple tuple, AttrNumber attno)
{
	TupleDesc tuple_desc = RelationGetDescr(target->relation);
	Oid output;
	bool is_varlena;
	bool isnull;
	Datum value = heap_getattr(tuple, attno, tuple_desc, &isnull);

	getTypeOutputInfo(TupleDescAttr(tuple_desc, attno - 1)->atttypid, &output, &is_varlena);
	return isnull ? NULL : OidOutputFunctionCall(output, value);
}

/* The text of a key of several columns: a row literal. */
char *
composite_key_text(const Target *target, HeapTuple tuple)
{
	TupleDesc tuple_desc = RelationGetDescr(target->relation);
	int n = mapped_key_columns(target);
	TupleDesc key_desc = CreateTemplateTupleDesc(n);
	Datum *values = palloc_array_of<Datum>(n);
	bool *nulls = palloc_array_of<bool>(n);
	AttrNumber i = 0;
	Oid output;
	bool is_varlena;

	for (const MappedColumn &column : target->columns)
	{
		if (!column.is_key)
			continue;
		values[i] = heap_getattr(tuple, column.target, tuple_desc, &nulls[i]);
		TupleDescCopyEntry(key_desc, ++i, tuple_desc, column.target);
	}
	key_desc = BlessTupleDesc(key_desc);
	getTypeOutputInfo(RECORDOID, &output, &is_varlena);
	return OidOutputFunctionCall(output,
								 HeapTupleGetDatum(heap_form_tuple(key_desc, values, nulls)));
}

} /* namespace */

Span<const char *>
primary_key_columns(Relation relation)
{
	Span<const char *> names = {nullptr, 0};
	ListCell *cell;

	foreach (cell, RelationGetIndexList(relation))
	{
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(cell));

		const FormData_pg_index *form = reinterpret_cast<FormData_pg_index *>(GETSTRUCT(tuple));

		if (form->indisprimary)
		{
			names = {palloc_array_of<const char *>(form->indnkeyatts), form->indnkeyatts};
			for (int i = 0; i < names.size; i++)
				names[i] = get_attname(RelationGetRelid(relation), form->indkey.values[i], false);
		}
		ReleaseSysCache(tuple);
	}
	return names;
}

void
choose_key(Target *target)
{
	Relation index = open_covering_index(target);
	int nkeys = mapped_key_columns(target);
	int n = 0;

	target->keys = {palloc_array_of<KeyColumn>(nkeys), nkeys};
	for (; n < index->rd_index->indnkeyatts; n++)
		target->keys[n] = key_column_of_index(index, n);
	for (const MappedColumn &column : target->columns)
		if (column.is_key && !has_key(target, n, column.target))
			target->keys[n++] = key_column_of_type(target, column.target);
	relation_close(index, NoLock);
}

char *
key_text(const Target *target, HeapTupleHeader image)
{
	HeapTupleData tuple = tuple_of_image(image);

	return target->keys.size > 1 ? composite_key_text(target, &tuple)
								 : attribute_text(target, &tuple, target->keys[0].target);
}

const char *
key_names(const Target *target)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const MappedColumn &column : target->columns)
	{
		if (!column.is_key)
			continue;
		if (names.len > 0)
			appendStringInfoString(&names, ", ");
		appendStringInfoString(
			&names, get_attname(RelationGetRelid(target->relation), column.target, false));
	}
	return names.data;
}

const char *
key_detail(const Target *target, HeapTupleHeader image)
{
	HeapTupleData tuple = tuple_of_image(image);
	const char *separator = "";
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "(%s)=(", key_names(target));
	for (const MappedColumn &column : target->columns)
	{
		if (!column.is_key)
			continue;

		const char *value = attribute_text(target, &tuple, column.target);

		appendStringInfo(&detail, "%s%s", separator, value == NULL ? "null" : value);
		separator = ", ";
	}
	appendStringInfoChar(&detail, ')');
	return detail.data;
}

} /* namespace bulkupdate */
