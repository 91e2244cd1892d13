/*
 * table_code.cpp
 *		The code of a table: constraints, expressions, triggers.
 */
#include "server/table_code.h"

#include "server/server_code.h"

namespace bulkupdate
{

namespace
{

/* An expression as it is stored in a catalog. */
bool
stored_runs_user_code(const char *expression)
{
	return expression_runs_user_code(static_cast<const Node *>(stringToNode(expression)));
}

/* A column without a default has that of its domain. */
bool
domain_default_runs_user_code(Oid type)
{
	return get_typtype(type) == TYPTYPE_DOMAIN && expression_runs_user_code(get_typdefault(type));
}

/* Also of columns that an INSERT does not mention. */
bool
columns_run_user_code(TupleDesc tuple_desc)
{
	const TupleConstr *constraints = tuple_desc->constr;

	for (int i = 0; constraints != nullptr && i < constraints->num_defval; i++)
		if (stored_runs_user_code(constraints->defval[i].adbin))
			return true;
	for (int i = 0; i < tuple_desc->natts; i++)
	{
		const FormData_pg_attribute attribute = *TupleDescAttr(tuple_desc, i);

		if (!attribute.attisdropped && (type_runs_user_code(attribute.atttypid) ||
										domain_default_runs_user_code(attribute.atttypid)))
			return true;
	}
	return false;
}

} /* namespace */

bool
constraints_run_user_code(Relation relation)
{
	TupleDesc tuple_desc = RelationGetDescr(relation);
	const TupleConstr *constraints = tuple_desc->constr;

	if (constraints == nullptr)
		return false;
	for (int i = 0; i < constraints->num_check; i++)
		if (stored_runs_user_code(constraints->check[i].ccbin))
			return true;
	for (int i = 0; i < constraints->num_defval; i++)
		if (TupleDescAttr(tuple_desc, constraints->defval[i].adnum - 1)->attgenerated != '\0' &&
			stored_runs_user_code(constraints->defval[i].adbin))
			return true;
	return false;
}

bool
indexes_run_user_code(Relation relation)
{
	ListCell *cell;
	bool runs = false;

	foreach (cell, RelationGetIndexList(relation))
		runs = runs || index_runs_user_code(lfirst_oid(cell));
	return runs;
}

bool
insert_runs_user_code(Relation relation)
{
	const FormData_pg_class *form = relation->rd_rel;

	return form->relkind != RELKIND_RELATION || form->relispartition || form->relhasrules ||
		   form->relrowsecurity || form->relhastriggers ||
		   columns_run_user_code(RelationGetDescr(relation)) ||
		   constraints_run_user_code(relation) || indexes_run_user_code(relation);
}

} /* namespace bulkupdate */
