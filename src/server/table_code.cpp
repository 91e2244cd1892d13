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

/*
 * The checks and defaults of a table, or none.  To be asked for each: a catalog lookup may receive
 * an invalidation, which replaces the descriptor.
 */
TupleConstr
constraints_of(Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return constraints == nullptr ? TupleConstr{} : *constraints;
}

/* Also of columns that an INSERT does not mention. */
bool
columns_run_user_code(Relation relation)
{
	for (int i = 0; i < constraints_of(relation).num_defval; i++)
		if (stored_runs_user_code(constraints_of(relation).defval[i].adbin))
			return true;
	for (int i = 0; i < RelationGetDescr(relation)->natts; i++)
	{
		const FormData_pg_attribute attribute = *TupleDescAttr(RelationGetDescr(relation), i);

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
	for (int i = 0; i < constraints_of(relation).num_check; i++)
		if (stored_runs_user_code(constraints_of(relation).check[i].ccbin))
			return true;
	for (int i = 0; i < constraints_of(relation).num_defval; i++)
	{
		const AttrDefault &value = constraints_of(relation).defval[i];

		if (TupleDescAttr(RelationGetDescr(relation), value.adnum - 1)->attgenerated != '\0' &&
			stored_runs_user_code(value.adbin))
			return true;
	}
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
		   form->relrowsecurity || form->relhastriggers || columns_run_user_code(relation) ||
		   constraints_run_user_code(relation) || indexes_run_user_code(relation);
}

} /* namespace bulkupdate */
