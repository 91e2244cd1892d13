/*
 * column_cast.cpp
 *		Building the cast of a source column like the parser and the planner.
 */
#include "target/column_cast.h"

#include "target/key_comparison.h"

namespace bulkupdate
{

namespace
{

/* Casts of pg_catalog that accept every value, and that are not marked leakproof. */
bool
takes_every_value(Oid function)
{
	switch (function)
	{
		case F_CHAR_TEXT:
		case F_FLOAT8_FLOAT4:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_FLOAT8_INT8:
		case F_NAME_BPCHAR:
		case F_NAME_TEXT:
		case F_NAME_VARCHAR:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
		case F_TEXT_BPCHAR:
		case F_TEXT_CHAR:
		case F_TEXT_NAME:
			return true;
		default:
			return false;
	}
}

bool can_fail(const Node *cast);

bool
call_can_fail(Oid function, const List *arguments)
{
	const ListCell *cell;

	foreach (cell, arguments)
		if (can_fail(static_cast<const Node *>(lfirst(cell))))
			return true;
	return !get_func_leakproof(function) && !takes_every_value(function);
}

/* May a cast raise an error?  A leakproof function does not reveal its argument even so. */
bool
can_fail(const Node *cast)
{
	switch (nodeTag(cast))
	{
		case T_Var:
		case T_Const:
		case T_CaseTestExpr:
			return false;
		case T_RelabelType:
			return can_fail(
				reinterpret_cast<Node *>(reinterpret_cast<const RelabelType *>(cast)->arg));
		case T_FuncExpr:
			return call_can_fail(reinterpret_cast<const FuncExpr *>(cast)->funcid,
								 reinterpret_cast<const FuncExpr *>(cast)->args);
		case T_OpExpr:
			return call_can_fail(reinterpret_cast<const OpExpr *>(cast)->opfuncid,
								 reinterpret_cast<const OpExpr *>(cast)->args);
		default:
			return true;
	}
}

/* May the value be out of the type's range?  Constraints of a domain do not count. */
bool
can_be_out_of_range(const Node *cast)
{
	if (IsA(cast, CoerceToDomain))
		return can_be_out_of_range(
			reinterpret_cast<Node *>(reinterpret_cast<const CoerceToDomain *>(cast)->arg));
	return can_fail(cast);
}

/* The input function of the column's type; NULL if from is not text. */
TextInput *
input_of_text(Oid from, const MappedColumn &column, const FormData_pg_attribute *to)
{
	Oid text = getBaseType(from);

	if (text != TEXTOID && text != VARCHAROID && text != BPCHAROID && text != UNKNOWNOID)
		return nullptr;

	TextInput *input = palloc_one<TextInput>();
	int32 domain_typmod = -1;
	Oid base = getBaseTypeAndTypmod(to->atttypid, &domain_typmod);
	Oid type = to->atttypid;
	Oid function;

	/* The domain's input function would apply the domain's type modifier to the key. */
	if (column.is_key && domain_typmod >= 0)
		type = base;
	input->from = text;
	input->typmod = column.is_key ? -1 : to->atttypmod;
	getTypeInputInfo(type, &function, &input->parameter);
	fmgr_info(function, &input->function);
	return input;
}

} /* namespace */

void
column_cast(Target &target, const Options &options, MappedColumn &column, TupleDesc source)
{
	Form_pg_attribute from = TupleDescAttr(source, column.source - 1);
	FormData_pg_attribute to = attribute_of(target, column.target);
	Var *value = makeVar(1, column.source, from->atttypid, from->atttypmod, from->attcollation, 0);
	Node *cast = nullptr;

	/* For the parser an unknown is a constant, which can have any type. */
	if (from->atttypid != UNKNOWNOID)
		cast = coerce_to_target_type(nullptr, reinterpret_cast<Node *>(value), from->atttypid,
									 to.atttypid, column.is_key ? -1 : to.atttypmod,
									 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (cast == nullptr)
	{
		column.input = input_of_text(from->atttypid, column, &to);
		if (column.input == nullptr)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" is of type %s but expression is of type %s",
								   NameStr(to.attname), format_type_be(to.atttypid),
								   format_type_be(from->atttypid)),
							errdetail("Source column %d is mapped to it.", column.source),
							options.source_kind == SourceKind::Arrays
								? errhint("Pass an array of that type, or an array of text.")
								: errhint("You will need to rewrite or cast the expression in the "
										  "source's query.")));
		(column.is_key ? target.keys_can_fail : target.values_can_fail) = true;
		target.keys_can_overflow = target.keys_can_overflow || column.is_key;
		target.keys_are_cast = target.keys_are_cast || column.is_key;
		return;
	}

	assign_expr_collations(nullptr, cast);

	Expr *planned = expression_planner(reinterpret_cast<Expr *>(cast));
	Node *inner = reinterpret_cast<Node *>(planned);
	bool fails = can_fail(inner);
	bool overflows = can_be_out_of_range(inner);

	while (IsA(inner, RelabelType))
		inner = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(inner)->arg);
	if (!IsA(inner, Var))
		column.cast = ExecInitExpr(planned, nullptr);
	if (!column.is_key)
	{
		target.values_can_fail = target.values_can_fail || fails;
		return;
	}

	const Expr *same = nullptr;

	column.comparison = key_comparison(value, &to, inner, &same);
	if (column.comparison != nullptr && column.comparison->integer)
	{
		fails = IsA(inner, CoerceToDomain);
		overflows = false;
	}
	else if (same != nullptr)
		fails = fails || can_fail(reinterpret_cast<const Node *>(same));
	target.keys_can_fail = target.keys_can_fail || fails;
	target.keys_can_overflow = target.keys_can_overflow || overflows;
	target.keys_are_cast =
		target.keys_are_cast || column.cast != nullptr || column.comparison != nullptr;
}

} /* namespace bulkupdate */
