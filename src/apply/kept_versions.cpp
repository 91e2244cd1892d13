/*
 * kept_versions.cpp
 *		Tuplestores of old and new values.
 */
#include "apply/kept_versions.h"

#include "server/fault.h"
#include "server/spool.h"

namespace bulkupdate
{

namespace
{

struct Store
{
	EphemeralNamedRelation relation; /* its reldata is the tuplestore, NULL while it is empty */
	Datum *values;                   /* of the row that is put */
	bool *nulls;
	int columns; /* that have been set in them */
	int64 rows;
};

} /* namespace */

struct KeptVersions
{
	const Target *target;
	MemoryContext memory;
	ResourceOwner owner;
	Store stores[KEPT_STORES];

	/* Transaction IDs of the attempts at the chunk's rows, from number 0. */
	Span<TransactionId> attempts;
	int capacity;
};

namespace
{

constexpr int FIRST_CAPACITY = 64;
constexpr const char *STORE_NAMES[] = {"bulk_update_kept", "bulk_update_kept_old",
									   "bulk_update_kept_new"};

/* The rows that the planner expects, whatever the chunk has: then it joins stores by hash. */
constexpr double EXPECTED_ROWS = 10000;

bool
has_new(KeptStore store)
{
	return store != KeptStore::Old;
}

bool
has_old(KeptStore store)
{
	return store != KeptStore::New;
}

/* Like a column of the target. */
void
init_column(TupleDesc tuple_desc, int i, const char *name, const FormData_pg_attribute &attribute)
{
	TupleDescInitEntry(tuple_desc, static_cast<AttrNumber>(i + 1), name, attribute.atttypid,
					   attribute.atttypmod, attribute.attndims);
	TupleDescInitEntryCollation(tuple_desc, static_cast<AttrNumber>(i + 1), attribute.attcollation);
}

void
init_system_column(TupleDesc tuple_desc, int i, const char *name, Oid type)
{
	TupleDescInitEntry(tuple_desc, static_cast<AttrNumber>(i + 1), name, type, -1, 0);
}

TupleDesc
describe(const Target &target, KeptStore which)
{
	int before = which == KeptStore::Pairs ? 2 : 3;
	TupleDesc tuple_desc =
		CreateTemplateTupleDesc(before + (has_new(which) ? target.kept.size : 0) +
								(has_old(which) ? target.kept.size - target.keys.size : 0));
	int n = 0;

	init_system_column(tuple_desc, n++, "attempt", INT4OID);
	init_system_column(tuple_desc, n++, "source_row", INT8OID);
	if (which != KeptStore::Pairs)
		init_system_column(tuple_desc, n++, "table_oid", OIDOID);
	for (int i = 0; has_new(which) && i < target.kept.size; i++)
		init_column(tuple_desc, n++, psprintf("%c%d", target.kept[i].is_key ? 'k' : 'n', i),
					attribute_of(target, target.kept[i].target));
	for (int i = 0; has_old(which) && i < target.kept.size; i++)
		if (!target.kept[i].is_key)
			init_column(tuple_desc, n++, psprintf("o%d", i),
						attribute_of(target, target.kept[i].target));
	Assert(n == tuple_desc->natts);
	finish_tuple_desc(tuple_desc);
	return tuple_desc;
}

EphemeralNamedRelation
relation_of(const Target &target, KeptStore which)
{
	EphemeralNamedRelation relation = palloc_one<EphemeralNamedRelationData>();

	relation->md.name = pstrdup(kept_store_name(which));
	relation->md.tupdesc = describe(target, which);
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = EXPECTED_ROWS;
	return relation;
}

Store &
store_of(KeptVersions &kept, KeptStore which)
{
	return kept.stores[static_cast<int>(which)];
}

/* The number of the subtransaction in which rows are being applied. */
int
current_attempt(KeptVersions &kept)
{
	TransactionId xid = GetCurrentTransactionId();
	Span<TransactionId> &attempts = kept.attempts;

	if (attempts.size > 0 && attempts[attempts.size - 1] == xid)
		return attempts.size - 1;
	if (attempts.size == kept.capacity)
	{
		kept.capacity *= 2;
		attempts.data = static_cast<TransactionId *>(
			repalloc(attempts.data, sizeof(TransactionId) * static_cast<Size>(kept.capacity)));
	}
	attempts[attempts.size] = xid;
	return attempts.size++;
}

void
set_column(Store &store, Datum value, bool isnull)
{
	store.values[store.columns] = value;
	store.nulls[store.columns++] = isnull;
}

/* A tuplestore per chunk: each scan adds a read pointer, which every later row would pass. */
void
begin_tuplestore(const KeptVersions &kept, const Store &store)
{
	ResourceOwner caller = CurrentResourceOwner;

	CurrentResourceOwner = kept.owner;
	store.relation->reldata = with_memory_context(
		kept.memory, [] { return tuplestore_begin_heap(false, false, spool_memory_kb()); });
	CurrentResourceOwner = caller;
}

/* Keep a row whose columns after the source row are set by fill(). */
template <typename Fill>
void
put(KeptVersions &kept, KeptStore which, const ChunkRow &row, Fill fill)
{
	Store &store = store_of(kept, which);

	FAULT_POINT(old_values_put);
	if (store.relation->reldata == nullptr)
		begin_tuplestore(kept, store);
	store.columns = 0;
	set_column(store, Int32GetDatum(current_attempt(kept)), false);
	set_column(store, Int64GetDatum(row.position), false);
	fill(store);
	Assert(store.columns == store.relation->md.tupdesc->natts);
	tuplestore_putvalues(static_cast<Tuplestorestate *>(store.relation->reldata),
						 store.relation->md.tupdesc, store.values, store.nulls);
	store.rows++;
}

void
set_from_slot(Store &store, TupleTableSlot *slot, int attribute)
{
	bool isnull;
	Datum value = slot_getattr(slot, attribute, &isnull);

	set_column(store, value, isnull);
}

void
register_relations(const KeptVersions &kept)
{
	for (const Store &store : kept.stores)
	{
		int result = keeping_memory_context([&] { return SPI_register_relation(store.relation); });

		if (result != SPI_OK_REL_REGISTER)
			elog(ERROR, "SPI_register_relation failed: %s", SPI_result_code_string(result));
	}
}

} /* namespace */

const char *
kept_store_name(KeptStore store)
{
	return STORE_NAMES[static_cast<int>(store)];
}

KeptVersions *
kept_versions_create(const Target &target)
{
	KeptVersions *kept = palloc_one<KeptVersions>();

	kept->target = &target;
	kept->memory = CurrentMemoryContext;
	kept->owner = CurrentResourceOwner;
	kept->capacity = FIRST_CAPACITY;
	kept->attempts = {palloc_array_of<TransactionId>(FIRST_CAPACITY), 0};
	for (int i = 0; i < KEPT_STORES; i++)
	{
		Store &store = kept->stores[i];

		store.relation = relation_of(target, static_cast<KeptStore>(i));
		store.values = palloc_array_of<Datum>(store.relation->md.tupdesc->natts);
		store.nulls = palloc_array_of<bool>(store.relation->md.tupdesc->natts);
	}
	register_relations(*kept);
	return kept;
}

void
kept_versions_put(KeptVersions &kept, const ChunkRow &row, TupleTableSlot *old,
				  TupleTableSlot *updated, Span<const AttrNumber> attributes)
{
	put(kept, KeptStore::Pairs, row, [&](Store &store) {
		for (AttrNumber attribute : attributes)
			set_from_slot(store, updated, attribute);
		for (int i = 0; i < attributes.size; i++)
			if (!kept.target->kept[i].is_key)
				set_from_slot(store, old, attributes[i]);
	});
}

void
kept_versions_put_part(KeptVersions &kept, KeptStore which, const ChunkRow &row,
					   TupleTableSlot *slot, int first)
{
	put(kept, which, row, [&](Store &store) {
		int last = first + store.relation->md.tupdesc->natts - store.columns;

		for (int column = first; column < last; column++)
			set_from_slot(store, slot, column);
	});
}

int64
kept_versions_count(const KeptVersions &kept, KeptStore store)
{
	return kept.stores[static_cast<int>(store)].rows;
}

Datum
kept_versions_failed(const KeptVersions &kept)
{
	Datum *failed = palloc_array_of<Datum>(kept.attempts.size);
	int n = 0;

	for (int i = 0; i < kept.attempts.size; i++)
		if (!TransactionIdIsCurrentTransactionId(kept.attempts[i]))
			failed[n++] = Int32GetDatum(i);
	return PointerGetDatum(construct_array(failed, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

void
kept_versions_clear(KeptVersions &kept)
{
	for (Store &store : kept.stores)
	{
		if (store.relation->reldata != nullptr)
			tuplestore_end(static_cast<Tuplestorestate *>(store.relation->reldata));
		store.relation->reldata = nullptr;
		store.rows = 0;
	}
	kept.attempts.size = 0;
}

} /* namespace bulkupdate */
