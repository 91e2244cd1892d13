/*
 * key_hint.cpp
 *		Hints for a key that no unique index covers.
 */
#include "target/key_hint.h"

#include "target/citus_table.h"

namespace bulkupdate
{

namespace
{

constexpr const char *OTHER_COLUMNS = "or specify other columns in argument \"key_columns\".";

/* A unique index of a distributed table must include the distribution column. */
const char *
hint_for_distribution_column(const Target &target)
{
	AttrNumber column = citus_table(RelationGetRelid(target.relation)).column;

	if (column == InvalidAttrNumber || is_key_attribute(target, column))
		return nullptr;
	/* GCOVR_EXCL_START: needs Citus */
	return psprintf("A unique index on a distributed table has the distribution column: column %s "
					"must be among the key columns.",
					quote_identifier(attribute_name(target, column)));
	/* GCOVR_EXCL_STOP */
}

/* A unique index of a partitioned table must include the partition key, like its indexes below. */
const char *
hint_for_partition_key(const Target &target, Relation table)
{
	PartitionKey key = RelationGetPartitionKey(table);

	for (int i = 0; key != nullptr && i < get_partition_natts(key); i++)
	{
		AttrNumber attno = get_partition_col_attnum(key, i);

		if (attno == 0)
			return psprintf("The partition key of table \"%s\" has an expression, so no unique "
							"index can cover its partitions. Update each partition separately.",
							RelationGetRelationName(table));

		const char *name = get_attname(RelationGetRelid(table), attno, false);

		if (!is_key_attribute(target, get_attnum(RelationGetRelid(target.relation), name)))
			return psprintf("A unique index on a partitioned table has all columns of the "
							"partition key: column %s must be among the key columns.",
							quote_identifier(name));
	}
	return nullptr;
}

const char *
hint_for_partitions(const Target &target)
{
	const char *hint = nullptr;
	ListCell *cell;

	if (target.relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return nullptr;

	List *tree = find_all_inheritors(RelationGetRelid(target.relation), AccessShareLock, nullptr);

	foreach (cell, tree)
	{
		Relation table = relation_open(lfirst_oid(cell), NoLock);

		if (hint == nullptr)
			hint = hint_for_partition_key(target, table);
		relation_close(table, NoLock);
	}
	return hint;
}

/* Are all columns of a unique index, and of its predicate, among those of the key? */
bool
is_on_key(const Target &target, Relation index)
{
	const FormData_pg_index *form = index->rd_index;
	Bitmapset *attributes = nullptr;
	int member = -1;

	if (!form->indisunique)
		return false;
	pull_varattnos(reinterpret_cast<Node *>(RelationGetIndexExpressions(index)), 1, &attributes);
	for (int i = 0; i < form->indnkeyatts; i++)
		if (form->indkey.values[i] != 0 && !is_key_attribute(target, form->indkey.values[i]))
			return false;
	while ((member = bms_next_member(attributes, member)) >= 0)
		if (!is_key_attribute(target,
							  static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber)))
			return false;
	return true;
}

/* Why a unique index on the key does not cover it. */
const char *
hint_for_index(Relation index)
{
	const FormData_pg_index *form = index->rd_index;
	const char *name = RelationGetRelationName(index);

	if (RelationGetIndexPredicate(index) != NIL)
		return psprintf("Unique index \"%s\" is partial. Create one without a WHERE clause, %s",
						name, OTHER_COLUMNS);
	if (RelationGetIndexExpressions(index) != NIL)
		return psprintf("Unique index \"%s\" is on an expression. Create one on the columns, %s",
						name, OTHER_COLUMNS);
	if (index->rd_rel->relam != BTREE_AM_OID)
		/* GCOVR_EXCL_START: needs an extension that has such indexes */
		return psprintf("Unique index \"%s\" is not a B-tree. Create a B-tree index, %s", name,
						OTHER_COLUMNS);
	/* GCOVR_EXCL_STOP */
	if (form->indisvalid)
		return nullptr; /* GCOVR_EXCL_LINE: it would cover the key */
	return psprintf(index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX
						? "Unique index \"%s\" is not valid. Attach an index of each partition "
						  "to it."
						: "Unique index \"%s\" is not valid. Use REINDEX, or drop it and create it "
						  "again.",
					name);
}

const char *
hint_for_indexes(const Target &target)
{
	const char *hint = nullptr;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(target.relation))
	{
		Relation index = relation_open(lfirst_oid(cell), AccessShareLock);

		if (hint == nullptr && is_on_key(target, index))
			hint = hint_for_index(index);
		relation_close(index, AccessShareLock);
	}
	return hint;
}

/* An index on some of the key columns is enough, so only if none can be indexed. */
const char *
hint_for_types(const Target &target)
{
	const char *hint = nullptr;

	for (const MappedColumn &column : target.columns)
	{
		FormData_pg_attribute attribute = attribute_of(target, column.target);

		if (!column.is_key)
			continue;
		if (OidIsValid(lookup_type_cache(attribute.atttypid, TYPECACHE_BTREE_OPFAMILY)->btree_opf))
			return nullptr;
		hint = psprintf("Type %s of column \"%s\" has no default B-tree operator class. Specify "
						"other columns in argument \"key_columns\".",
						format_type_be(attribute.atttypid), NameStr(attribute.attname));
	}
	return hint;
}

} /* namespace */

bool
is_key_attribute(const Target &target, AttrNumber attno)
{
	for (const MappedColumn &column : target.columns)
		if (column.is_key && column.target == attno)
			return true;
	return false;
}

const char *
key_index_hint(const Target &target)
{
	const char *hint = hint_for_distribution_column(target);

	if (hint == nullptr)
		hint = hint_for_partitions(target);
	if (hint == nullptr)
		hint = hint_for_indexes(target);
	if (hint == nullptr)
		hint = hint_for_types(target);
	return hint != nullptr ? hint : psprintf("Create such an index, %s", OTHER_COLUMNS);
}

} /* namespace bulkupdate */
