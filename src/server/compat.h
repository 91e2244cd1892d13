/*
 * compat.h
 *		The differences between the supported server versions, and nothing else:
 *		every PG_VERSION_NUM of the project is here.  Wrappers carry the
 *		newest version's signature.
 *
 * Included by pg.h after the server's headers.
 */
#ifndef BULK_UPDATE_SERVER_COMPAT_H
#define BULK_UPDATE_SERVER_COMPAT_H

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 200000
#error "PostgreSQL 15 to 19 are supported; docs/versions.md says how to add another version"
#endif

/* The module's name and version are recorded in the library from 18 on. */
#if PG_VERSION_NUM >= 180000
#define BULK_UPDATE_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "bulk_update", .version = "1.0")
#else
#define BULK_UPDATE_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* The status entry of a backend by its place in the list; the function was renamed in 16. */
inline LocalPgBackendStatus *
local_backend_entry(int index)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(index);
#else
	return pgstat_fetch_stat_local_beentry(index);
#endif
}

/* Does the current user have a privilege on a schema?  16 has one function for all objects. */
inline AclResult
schema_aclcheck(Oid schema, AclMode privilege)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, GetUserId(), privilege);
#else
	return pg_namespace_aclcheck(schema, GetUserId(), privilege);
#endif
}

/* 18 has generated columns whose values are not stored. */
inline bool
is_virtual_generated([[maybe_unused]] const FormData_pg_attribute &attribute)
{
#if PG_VERSION_NUM >= 180000
	return attribute.attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return false;
#endif
}

/* Which indexes need entries for a new version; from 16 on there are more cases than two. */
#if PG_VERSION_NUM >= 160000
using IndexesToUpdate = TU_UpdateIndexes;
#else
using IndexesToUpdate = bool;
#endif

/* Do all of them?  A new version that stays on its page (HOT) needs none, or only BRIN's. */
inline bool
needs_all_indexes(IndexesToUpdate indexes)
{
#if PG_VERSION_NUM >= 160000
	return indexes == TU_All;
#else
	return indexes;
#endif
}

/* Does an index family sort in ascending order by it?  18 has comparison types for strategies. */
inline bool
sorts_upwards(Oid op, Oid *family, Oid *type)
{
#if PG_VERSION_NUM >= 180000
	CompareType order;

	return get_ordering_op_properties(op, family, type, &order) && order == COMPARE_LT;
#else
	int16 strategy;

	return get_ordering_op_properties(op, family, type, &strategy) &&
		   strategy == BTLessStrategyNumber;
#endif
}

/* Insert the index entries of a new version; returns the indexes to check again later. */
inline List *
insert_index_entries(ResultRelInfo *result, TupleTableSlot *slot, EState *estate,
					 IndexesToUpdate indexes)
{
#if PG_VERSION_NUM >= 190000
	if (result->ri_NumIndices == 0 || indexes == TU_None)
		return NIL;
	return ExecInsertIndexTuples(
		result, estate, EIIT_IS_UPDATE | (indexes == TU_Summarizing ? EIIT_ONLY_SUMMARIZING : 0),
		slot, NIL, nullptr);
#elif PG_VERSION_NUM >= 160000
	if (result->ri_NumIndices == 0 || indexes == TU_None)
		return NIL;
	return ExecInsertIndexTuples(result, slot, estate, true, false, nullptr, NIL,
								 indexes == TU_Summarizing);
#else
	if (result->ri_NumIndices == 0 || !indexes)
		return NIL;
	return ExecInsertIndexTuples(result, slot, estate, true, false, nullptr, NIL);
#endif
}

/* 16 added failure data for the row, 18 for MERGE. */
inline bool
fire_before_row_update_triggers(EState *estate, EPQState *epqstate, ResultRelInfo *result,
								ItemPointer tid, TupleTableSlot *slot)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRUpdateTriggers(estate, epqstate, result, tid, nullptr, slot, nullptr, nullptr,
								false);
#elif PG_VERSION_NUM >= 160000
	return ExecBRUpdateTriggers(estate, epqstate, result, tid, nullptr, slot, nullptr, nullptr);
#else
	return ExecBRUpdateTriggers(estate, epqstate, result, tid, nullptr, slot, nullptr);
#endif
}

inline void
init_eval_plan_qual(EPQState *epqstate, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epqstate, estate, nullptr, NIL, -1, NIL);
#else
	EvalPlanQualInit(epqstate, estate, nullptr, NIL, -1);
#endif
}

/*
 * Give estate a range table of one relation, after checking the privileges
 * as the executor does.  The sets have attribute numbers minus
 * FirstLowInvalidHeapAttributeNumber.  From 16 on, the required privileges have
 * their own node.
 */
inline void
init_range_table(EState *estate, Relation relation, AclMode required, Bitmapset *selected,
				 Bitmapset *updated)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);

	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(relation);
	entry->relkind = relation->rd_rel->relkind;
	entry->rellockmode = (required & ACL_UPDATE) != 0 ? RowExclusiveLock : AccessShareLock;
#if PG_VERSION_NUM >= 160000
	List *permissions = NIL;
	RTEPermissionInfo *permission = addRTEPermissionInfo(&permissions, entry);

	permission->requiredPerms = required;
	permission->selectedCols = selected;
	permission->updatedCols = updated;
	ExecCheckPermissions(list_make1(entry), permissions, true);
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#else
	ExecInitRangeTable(estate, list_make1(entry), permissions);
#endif
#else
	entry->requiredPerms = required;
	entry->selectedCols = selected;
	entry->updatedCols = updated;
	ExecCheckRTPerms(list_make1(entry), true);
	ExecInitRangeTable(estate, list_make1(entry));
#endif
}

/*
 * The mapping of the columns of a partition, or of an inheritance child, which may have
 * more of them, to those of the root; from 16 on the executor computes it.
 */
inline void
map_root_to_child(ResultRelInfo *child, ResultRelInfo *root)
{
#if PG_VERSION_NUM >= 160000
	(void) child;
	(void) root;
#else
	TupleDesc from = RelationGetDescr(root->ri_RelationDesc);
	TupleDesc to = RelationGetDescr(child->ri_RelationDesc);
	AttrMap *columns = make_attrmap(to->natts);
	TupleConversionMap *map = static_cast<TupleConversionMap *>(palloc0(sizeof(*map)));

	/* Usually they have the same numbers. */
	for (int i = 0; i < to->natts; i++)
		for (int n = 0; n < from->natts && columns->attnums[i] == 0; n++)
		{
			int j = (i + n) % from->natts;

			if (!TupleDescAttr(to, i)->attisdropped && !TupleDescAttr(from, j)->attisdropped &&
				strcmp(NameStr(TupleDescAttr(to, i)->attname),
					   NameStr(TupleDescAttr(from, j)->attname)) == 0)
				columns->attnums[i] = static_cast<AttrNumber>(j + 1);
		}
	map->indesc = from;
	map->outdesc = to;
	map->attrMap = columns;
	child->ri_RootToPartitionMap = map;
#endif
}

/* Replace the version of a row that estate's snapshot sees, once who holds it is done. */
inline TM_Result
update_tuple(Relation relation, ItemPointer tid, TupleTableSlot *slot, const EState *estate,
			 TM_FailureData *failure, LockTupleMode *mode, IndexesToUpdate *indexes)
{
#if PG_VERSION_NUM >= 190000
	return table_tuple_update(relation, tid, slot, estate->es_output_cid, 0, estate->es_snapshot,
							  InvalidSnapshot, true, failure, mode, indexes);
#else
	return table_tuple_update(relation, tid, slot, estate->es_output_cid, estate->es_snapshot,
							  InvalidSnapshot, true, failure, mode, indexes);
#endif
}

/* From 19 on a descriptor is finished once it has all its attributes. */
inline void
finish_tuple_desc(TupleDesc tuple_desc)
{
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(tuple_desc);
#else
	(void) tuple_desc;
#endif
}

/* A cache of the catalogs has a type of its own from 19 on. */
#if PG_VERSION_NUM >= 190000
using CatalogCache = SysCacheIdentifier;
#else
using CatalogCache = int;
#endif

/* Visit the nodes below one of an expression; 15 declares the visitor without parameters. */
inline bool
walk_expression_tree(Node *node, bool (*walker)(Node *node, void *context), void *context)
{
#if PG_VERSION_NUM >= 160000
	return expression_tree_walker(node, walker, context);
#else
	return expression_tree_walker(
		node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
#endif
}

/* The same for the parts of a query. */
inline bool
walk_query_tree(Query *query, bool (*walker)(Node *node, void *context), void *context, int flags)
{
#if PG_VERSION_NUM >= 160000
	return query_tree_walker(query, walker, context, flags);
#else
	return query_tree_walker(
		query, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context, flags);
#endif
}

/* Does a function of the server read text as a value of the type that it is told?  New in 16. */
inline bool
reads_any_type(Oid function)
{
#if PG_VERSION_NUM >= 160000
	return function == F_PG_INPUT_IS_VALID || function == F_PG_INPUT_ERROR_INFO;
#else
	static_cast<void>(function);
	return false;
#endif
}

/* Is it JSON_VALUE() or another query function of 17, which converts its result to any type? */
inline bool
is_json_query(const Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, JsonExpr);
#else
	static_cast<void>(node);
	return false;
#endif
}

/* The setting of 17, in milliseconds, or 0. */
inline int
transaction_timeout()
{
#if PG_VERSION_NUM >= 170000
	return TransactionTimeout;
#else
	return 0;
#endif
}

/* A scan whose node does not count its index searches, which 18 requires. */
inline IndexScanDesc
begin_index_scan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 190000
	return index_beginscan(heap, index, snapshot, nullptr, nkeys, 0, SO_NONE);
#elif PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, nullptr, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

/*
 * Run a portal to its end in one go, which lets its plan use parallel workers; 18 sees by itself
 * that it is the only run.  A later FETCH finds the portal at its end.
 */
inline void
run_whole_portal(Portal portal, DestReceiver *receiver)
{
#if PG_VERSION_NUM >= 180000
	(void) PortalRun(portal, FETCH_ALL, false, receiver, receiver, nullptr);
#else
	(void) PortalRun(portal, FETCH_ALL, false, true, receiver, receiver, nullptr);
	portal->run_once = false;
#endif
}

/* From 18 on a path with fewer disabled nodes is better whatever its cost. */
inline void
add_disabled_nodes(Path *path)
{
#if PG_VERSION_NUM >= 180000
	path->disabled_nodes += 1000000;
#else
	(void) path;
#endif
}

#endif /* BULK_UPDATE_SERVER_COMPAT_H */
