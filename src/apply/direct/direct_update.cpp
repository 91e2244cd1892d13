/*
 * direct_update.cpp
 *		Updating rows of one table.
 *
 * The counterparts of the executor's functions (execMain.c, nodeModifyTable.c):
 *
 *	core								here
 *	----								----
 *	InitPlan
 *	  ExecCheckPermissions,				init_range_table() of compat.h
 *	  ExecInitRangeTable
 *	  ExecInitResultRelation			add_result_relation(), direct_table_open()
 *	  ExecInitModifyTable:				direct_statement_begin(), map_attributes();
 *	  triggers' snapshot, projection	no transition tables (direct_rule.cpp)
 *	  CheckValidResultRel				target_open(), direct_rule.cpp,
 *										CheckCmdReplicaIdentity() itself
 *	  rowMarks, subplans, junk filter	none: there is no plan
 *	fireBSTriggers						direct_statement_fire_before()
 *	ExecProcNode						direct_table_find()
 *	ExecGetUpdateNewTuple				form_new_version()
 *	ExecUpdatePrologue
 *	  ExecMaterializeSlot				form_new_version(): values stay valid for the row
 *	  ExecOpenIndices					open_indexes()
 *	  ExecPendingInserts				none: nothing is inserted
 *	  ExecBRUpdateTriggers				itself, after lock_newest_version()
 *	ExecUpdateAct
 *	  ExecUpdatePrepareSlot				prepare_new_version()
 *	  ExecPartitionCheck				check_partition(): of the target alone, as the key
 *										says the partition
 *	  ExecCrossPartitionUpdate			none: no row leaves its partition (direct_rule.cpp)
 *	  WCO_RLS_UPDATE_CHECK				none: no policies (direct_rule.cpp)
 *	  ExecConstraints					itself, in prepare_new_version()
 *	  table_tuple_update				update_tuple() in compat.h, in write_new_version()
 *	ExecUpdate after ExecUpdateAct
 *	  TM_SelfModified					refuse_self_modified()
 *	  TM_Updated, EvalPlanQual			lock_newest_version(), then the key again
 *	  TM_Deleted						check_isolation()
 *	ExecUpdateEpilogue
 *	  ExecInsertIndexTuples				index_entries_insert()
 *	  ExecARUpdateTriggers				itself
 *	  WCO_VIEW_CHECK					none: no views
 *	  RETURNING							kept_versions_put(): old and new values
 *	fireASTriggers						direct_statement_end()
 *	ExecEndModifyTable, ExecEndPlan		direct_table_close(), direct_statement_end()
 *
 * Compared with PostgreSQL 15, 16, 17, 18, 19.
 */
#include "apply/direct/direct_update.h"

#include "apply/direct/new_version.h"
#include "apply/direct/sort_rule.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* A trigger of this statement changed the row: each key occurs once, so the statement did not. */
[[noreturn]] void
refuse_self_modified(const DirectTable &table, const TM_FailureData *failure)
{
	if (failure->cmax == table.statement->estate->es_output_cid)
		elog(ERROR, "a row was to be updated twice by one statement");
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
					errmsg("tuple to be updated was already modified by an operation triggered "
						   "by the current command"),
					errhint("Consider using an AFTER trigger instead of a BEFORE trigger to "
							"propagate changes to other rows.")));
}

/* Another transaction changed the row since the transaction's snapshot was taken. */
void
check_isolation(TM_Result result)
{
	if (!IsolationUsesXactSnapshot())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 result == TM_Deleted ? errmsg("could not serialize access due to concurrent delete")
								  : errmsg("could not serialize access due to concurrent update")));
}

/*
 * Lock the newest version of the row, which is put into table->found.  Returns Pending if it is
 * to be updated, or Missing (deleted, or its key has changed), Unchanged or Stale.
 *
 * found: the outcome by the version in the snapshot.
 */
Outcome
lock_newest_version(DirectTable &table, const DirectRow &row, LockTupleMode mode, Outcome found)
{
	EState *estate = table.statement->estate;
	ItemPointerData tid = table.found->tts_tid;
	TM_FailureData failure;
	uint8 flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	ExecClearTuple(table.found);

	TM_Result result =
		table_tuple_lock(table.relation, &tid, estate->es_snapshot, table.found,
						 estate->es_output_cid, mode, LockWaitBlock, flags, &failure);

	switch (result)
	{
		case TM_Ok:
			FAULT_POINT(locked);
			if (failure.traversed && !direct_table_has_key(table, row, 0))
				return Outcome::Missing;
			return direct_table_outcome(table, row);
		case TM_SelfModified:
			/* Changed by a trigger of this statement, which must not write it in any case. */
			if (found != Outcome::Pending)
				return found;
			refuse_self_modified(table, &failure);
		case TM_Updated:
		case TM_Deleted:
			check_isolation(result);
			if (result == TM_Deleted)
				return Outcome::Missing;
			[[fallthrough]];
		default:
			elog(ERROR, "unexpected table_tuple_lock status: %d", static_cast<int>(result));
	}
}

/* Write the new version; returns Updated, or why the row must no longer be updated. */
Outcome
write_new_version(DirectTable &table, const DirectRow &row, IndexesToUpdate *indexes)
{
	EState *estate = table.statement->estate;

	for (;;)
	{
		TM_FailureData failure;
		LockTupleMode mode;

		prepare_new_version(table);
		FAULT_POINT(write_before);

		TM_Result result = update_tuple(table.relation, &table.found->tts_tid, table.updated,
										estate, &failure, &mode, indexes);

		switch (result)
		{
			case TM_Ok:
				FAULT_POINT(write_after);
				return Outcome::Updated;
			case TM_SelfModified:
				refuse_self_modified(table, &failure);
			case TM_Deleted:
				check_isolation(result);
				return Outcome::Missing;
			case TM_Updated:
			{
				check_isolation(result);

				Outcome outcome = lock_newest_version(table, row, mode, Outcome::Pending);

				if (outcome != Outcome::Pending)
					return outcome;
				form_new_version(table, row);
				break;
			}
			default: /* GCOVR_EXCL_LINE: as the error */
				elog(ERROR, "unexpected table_tuple_update status: %d", static_cast<int>(result));
		}
	}
}

bool
has_before_row_triggers(const DirectTable &table)
{
	const TriggerDesc *triggers = table.result->ri_TrigDesc;

	return triggers != nullptr && triggers->trig_update_before_row;
}

/* Not before there is something to write: until then triggers may drop the other indexes. */
void
open_indexes(DirectTable &table)
{
	if (table.result->ri_IndexRelationDescs == nullptr)
		with_memory_context(table.statement->estate->es_query_cxt, [&] {
			DirectStatement &statement = *table.statement;

			index_entries_begin(table.entries, statement.estate, table.result,
								has_before_row_triggers(table)
									? nullptr
									: changing_attributes(table.relation, *statement.target),
								statement.sorted,
								statement.by_place ? InvalidOid : RelationGetRelid(table.index));
		});
}

} /* namespace */

Outcome
direct_table_lock(DirectTable &table, const DirectRow &row)
{
	if (!direct_table_find(table, row))
		return Outcome::Missing;
	return lock_newest_version(table, row, LockTupleNoKeyExclusive,
							   direct_table_outcome(table, row));
}

Outcome
direct_table_update(DirectTable &table, const DirectRow &row)
{
	EState *estate = table.statement->estate;
	IndexesToUpdate indexes;

	ResetPerTupleExprContext(estate);
	if (!direct_table_find(table, row))
		return Outcome::Missing;

	bool triggers = has_before_row_triggers(table);
	Outcome outcome = direct_table_outcome(table, row);

	/*
	 * The triggers' own lock would follow an update chain with the plan, and there is none.  And
	 * whether a row is stale is known only when nobody else can change it; that needs no stronger
	 * lock, even if columns of a unique index are updated.
	 */
	if (triggers && outcome == Outcome::Pending)
		outcome =
			lock_newest_version(table, row, ExecUpdateLockMode(estate, table.result), outcome);
	else if (outcome != Outcome::Pending)
		outcome = lock_newest_version(table, row, LockTupleNoKeyExclusive, outcome);
	if (outcome != Outcome::Pending)
		return outcome;

	open_indexes(table);
	form_new_version(table, row);
	if (triggers && !fire_before_row_update_triggers(estate, &table.epqstate, table.result,
													 &table.found->tts_tid, table.updated))
		return Outcome::Unchanged;

	outcome = write_new_version(table, row, &indexes);
	if (outcome != Outcome::Updated)
		return outcome;

	FAULT_POINT(index_insert);
	List *recheck = index_entries_insert(table.entries, table.updated, estate, indexes,
										 walk_meets_dead_versions(*table.statement->stats));

	FAULT_POINT(row_triggers);
	if (table.statement->sorted != nullptr && !table.statement->checks_references)
		table.statement->checks_references = references_checked(table.relation, table.found);
	ExecARUpdateTriggers(estate, table.result, nullptr, nullptr, &table.found->tts_tid, nullptr,
						 table.updated, recheck, nullptr, false);
	list_free(recheck);
	if (table.statement->kept != nullptr)
		kept_versions_put(*table.statement->kept, *row.source, table.found, table.updated,
						  {table.kept_attributes.data, table.kept_attributes.size});
	return Outcome::Updated;
}

} /* namespace bulkupdate */
