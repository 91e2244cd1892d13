/*
 * column_cast.cpp
 *		Making the cast of a source column as the parser and the planner make it.
 */
#include "column_cast.h"

namespace bulkupdate
{

namespace
{

/* May a cast raise an error?  A leakproof function tells nothing of its argument, not so either. */
bool
can_fail(const Node *cast)
{
	switch (nodeTag(cast))
	{
		case T_Var:
		case T_Const:
			return false;
		case T_RelabelType:
			return can_fail(
				reinterpret_cast<Node *>(reinterpret_cast<const RelabelType *>(cast)->arg));
		case T_FuncExpr:
		{
			const FuncExpr *call = reinterpret_cast<const FuncExpr *>(cast);
			const ListCell *cell;

			foreach (cell, call->args)
				if (can_fail(static_cast<const Node *>(lfirst(cell))))
					return true;
			return !get_func_leakproof(call->funcid);
		}
		default:
			return true;
	}
}

/* The input function of a type, then its assignment to the column; NULL if from is not text. */
Node *
cast_of_text(Node *value, Oid from, const FormData_pg_attribute *to)
{
	if (from != TEXTOID)
		return NULL;

	Oid type = getBaseType(to->atttypid);
	Node *read = coerce_to_target_type(NULL, value, TEXTOID, type, -1, COERCION_EXPLICIT,
									   COERCE_EXPLICIT_CAST, -1);

	return read == NULL ? NULL
						: coerce_to_target_type(NULL, read, type, to->atttypid, to->atttypmod,
												COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
}

} /* namespace */

void
column_cast(Target *target, const Options &options, MappedColumn *column, TupleDesc source)
{
	Form_pg_attribute from = TupleDescAttr(source, column->source - 1);
	FormData_pg_attribute to = attribute_of(target, column->target);
	Node *value = reinterpret_cast<Node *>(
		makeVar(1, column->source, from->atttypid, from->atttypmod, from->attcollation, 0));
	Node *cast = coerce_to_target_type(NULL, value, from->atttypid, to.atttypid, to.atttypmod,
									   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);

	if (cast == NULL && options.source_kind == SourceKind::Arrays)
		cast = cast_of_text(value, from->atttypid, &to);
	if (cast == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" is of type %s but expression is of type %s",
							   NameStr(to.attname), format_type_be(to.atttypid),
							   format_type_be(from->atttypid)),
						errdetail("Source column %d would feed it.", column->source),
						options.source_kind == SourceKind::Arrays
							? errhint("Give an array of that type, or an array of text.")
							: errhint("You will need to rewrite or cast the expression in the "
									  "source's query.")));

	Expr *planned = expression_planner(reinterpret_cast<Expr *>(cast));
	Node *inner = reinterpret_cast<Node *>(planned);

	while (IsA(inner, RelabelType))
		inner = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(inner)->arg);
	if (IsA(inner, Var))
		return;
	column->cast = ExecInitExpr(planned, NULL);
	if (can_fail(reinterpret_cast<Node *>(planned)))
		(column->is_key ? target->keys_can_fail : target->values_can_fail) = true;
}

} /* namespace bulkupdate */
