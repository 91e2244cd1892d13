/*
 * server_code.cpp
 *		Examining functions, types, expressions and indexes.
 */
#include "server/server_code.h"

namespace bulkupdate
{

namespace
{

/* A few of the server's functions run queries and index expressions, which can be anybody's. */
bool
runs_other_code(Oid function)
{
	switch (function)
	{
		case F_QUERY_TO_XML:
		case F_QUERY_TO_XMLSCHEMA:
		case F_QUERY_TO_XML_AND_XMLSCHEMA:
		case F_CURSOR_TO_XML:
		case F_CURSOR_TO_XMLSCHEMA:
		case F_TABLE_TO_XML:
		case F_TABLE_TO_XMLSCHEMA:
		case F_TABLE_TO_XML_AND_XMLSCHEMA:
		case F_SCHEMA_TO_XML:
		case F_SCHEMA_TO_XMLSCHEMA:
		case F_SCHEMA_TO_XML_AND_XMLSCHEMA:
		case F_DATABASE_TO_XML:
		case F_DATABASE_TO_XMLSCHEMA:
		case F_DATABASE_TO_XML_AND_XMLSCHEMA:
		case F_TS_STAT_TEXT:
		case F_TS_STAT_TEXT_TEXT:
		case F_TS_REWRITE_TSQUERY_TEXT:
		case F_BRIN_SUMMARIZE_NEW_VALUES:
		case F_BRIN_SUMMARIZE_RANGE:
		case F_GIN_CLEAN_PENDING_LIST:
			return true;
		default:
			return reads_any_type(function);
	}
}

bool
function_runs_user_code(Oid function, void *)
{
	return !is_server_function(function) || runs_other_code(function);
}

bool
types_run_user_code(const List *types)
{
	ListCell *cell;
	bool runs = false;

	foreach (cell, types)
		runs = runs || type_runs_user_code(lfirst_oid(cell));
	return runs;
}

bool
sorting_runs_user_code(const SortGroupClause &clause)
{
	return !is_server_function(get_opcode(clause.eqop)) ||
		   (OidIsValid(clause.sortop) && !is_server_function(get_opcode(clause.sortop)));
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
		case T_TableFunc:
			return types_run_user_code(reinterpret_cast<const TableFunc *>(node)->coltypes);
		case T_RangeTblFunction:
			return types_run_user_code(
				reinterpret_cast<const RangeTblFunction *>(node)->funccoltypes);
		case T_SortGroupClause:
			return sorting_runs_user_code(*reinterpret_cast<const SortGroupClause *>(node));
		/* What is in it has not been planned; no expression that is examined has one. */
		case T_Query: /* GCOVR_EXCL_LINE */
		case T_SubLink:
			return true; /* GCOVR_EXCL_LINE */
		default:
			return is_json_query(node) && type_runs_user_code(exprType(node));
	}
}

bool
walk(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	return check_functions_in_node(node, function_runs_user_code, context) ||
		   value_runs_user_code(node) || walk_expression_tree(node, walk, context);
}

bool
open_index_runs_user_code(Relation index)
{
	const FormData_pg_index &form = *index->rd_index;
	int functions = index->rd_indam->amsupport * IndexRelationGetNumberOfKeyAttributes(index);

	for (int i = 0; i < functions; i++)
		if (!is_c_function(index->rd_support[i]))
			return true;

	/* The functions of a range, an array or a row are the server's, and call others. */
	for (int i = 0; i < form.indnatts; i++)
		if (form.indkey.values[i] != 0 &&
			type_runs_user_code(get_atttype(form.indrelid, form.indkey.values[i])))
			return true;
	if (form.indisexclusion)
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

bool
index_runs_user_code(Oid index)
{
	Relation relation = index_open(index, AccessShareLock);
	bool runs = open_index_runs_user_code(relation);

	index_close(relation, NoLock);
	return runs;
}

} /* namespace bulkupdate */
