/*
 * server_code.cpp
 *		Examining functions, types, expressions and plans.
 */
#include "server/server_code.h"

namespace bulkupdate
{

namespace
{

bool
is_not_server_function(Oid function, void *)
{
	return !is_server_function(function);
}

bool
domain_runs_user_code(Oid domain)
{
	DomainConstraintRef constraints = {};
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update domain", ALLOCSET_SMALL_SIZES);
	bool runs = with_memory_context(memory, [&] {
		ListCell *cell;

		InitDomainConstraintRef(domain, &constraints, memory, false);
		foreach (cell, constraints.constraints)
		{
			const DomainConstraintState *constraint =
				static_cast<const DomainConstraintState *>(lfirst(cell));

			if (expression_runs_user_code(reinterpret_cast<const Node *>(constraint->check_expr)))
				return true;
		}
		return false;
	});

	/* Releases the constraints. */
	MemoryContextDelete(memory);
	return runs || type_runs_user_code(getBaseType(domain));
}

bool
row_type_runs_user_code(Oid type)
{
	TupleDesc tuple_desc = lookup_rowtype_tupdesc(type, -1);
	bool runs = false;

	for (int i = 0; i < tuple_desc->natts && !runs; i++)
		runs = !TupleDescAttr(tuple_desc, i)->attisdropped &&
			   type_runs_user_code(TupleDescAttr(tuple_desc, i)->atttypid);
	ReleaseTupleDesc(tuple_desc);
	return runs;
}

bool
range_runs_user_code(Oid type)
{
	const TypeCacheEntry *range = lookup_type_cache(type, TYPECACHE_RANGE_INFO);

	return !is_c_function(range->rng_canonical_finfo.fn_oid) ||
		   !is_c_function(range->rng_subdiff_finfo.fn_oid) ||
		   !is_c_function(range->rng_cmp_proc_finfo.fn_oid) ||
		   type_runs_user_code(range->rngelemtype->type_id);
}

/* The conversion to JSON uses a cast, if there is one. */
bool
json_cast_runs_user_code(Oid type)
{
	Oid function;

	return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &function) ==
			   COERCION_PATH_FUNC &&
		   !is_c_function(function);
}

bool
base_type_runs_user_code(Oid type)
{
	const TypeCacheEntry *entry =
		lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_CMP_PROC | TYPECACHE_HASH_PROC);
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);

	const FormData_pg_type *form = reinterpret_cast<const FormData_pg_type *>(GETSTRUCT(tuple));
	bool runs = !is_c_function(form->typinput) || !is_c_function(form->typoutput) ||
				!is_c_function(form->typreceive) || !is_c_function(form->typsend) ||
				!is_c_function(entry->cmp_proc) || !is_c_function(entry->hash_proc) ||
				(OidIsValid(entry->eq_opr) && !is_c_function(get_opcode(entry->eq_opr)));

	ReleaseSysCache(tuple);
	return runs;
}

/* Is a node of an expression a value of a type that may run user-defined code? */
bool
value_runs_user_code(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Param:
		case T_Aggref:
		case T_WindowFunc:
		case T_SubscriptingRef:
		case T_FuncExpr:
		case T_OpExpr:
		case T_FieldSelect:
		case T_FieldStore:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_CoerceToDomain:
		case T_CoerceToDomainValue:
			return type_runs_user_code(exprType(node));
		case T_Query:
		case T_SubLink:
			/* What is in it has not been planned. */
			return true;
		default:
			return false;
	}
}

bool
walk(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	return check_functions_in_node(node, is_not_server_function, context) ||
		   value_runs_user_code(node) || walk_expression_tree(node, walk, context);
}

bool
operators_run_user_code(int n, const Oid *operators)
{
	for (int i = 0; i < n; i++)
		if (!is_server_function(get_opcode(operators[i])))
			return true;
	return false;
}

/* Do the operators of a node that sorts? */
bool
sort_runs_user_code(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_IncrementalSort: /* begins with a Sort */
		{
			const Sort *sort = reinterpret_cast<const Sort *>(plan);

			return operators_run_user_code(sort->numCols, sort->sortOperators);
		}
		case T_MergeAppend:
		{
			const MergeAppend *append = reinterpret_cast<const MergeAppend *>(plan);

			return operators_run_user_code(append->numCols, append->sortOperators);
		}
		case T_GatherMerge:
		{
			const GatherMerge *gather = reinterpret_cast<const GatherMerge *>(plan);

			return operators_run_user_code(gather->numCols, gather->sortOperators);
		}
		default:
			return false;
	}
}

bool plan_node_runs_user_code(const Plan *plan);

bool
plans_run_user_code(const List *plans)
{
	ListCell *cell;

	foreach (cell, plans)
		if (plan_node_runs_user_code(static_cast<const Plan *>(lfirst(cell))))
			return true;
	return false;
}

bool
children_run_user_code(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return plans_run_user_code(reinterpret_cast<const Append *>(plan)->appendplans);
		case T_MergeAppend:
			return plans_run_user_code(reinterpret_cast<const MergeAppend *>(plan)->mergeplans);
		case T_BitmapAnd:
			return plans_run_user_code(reinterpret_cast<const BitmapAnd *>(plan)->bitmapplans);
		case T_BitmapOr:
			return plans_run_user_code(reinterpret_cast<const BitmapOr *>(plan)->bitmapplans);
		case T_SubqueryScan:
			return plan_node_runs_user_code(reinterpret_cast<const SubqueryScan *>(plan)->subplan);
		case T_ForeignScan:
		case T_CustomScan:
		case T_ModifyTable:
			return true;
		default:
			return false;
	}
}

bool
plan_node_runs_user_code(const Plan *plan)
{
	check_stack_depth();
	if (plan == nullptr)
		return false;
	return walk(reinterpret_cast<Node *>(plan->targetlist), nullptr) ||
		   walk(reinterpret_cast<Node *>(plan->qual), nullptr) || sort_runs_user_code(plan) ||
		   children_run_user_code(plan) || plan_node_runs_user_code(outerPlan(plan)) ||
		   plan_node_runs_user_code(innerPlan(plan));
}

} /* namespace */

bool
is_server_function(Oid function)
{
	return function < FirstNormalObjectId;
}

bool
is_c_function(Oid function)
{
	if (is_server_function(function))
		return true;

	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);

	Oid language = reinterpret_cast<const FormData_pg_proc *>(GETSTRUCT(tuple))->prolang;

	ReleaseSysCache(tuple);
	return language == INTERNALlanguageId || language == ClanguageId;
}

bool
type_runs_user_code(Oid type)
{
	check_stack_depth();
	if (type < FirstNormalObjectId)
		return false;
	if (json_cast_runs_user_code(type))
		return true;

	Oid element = get_element_type(type);

	if (OidIsValid(element))
		return type_runs_user_code(element);
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return domain_runs_user_code(type);
		case TYPTYPE_COMPOSITE:
			return row_type_runs_user_code(type);
		case TYPTYPE_ENUM:
			return false;
		case TYPTYPE_RANGE:
			return range_runs_user_code(type);
		case TYPTYPE_MULTIRANGE:
			return range_runs_user_code(get_multirange_range(type));
		default:
			return base_type_runs_user_code(type);
	}
}

bool
expression_runs_user_code(const Node *expression /* or NULL */)
{
	return walk(const_cast<Node *>(expression), nullptr);
}

/*
 * The planner lists the functions and domains on which a plan depends, also those that it has
 * inlined or executed; those of types and of ordering are not among them.
 */
bool
plan_runs_user_code(const PlannedStmt *statement)
{
	return statement->invalItems != NIL || plan_node_runs_user_code(statement->planTree) ||
		   plans_run_user_code(statement->subplans);
}

bool
index_runs_user_code(Relation index)
{
	int functions = index->rd_indam->amsupport * IndexRelationGetNumberOfKeyAttributes(index);

	for (int i = 0; i < functions; i++)
		if (!is_c_function(index->rd_support[i]))
			return true;
	if (index->rd_index->indisexclusion)
	{
		Oid *operators;
		Oid *procedures;
		uint16 *strategies;

		RelationGetExclusionInfo(index, &operators, &procedures, &strategies);
		for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
			if (!is_c_function(procedures[i]))
				return true;
	}
	return expression_runs_user_code(
			   reinterpret_cast<Node *>(RelationGetIndexExpressions(index))) ||
		   expression_runs_user_code(reinterpret_cast<Node *>(RelationGetIndexPredicate(index)));
}

} /* namespace bulkupdate */
