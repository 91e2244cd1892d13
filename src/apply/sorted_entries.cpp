/*
 * sorted_entries.cpp
 *		Index entries through tuplesort.
 */
#include "apply/sorted_entries.h"

#include "apply/held_entries.h"
#include "server/fault.h"
#include "server/spool.h"

namespace bulkupdate
{

namespace
{

/* With less memory than the first a sort would write many short runs; tuplesort's minimum. */
constexpr int64 ENOUGH_MEMORY_KB = 1024;
constexpr int64 LEAST_MEMORY_KB = 64;

/* A page of a B-tree has room for three entries of this size. */
constexpr Size SMALL_ENTRY = BLCKSZ / 4;

/* Chunks after which an index without new entries makes room for others. */
constexpr int64 CHUNKS_UNTIL_UNUSED = 2;

bool enabled = true;

} /* namespace */

struct IndexSort
{
	Oid table_oid;
	Oid index_oid;
	Relation table; /* NULL: nothing has been sorted yet */
	Relation index;
	Tuplesortstate *state;
	bool dead_versions;
	int64 newest_chunk;
	IndexSort *next;
};

struct SortedEntries
{
	MemoryContext memory;
	ResourceOwner owner;
	int nest_level;
	int tables;
	int64 chunk;

	IndexSort *sorts;
	int count;
	int most;          /* maximum number of them, and the memory for each; */
	int64 memory_kb;   /* 0: not known yet */
	bool lacks_room;   /* an index found no place */
	int64 ended_bytes; /* disk space of sorts that have ended */
	bool entering;     /* also after an error, then some entries are lost */

	HeldEntries held;
};

namespace
{

/* Maximum number of tables that have rows of the target. */
int
count_tables(Relation target)
{
	if (!target->rd_rel->relhassubclass)
		return 1;

	List *tables = find_all_inheritors(RelationGetRelid(target), NoLock, nullptr);
	int n = list_length(tables);

	list_free(tables);
	return n;
}

/* How much memory each sort gets.  With many tables some of their indexes go without. */
void
divide_memory(SortedEntries &entries, int indexes)
{
	int64 memory_kb = static_cast<int64>(maintenance_work_mem) * 3 / 4; /* the rest: held_entries */
	int64 share = memory_kb / indexes / entries.tables;

	if (entries.tables > 1)
		share = Max(share, Min(ENOUGH_MEMORY_KB, memory_kb / indexes));
	entries.memory_kb = Max(share, LEAST_MEMORY_KB);
	entries.most = static_cast<int>(Max(memory_kb / entries.memory_kb, 1));
}

/* Begin the sort, unless it has entries already. */
void
begin_sort(const SortedEntries &entries, IndexSort &sort)
{
	if (sort.state != nullptr)
		return;
	with_memory_context(entries.memory, [&] {
		sort.table = table_open(sort.table_oid, NoLock);
		sort.index = index_open(sort.index_oid, RowExclusiveLock);
		sort.state = tuplesort_begin_index_btree(sort.table, sort.index, false, false,
												 static_cast<int>(entries.memory_kb), nullptr,
												 TUPLESORT_NONE);
	});
}

void
put(const IndexSort &sort, ItemPointer tid, Datum *values, bool *nulls)
{
	FAULT_POINT(entry_sort);
	tuplesort_putindextuplevalues(sort.state, sort.index, tid, values, nulls);
}

int64
spilled_bytes(const IndexSort &sort)
{
	return sort.state == nullptr ? 0 : sort_spilled_bytes(sort.state);
}

/* The entry cannot fail: another row with the key has been excluded, and so has its size. */
void
enter(const IndexSort &sort, IndexTuple tuple, IndexInfo *info)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	FAULT_POINT(entry_enter);
	index_deform_tuple(tuple, RelationGetDescr(sort.index), values, nulls);
	(void) index_insert(sort.index, values, nulls, &tuple->t_tid, sort.table, UNIQUE_CHECK_NO,
						sort.dead_versions, info);
}

void
entering_error_context(void *arg)
{
	const IndexSort &sort = *static_cast<const IndexSort *>(arg);

	errcontext("bulk_update entering versions into index \"%s\"",
			   RelationGetRelationName(sort.index));
}

void
enter_all(const IndexSort &sort)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update entering", ALLOCSET_DEFAULT_SIZES);
	IndexInfo *info = BuildIndexInfo(sort.index);

	tuplesort_performsort(sort.state);
	with_memory_context(memory, [&] {
		while (IndexTuple tuple = tuplesort_getindextuple(sort.state, true))
		{
			CHECK_FOR_INTERRUPTS();
			enter(sort, tuple, info);
			MemoryContextReset(memory);
		}
	});
	MemoryContextDelete(memory);
}

void
end_sort(SortedEntries &entries, IndexSort &sort)
{
	if (sort.state != nullptr)
	{
		with_error_context(entering_error_context, &sort, [&] { enter_all(sort); });
		entries.ended_bytes += spilled_bytes(sort);
		tuplesort_end(sort.state);
		index_close(sort.index, RowExclusiveLock);
		table_close(sort.table, NoLock);
	}
	entries.count--;
	pfree(&sort);
}

/* End the sorts for which is_due(sort) is true. */
template <typename IsDue>
void
end_sorts(SortedEntries &entries, IsDue is_due)
{
	for (IndexSort **link = &entries.sorts; *link != nullptr;)
	{
		IndexSort &sort = **link;

		if (!is_due(sort))
		{
			link = &sort.next;
			continue;
		}
		*link = sort.next;
		end_sort(entries, sort);
	}
}

void
sort_held(SortedEntries &entries)
{
	held_entries_release(entries.held, [&](const HeldEntry &entry) {
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];

		begin_sort(entries, *entry.sort);
		index_deform_tuple(entry.tuple, RelationGetDescr(entry.sort->index), values, nulls);
		put(*entry.sort, &entry.tuple->t_tid, values, nulls);
	});
}

/* May the entry be larger than a B-tree accepts?  Values that it compresses count in full. */
bool
may_be_too_large(TupleDesc tuple_desc, const Datum *values, const bool *nulls)
{
	Size size = MAXALIGN(sizeof(IndexTupleData) + sizeof(IndexAttributeBitMapData));

	for (int i = 0; i < tuple_desc->natts; i++)
	{
		const FormData_pg_attribute &attribute = *TupleDescAttr(tuple_desc, i);

		if (nulls[i])
			continue;
		if (attribute.attlen > 0)
			size += MAXALIGN(static_cast<Size>(attribute.attlen));
		else if (attribute.attlen == -1 && VARATT_IS_EXTERNAL(DatumGetPointer(values[i])))
			return true;
		else
			size += MAXALIGN(datumGetSize(values[i], false, attribute.attlen));
	}
	return size > SMALL_ENTRY;
}

} /* namespace */

void
sorted_entries_define_settings()
{
	DefineCustomBoolVariable("bulk_update.sort_index_entries",
							 "Sorts the index entries of a bulk update where nobody can notice.",
							 "If off, each row is entered into all indexes when it is updated.",
							 &enabled, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

bool
sorted_entries_enabled()
{
	return enabled;
}

SortedEntries *
sorted_entries_create(Relation target)
{
	SortedEntries *entries = palloc_one<SortedEntries>();

	entries->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk_update index entries",
											ALLOCSET_DEFAULT_SIZES);
	with_memory_context(entries->memory, [&] { held_entries_init(entries->held); });
	entries->owner = CurrentResourceOwner;
	entries->nest_level = GetCurrentTransactionNestLevel();
	entries->tables = count_tables(target);
	return entries;
}

IndexSort *
sorted_entries_open(SortedEntries &entries, Relation table, Relation index, int indexes)
{
	Oid index_oid = RelationGetRelid(index);
	IndexSort *sort = entries.sorts;

	while (sort != nullptr && sort->index_oid != index_oid)
		sort = sort->next;
	if (sort == nullptr)
	{
		if (entries.memory_kb == 0)
			divide_memory(entries, indexes);
		if (entries.count == entries.most)
		{
			entries.lacks_room = true;
			return nullptr;
		}
		sort = with_memory_context(entries.memory, [] { return palloc_one<IndexSort>(); });
		sort->table_oid = RelationGetRelid(table);
		sort->index_oid = index_oid;
		sort->next = entries.sorts;
		entries.sorts = sort;
		entries.count++;
	}
	sort->newest_chunk = entries.chunk;
	return sort;
}

bool
sorted_entries_put(SortedEntries &entries, IndexSort &sort, Relation index, ItemPointer tid,
				   Datum *values, bool *nulls, bool dead_versions)
{
	if (may_be_too_large(RelationGetDescr(index), values, nulls))
		return false;
	sort.dead_versions = sort.dead_versions || dead_versions;
	if (GetCurrentTransactionNestLevel() > entries.nest_level)
		return held_entries_add(entries.held, sort, index, tid, values, nulls);
	begin_sort(entries, sort);
	put(sort, tid, values, nulls);
	return true;
}

void
sorted_entries_keep(SortedEntries &entries)
{
	sort_held(entries);
	entries.chunk++;
	if (entries.lacks_room)
		end_sorts(entries, [&](const IndexSort &sort) {
			return sort.newest_chunk + CHUNKS_UNTIL_UNUSED < entries.chunk;
		});
	entries.lacks_room = false;
}

void
sorted_entries_flush(SortedEntries *entries /* or NULL */)
{
	ResourceOwner caller = CurrentResourceOwner;

	if (entries == nullptr)
		return;
	if (entries->entering)
		elog(ERROR, "bulk_update has lost index entries"); /* GCOVR_EXCL_LINE: in test/faults */
	if (entries->sorts == nullptr)
		return;
	entries->entering = true;
	FAULT_POINT(entry_flush);
	CurrentResourceOwner = entries->owner;
	sort_held(*entries);
	end_sorts(*entries, [](const IndexSort &) { return true; });
	CurrentResourceOwner = caller;
	entries->entering = false;
}

int64
sorted_entries_spilled_bytes(const SortedEntries *entries /* or NULL */)
{
	int64 bytes = 0;

	if (entries == nullptr)
		return 0;
	for (const IndexSort *sort = entries->sorts; sort != nullptr; sort = sort->next)
		bytes += spilled_bytes(*sort);
	return bytes + entries->ended_bytes;
}

} /* namespace bulkupdate */
