/*
 * index_walk.cpp
 *		Stepping through the leaf pages of an index, or descending to them.
 */
#include "apply/direct/index_walk.h"

#include "apply/direct/leaf_scan.h"

namespace bulkupdate
{

namespace
{

/*
 * A step costs about 1/30 of a descent.  A descent that will be followed by steps
 * also reads the rest of its leaf page; so when keys turn out to be far from
 * each other, they are looked up one by one for a while.
 */
constexpr int MAX_STEPS = 32;
constexpr int FAR_KEYS_BEFORE_LOOKUPS = 4;
constexpr int LOOKUPS_BEFORE_STEPS = 128;

/* Release a scan's pin on a heap page: with one pin too many, the page cannot be pruned. */
void
leave_page(IndexScanDesc scan)
{
	if (scan != nullptr)
		table_index_fetch_reset(scan->xs_heapfetch);
}

void
set_arguments(Span<ScanKeyData> scan_keys, const Datum *key)
{
	for (int i = 0; i < scan_keys.size; i++)
		scan_keys[i].sk_argument = key[i];
}

/* The order of the walk's current entry and the wanted key, by the last column. */
int
compare_entry(const IndexWalk &walk, const Datum *key)
{
	int last = walk.keys.size - 1;
	bool isnull;
	Datum value = index_getattr(leaf_scan_entry(walk.steps), static_cast<AttrNumber>(last + 1),
								walk.steps->xs_itupdesc, &isnull);

	return ApplySortComparator(value, isnull, key[last], false, walk.keys[last].sort);
}

/* Are all columns except the last those of the walk's prefix? */
bool
has_prefix(const IndexWalk &walk, const Datum *key)
{
	for (int i = 0; i < walk.keys.size - 1; i++)
		if (ApplySortComparator(walk.step_keys[i].sk_argument, false, key[i], false,
								walk.keys[i].sort) != 0)
			return false;
	return true;
}

bool
step(IndexWalk &walk)
{
	walk.on_entry = leaf_scan_next(walk.steps);
	if (walk.on_entry)
		walk.entry = walk.steps->xs_heaptid;
	return walk.on_entry;
}

/* Does the scan's entry lead to a visible row?  Without a slot it is only counted. */
bool
fetch(IndexWalk &walk, IndexScanDesc scan, TupleTableSlot *slot /* or NULL */)
{
	if (slot == nullptr)
	{
		walk.last = scan->xs_heaptid;
		if (walk.entries++ == 0)
			walk.first = walk.last;
		return false;
	}
	if (index_fetch_heap(scan, slot))
		return true;
	walk.stats->dead++;
	return false;
}

/* Step to the first entry with this key whose row is visible, at most this many steps. */
enum class Found : uint8
{
	Row,
	Nothing,
	TooFar
};

Found
step_to(IndexWalk &walk, const Datum *key, TupleTableSlot *slot /* or NULL */, int max_steps)
{
	for (int steps = 0; steps <= max_steps; steps++)
	{
		int order = compare_entry(walk, key);

		if (order > 0)
			return Found::Nothing;
		if (order == 0)
		{
			/*
			 * Each version of a row can have an entry.  A fetch advances the
			 * scan's pointer to the version; the entry may be used again, for
			 * another key with the same columns in the index.
			 */
			walk.steps->xs_heaptid = walk.entry;
			if (fetch(walk, walk.steps, slot))
				return Found::Row;
			steps--;
		}
		CHECK_FOR_INTERRUPTS();
		if (!step(walk))
			return Found::Nothing;
	}
	return Found::TooFar;
}

/* Keep the arguments until the next descent. */
void
copy_arguments(IndexWalk &walk)
{
	MemoryContextReset(walk.keys_memory);
	with_memory_context(walk.keys_memory, [&] {
		for (int i = 0; i < walk.keys.size; i++)
		{
			int16 length;
			bool by_value;

			get_typlenbyval(walk.keys[i].type, &length, &by_value);
			walk.step_keys[i].sk_argument =
				datumCopy(walk.step_keys[i].sk_argument, by_value, length);
		}
	});
}

/* Descend to the first entry that is not below this key. */
bool
descend(IndexWalk &walk, const Datum *key)
{
	/* has_prefix() and the scan use the arguments later: they must outlive the caller's key. */
	set_arguments(walk.step_keys, key);
	if (walk.keys_memory != nullptr)
		copy_arguments(walk);
	if (walk.steps == nullptr)
		walk.steps = leaf_scan_begin(walk.heap, walk.index, walk.snapshot, walk.step_keys);
	index_rescan(walk.steps, walk.step_keys.data, walk.step_keys.size, nullptr, 0);
	return step(walk);
}

void
begin_lookups(IndexWalk &walk)
{
	if (walk.lookups == nullptr)
		walk.lookups =
			begin_index_scan(walk.heap, walk.index, walk.snapshot, walk.lookup_keys.size);
}

bool
look_up(IndexWalk &walk, const Datum *key, TupleTableSlot *slot /* or NULL */)
{
	Span<ScanKeyData> scan_keys = walk.lookup_keys;

	leave_page(walk.steps);
	begin_lookups(walk);
	set_arguments(scan_keys, key);
	index_rescan(walk.lookups, scan_keys.data, scan_keys.size, nullptr, 0);
	while (index_getnext_tid(walk.lookups, ForwardScanDirection) != nullptr)
	{
		if (fetch(walk, walk.lookups, slot))
		{
			/*
			 * Without WAL the leaf page is still pinned; this kills dead entries, and unpins it.
			 * test/pins has such indexes.
			 */
			if (!RelationNeedsWAL(walk.index))
				/* GCOVR_EXCL_START */
				index_rescan(walk.lookups, scan_keys.data, scan_keys.size, nullptr, 0);
			/* GCOVR_EXCL_STOP */
			return true;
		}
	}
	return false;
}

bool
find(IndexWalk &walk, const Datum *key, TupleTableSlot *slot /* or NULL */)
{
	WalkStats &stats = *walk.stats;

	if (!walk.can_step || stats.lookups_due > 0)
	{
		stats.lookups_due = Max(stats.lookups_due - 1, 0);
		return look_up(walk, key, slot);
	}

	leave_page(walk.lookups);
	if (walk.on_entry && has_prefix(walk, key))
	{
		Found found = step_to(walk, key, slot, MAX_STEPS);

		if (found != Found::TooFar)
		{
			stats.far_keys = 0;
			return found == Found::Row;
		}
	}

	if (++stats.far_keys > FAR_KEYS_BEFORE_LOOKUPS)
	{
		stats.far_keys = FAR_KEYS_BEFORE_LOOKUPS - 1;
		stats.lookups_due = LOOKUPS_BEFORE_STEPS;
		walk.on_entry = false;
		return look_up(walk, key, slot);
	}
	return descend(walk, key) && step_to(walk, key, slot, MAX_STEPS) == Found::Row;
}

} /* namespace */

void
index_walk_begin(IndexWalk &walk, Relation heap, Relation index, Span<const KeyColumn> keys,
				 Snapshot snapshot, WalkStats &stats)
{
	int last = keys.size - 1;

	walk = {};
	walk.keys = keys;
	walk.heap = heap;
	walk.index = index;
	walk.snapshot = snapshot;
	walk.stats = &stats;
	walk.can_step = (index->rd_indoption[last] & INDOPTION_DESC) == 0;
	walk.step_keys = {palloc_array_of<ScanKeyData>(keys.size), keys.size};
	walk.lookup_keys = {palloc_array_of<ScanKeyData>(keys.size), keys.size};
	for (int i = 0; i < keys.size; i++)
	{
		init_scan_key(&walk.lookup_keys[i], index, i, BTEqualStrategyNumber);
		init_scan_key(&walk.step_keys[i], index, i,
					  i == last ? BTGreaterEqualStrategyNumber : BTEqualStrategyNumber);
	}
}

bool
index_walk_find(IndexWalk &walk, const Datum *key, TupleTableSlot *slot)
{
	bool found = find(walk, key, slot);

	walk.stats->rows += found ? 1 : 0;
	return found;
}

void
index_walk_restart(IndexWalk &walk)
{
	walk.on_entry = false;
}

int
index_walk_entries(IndexWalk &walk, const Datum *key, ItemPointer first, ItemPointer last)
{
	walk.entries = 0;
	(void) find(walk, key, nullptr);
	walk.stats->rows += Min(walk.entries, 1);
	walk.stats->dead += Max(walk.entries - 1, 0);
	*first = walk.first;
	*last = walk.last;
	return walk.entries;
}

bool
index_walk_fetch(IndexWalk &walk, ItemPointerData entry, TupleTableSlot *slot)
{
	leave_page(walk.steps);
	begin_lookups(walk);

	/* A scan that has just begun has neither; index_rescan() would set the second. */
	walk.lookups->xs_heaptid = entry;
	walk.lookups->xs_heap_continue = false;
	return index_fetch_heap(walk.lookups, slot);
}

void
index_walk_prefetch(IndexWalk &walk, const Datum *key)
{
	bool is_near = walk.can_step && walk.on_entry && has_prefix(walk, key);

	for (int steps = 0; is_near && compare_entry(walk, key) < 0; steps++)
		is_near = steps < MAX_STEPS && step(walk);
	if (!is_near && !(walk.can_step && descend(walk, key)))
		return;
	while (compare_entry(walk, key) == 0)
	{
		(void) PrefetchBuffer(walk.heap, MAIN_FORKNUM, ItemPointerGetBlockNumber(&walk.entry));
		if (!step(walk))
			return;
	}
}

void
index_walk_leave(const IndexWalk &walk)
{
	leave_page(walk.steps);
	leave_page(walk.lookups);
}

void
index_walk_end(IndexWalk &walk)
{
	if (walk.steps != nullptr)
		index_endscan(walk.steps);
	if (walk.lookups != nullptr)
		index_endscan(walk.lookups);
	walk.steps = walk.lookups = nullptr;
	walk.on_entry = false;
}

} /* namespace bulkupdate */
