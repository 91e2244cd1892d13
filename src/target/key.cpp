/*
 * key.cpp
 *		The unique index that covers the key, and the order of keys.
 */
#include "target/key.h"

#include "target/key_hint.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

int
mapped_key_columns(const Target &target)
{
	int n = 0;

	for (const MappedColumn &column : target.columns)
		n += column.is_key ? 1 : 0;
	return n;
}

bool
index_covers_key(const Target &target, Relation index)
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

/* Does the index compare like a plain "="? */
bool
compares_as_usual(const Target &target, Relation index)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		FormData_pg_attribute attribute = attribute_of(target, index->rd_index->indkey.values[i]);
		Oid type = index->rd_opcintype[i];
		Oid equality =
			get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

		if (index->rd_indcollation[i] != attribute.attcollation ||
			equality != lookup_type_cache(attribute.atttypid, TYPECACHE_EQ_OPR)->eq_opr)
			return false;
	}
	return true;
}

/* The better of two covering indexes: the whole key, usual comparison, immediate, primary key. */
bool
is_better_index(const Target &target, Relation candidate, Relation best)
{
	const FormData_pg_index *a = candidate->rd_index;
	const FormData_pg_index *b = best->rd_index;
	bool usual = compares_as_usual(target, candidate);

	if (a->indnkeyatts != b->indnkeyatts)
		return a->indnkeyatts > b->indnkeyatts;
	if (usual != compares_as_usual(target, best))
		return usual;
	if (a->indimmediate != b->indimmediate)
		return a->indimmediate;
	return a->indisprimary && !b->indisprimary;
}

/* The best covering index, opened. */
Relation
open_covering_index(const Target &target)
{
	List *indexes = RelationGetIndexList(target.relation);
	Relation best = nullptr;
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = relation_open(lfirst_oid(cell), AccessShareLock);

		if (!index_covers_key(target, index) ||
			(best != nullptr && !is_better_index(target, index, best)))
		{
			relation_close(index, AccessShareLock);
			continue;
		}
		if (best != nullptr)
			relation_close(best, AccessShareLock);
		best = index;
	}

	if (best == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("there is no unique index on key columns (%s) of table \"%s\"",
						key_names(target), RelationGetRelationName(target.relation)),
				 errdetail("The key must contain all columns of a unique, valid, non-partial "
						   "B-tree index without expressions."),
				 errhint("%s", key_index_hint(target))));
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
key_column(const Target &target, AttrNumber attno, Oid equality, Oid less_than, Oid collation)
{
	Oid type = attribute_of(target, attno).atttypid;
	FmgrInfo *output = palloc_one<FmgrInfo>();
	Oid output_function;
	bool is_varlena;
	Oid compared_as;
	Oid right_type;

	op_input_types(equality, &compared_as, &right_type);
	if (IsPolymorphicType(compared_as))
		compared_as = getBaseType(type);
	getTypeOutputInfo(type, &output_function, &is_varlena);
	fmgr_info(output_function, output);
	return {attno,
			type,
			equality,
			compared_as,
			less_than,
			collation,
			sort_support(less_than, collation),
			output};
}

KeyColumn
key_column_of_index(const Target &target, Relation index, int i)
{
	Oid family = index->rd_opfamily[i];
	Oid type = index->rd_opcintype[i];

	return key_column(target, index->rd_index->indkey.values[i],
					  get_opfamily_member(family, type, type, BTEqualStrategyNumber),
					  get_opfamily_member(family, type, type, BTLessStrategyNumber),
					  index->rd_indcollation[i]);
}

KeyColumn
key_column_of_type(const Target &target, AttrNumber attno)
{
	FormData_pg_attribute attribute = attribute_of(target, attno);
	TypeCacheEntry *type =
		lookup_type_cache(attribute.atttypid, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);

	if (!OidIsValid(type->lt_opr) || !OidIsValid(type->eq_opr))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("column \"%s\" cannot be a key column", NameStr(attribute.attname)),
						errdetail("Its type %s has no default B-tree operator class.",
								  format_type_be(attribute.atttypid)),
						errhint("Remove it from argument \"key_columns\".")));
	return key_column(target, attno, type->eq_opr, type->lt_opr, attribute.attcollation);
}

bool
has_key(const Target &target, int n, AttrNumber attno)
{
	for (int i = 0; i < n; i++)
		if (target.keys[i].target == attno)
			return true;
	return false;
}

/* Size 0 if the relation has none. */
Span<const char *>
primary_key_columns(Relation relation)
{
	Span<const char *> names = {};
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

} /* namespace */

Span<const char *>
key_columns_or_primary_key(Relation relation, Span<const char *> key_columns)
{
	Span<const char *> names = key_columns.size > 0 ? key_columns : primary_key_columns(relation);

	if (names.size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(relation)),
				 errdetail("By default, the primary key identifies a row."),
				 errhint("Specify the columns of a unique index in argument \"key_columns\".")));
	return names;
}

void
choose_key(Target &target)
{
	Relation index = open_covering_index(target);
	int nkeys = mapped_key_columns(target);
	int n = 0;

	target.keys = {palloc_array_of<KeyColumn>(nkeys), nkeys};
	target.key_index = index;
	target.index_columns = index->rd_index->indnkeyatts;
	for (; n < index->rd_index->indnkeyatts; n++)
		target.keys[n] = key_column_of_index(target, index, n);
	for (const MappedColumn &column : target.columns)
		if (column.is_key && !has_key(target, n, column.target))
			target.keys[n++] = key_column_of_type(target, column.target);
}

bool
key_range_is_dense(const Target &target, Datum low, Datum high, int n)
{
	const KeyColumn &key = target.keys[0];
	const TypeCacheEntry *usual = lookup_type_cache(key.type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
	uint64 span;

	if (target.keys.size != 1 || key.equality != usual->eq_opr || key.less_than != usual->lt_opr)
		return false;
	switch (key.type)
	{
		case INT2OID:
			span = static_cast<uint64>(DatumGetInt16(high) - DatumGetInt16(low));
			break;
		case INT4OID:
			span = static_cast<uint64>(static_cast<int64>(DatumGetInt32(high)) -
									   static_cast<int64>(DatumGetInt32(low)));
			break;
		case INT8OID:
			span =
				static_cast<uint64>(DatumGetInt64(high)) - static_cast<uint64>(DatumGetInt64(low));
			break;
		default:
			return false;
	}
	return span < 2 * static_cast<uint64>(n);
}

} /* namespace bulkupdate */
