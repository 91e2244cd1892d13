/*
 * inheritance_route.cpp
 *		Searching the indexes of an inheritance tree for the keys of a chunk.
 */
#include "apply/direct/inheritance_route.h"

#include "apply/direct/direct_rule.h"
#include "apply/direct/leaf_scan.h"

namespace bulkupdate
{

namespace
{

/* A search costs as much as some dozens of steps. */
constexpr int MAX_STEPS = 32;

constexpr int FEW_TABLES = 8;

/* The first entries of an index that are not below a key, for ascending keys. */
struct Search
{
	Span<const KeyColumn> columns; /* of the index */
	IndexScanDesc scan;
	ScanKeyData scan_key; /* for several columns, of their row comparison */
	ScanKeyData members[INDEX_MAX_KEYS];
	bool on_entry;
};

/* Does an index of a child cover the key like the target's own index? */
bool
covers_key_alike(const Target &target, Relation child, Relation index)
{
	Relation model = target.key_index;
	const FormData_pg_index *form = index->rd_index;

	if (!form->indisunique || !form->indisready || !form->indislive ||
		index->rd_rel->relam != BTREE_AM_OID || form->indnkeyatts != target.index_columns ||
		RelationGetIndexPredicate(index) != NIL)
		return false; /* GCOVR_EXCL_LINE: test/differential draws such indexes */
	for (int i = 0; i < target.index_columns; i++)
		if (form->indkey.values[i] != attribute_in(child, target, target.keys[i].target) ||
			index->rd_opfamily[i] != model->rd_opfamily[i] ||
			index->rd_opcintype[i] != model->rd_opcintype[i] ||
			index->rd_indcollation[i] != model->rd_indcollation[i])
			return false; /* GCOVR_EXCL_LINE: the same */
	return true;
}

/* The child's index that covers the key, or InvalidOid; one that can be used now is preferred. */
Oid
covering_index(const Target &target, Relation child)
{
	Oid found = InvalidOid;
	bool found_best = false;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(child))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		bool best = index->rd_index->indisvalid && index->rd_index->indimmediate;

		if (!found_best && covers_key_alike(target, child, index))
		{
			found = RelationGetRelid(index);
			found_best = best;
		}
		index_close(index, NoLock);
	}
	return found;
}

bool
ascends(Relation index, int columns)
{
	for (int i = 0; i < columns; i++)
		if (index->rd_indoption[i] != 0)
			return false;
	return true;
}

/* A scan key for (column 1, column 2, ...) >= (a, b, ...), as in ExecIndexBuildScanKeys(). */
void
init_row_key(Search &search, Relation index)
{
	int n = search.columns.size;
	ScanKeyData *header = &search.scan_key;

	for (int i = 0; i < n; i++)
	{
		Oid type = index->rd_opcintype[i];
		Oid compare = get_opfamily_proc(index->rd_opfamily[i], type, type, BTORDER_PROC);

		if (!OidIsValid(compare))
			elog(ERROR, "missing support function %d(%u,%u) in opfamily %u", BTORDER_PROC, type,
				 type, index->rd_opfamily[i]);
		ScanKeyEntryInitialize(&search.members[i], SK_ROW_MEMBER | (i == n - 1 ? SK_ROW_END : 0),
							   static_cast<AttrNumber>(i + 1), BTGreaterEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i], compare,
							   static_cast<Datum>(0));
	}
	*header = {};
	header->sk_flags = SK_ROW_HEADER;
	header->sk_attno = 1;
	header->sk_strategy = BTGreaterEqualStrategyNumber;
	header->sk_argument = PointerGetDatum(search.members);
}

/* The order of the search's current entry and a key. */
int
compare_entry(const Search &search, const Datum *key)
{
	IndexTuple entry = leaf_scan_entry(search.scan);

	for (int i = 0; i < search.columns.size; i++)
	{
		bool isnull;
		Datum value =
			index_getattr(entry, static_cast<AttrNumber>(i + 1), search.scan->xs_itupdesc, &isnull);
		int order = ApplySortComparator(value, isnull, key[i], false, search.columns[i].sort);

		if (order != 0)
			return order;
	}
	return 0;
}

/* Go to the first entry that is not below this key; returns whether there is one. */
bool
search_for(Search &search, const Datum *key)
{
	for (int i = 0; search.on_entry && i < MAX_STEPS; i++)
	{
		if (compare_entry(search, key) >= 0)
			return true;
		search.on_entry = leaf_scan_next(search.scan);
		if (!search.on_entry)
			return false;
	}
	search.scan_key.sk_argument = search.columns.size == 1 ? key[0] : search.scan_key.sk_argument;
	for (int i = 0; i < search.columns.size; i++)
		search.members[i].sk_argument = key[i];
	index_rescan(search.scan, &search.scan_key, 1, nullptr, 0);
	search.on_entry = leaf_scan_next(search.scan);
	return search.on_entry;
}

/* The first key from here on that is not below the entry; doubles its steps, then halves them. */
int
first_key_from(const Search &search, Span<ChunkRow *> rows, int from)
{
	int low = from; /* all keys before it are below the entry */
	int step = 1;

	while (low + step < rows.size && compare_entry(search, rows[low + step]->key) > 0)
	{
		low += step;
		step *= 2;
	}

	int high = Min(low + step, rows.size);

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (compare_entry(search, rows[middle]->key) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
count_tables(const PartitionRoute &route)
{
	int n = 0;

	for (const Partition *table = route.opened; table != nullptr; table = table->next)
		n++;
	return n;
}

/* Call found(i) for every key for which the index has an entry. */
template <typename Found>
void
find_keys(const Target &target, Relation heap, Relation index, Span<ChunkRow *> rows,
		  Snapshot snapshot, Found found)
{
	Search search = {};
	int i = 0;

	search.columns = {target.keys.data, target.index_columns};
	if (target.index_columns == 1)
		init_scan_key(&search.scan_key, index, 0, BTGreaterEqualStrategyNumber);
	else
		init_row_key(search, index);
	search.scan = leaf_scan_begin(heap, index, snapshot, {&search.scan_key, 1});
	while (i < rows.size && search_for(search, rows[i]->key))
	{
		CHECK_FOR_INTERRUPTS();
		i = first_key_from(search, rows, i);

		/* Keys can differ in columns that are not in the index. */
		for (; i < rows.size && compare_entry(search, rows[i]->key) == 0; i++)
			found(i);
	}
	index_endscan(search.scan);
}

} /* namespace */

const char *
inheritance_route_open(PartitionRoute &route)
{
	const char *why = nullptr;
	Oid root = RelationGetRelid(route.target->relation);
	List *tables = find_all_inheritors(root, route.lock, nullptr);
	ListCell *cell;

	foreach (cell, tables)
	{
		if (lfirst_oid(cell) == root)
			continue;

		Relation child = table_open(lfirst_oid(cell), NoLock);
		Oid index = covering_index(*route.target, child);

		(void) partition_route_add(route, child, index);
		if (why == nullptr)
			why = why_not_direct_child(child, index);
	}
	return why;
}

Holder **
inheritance_route_find(const PartitionRoute &route, Span<ChunkRow *> rows, Snapshot snapshot)
{
	const Target &target = *route.target;
	Holder **holders = palloc_array_of<Holder *>(rows.size);

	/* A single key is looked up in a few tables just as it is searched for in them. */
	bool search = rows.size > 1 || count_tables(route) > FEW_TABLES;

	/* From the newest table on, each added in front, so the target comes first. */
	for (Partition *table = route.opened; table != nullptr; table = table->next)
	{
		Relation index = index_open(table->index, AccessShareLock);
		auto found = [&](int i) {
			Holder *holder = palloc_one<Holder>();

			*holder = {table, holders[i]};
			holders[i] = holder;
			table->used = true;
		};

		if (search && ascends(index, target.index_columns))
			find_keys(target, table->relation, index, rows, snapshot, found);
		else
			for (int i = 0; i < rows.size; i++)
				found(i);
		index_close(index, NoLock);
	}
	return holders;
}

} /* namespace bulkupdate */
