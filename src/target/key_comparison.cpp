/*
 * key_comparison.cpp
 *		Comparing a key with the result of its cast.
 */
#include "target/key_comparison.h"

namespace bulkupdate
{

namespace
{

/* The function of a cast, under a domain's checks; InvalidOid if the cast is something else. */
Oid
function_of_cast(const Node *cast)
{
	if (IsA(cast, CoerceToDomain))
		return function_of_cast(
			reinterpret_cast<Node *>(reinterpret_cast<const CoerceToDomain *>(cast)->arg));
	return IsA(cast, FuncExpr) ? reinterpret_cast<const FuncExpr *>(cast)->funcid : InvalidOid;
}

/* Casts to a type that includes all values of the other one. */
bool
widens(Oid function)
{
	switch (function)
	{
		case F_FLOAT8_FLOAT4:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
			return true;
		default:
			return false;
	}
}

/* Casts to a smaller integer type: sets the possible values of the other one. */
bool
narrows(Oid function, KeyComparison &comparison)
{
	bool to_int2 = function == F_INT2_INT4 || function == F_INT2_INT8;

	if (!to_int2 && function != F_INT4_INT8)
		return false;
	comparison.integer = true;
	comparison.from_int8 = function != F_INT2_INT4;
	comparison.low = to_int2 ? PG_INT16_MIN : PG_INT32_MIN;
	comparison.high = to_int2 ? PG_INT16_MAX : PG_INT32_MAX;
	return true;
}

bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

/* given "=" made, or NULL if there is no such operator. */
Node *
direct_comparison(Node *given, Oid from, Node *made, Oid to)
{
	List *name = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("=")));
	Operator found = oper(nullptr, name, from, to, true, -1);

	if (found == nullptr)
		return nullptr;
	ReleaseSysCache(found);
	return reinterpret_cast<Node *>(make_op(nullptr, name, given, made, nullptr, -1));
}

/*
 * given "=" made, cast back to the type of given; NULL if that is not possible,
 * or for text that a cast reads: '03' is the number that is cast back to '3'.
 */
Node *
comparison_of_round_trip(Node *given, Oid from, Node *made, Oid to)
{
	Oid equality = lookup_type_cache(from, TYPECACHE_EQ_OPR)->eq_opr;
	Node *back = coerce_to_target_type(nullptr, made, to, from, -1, COERCION_ASSIGNMENT,
									   COERCE_IMPLICIT_CAST, -1);

	if (!OidIsValid(equality) || back == nullptr || is_text(from) || from == BPCHAROID)
		return nullptr;
	return reinterpret_cast<Node *>(
		make_opclause(equality, BOOLOID, false, reinterpret_cast<Expr *>(given),
					  reinterpret_cast<Expr *>(back), InvalidOid, InvalidOid));
}

/*
 * The comparison of the source's column, a Var, and the cast's result, a
 * CaseTestExpr; planned, or NULL.  Compared by the column's collation: the
 * source may have another one.
 */
Expr *
comparison_expr(const Var *from, Oid from_base, const FormData_pg_attribute *to, Oid to_base)
{
	Var *var = static_cast<Var *>(copyObjectImpl(from));
	CaseTestExpr *made = makeNode(CaseTestExpr);
	Node *given = reinterpret_cast<Node *>(var);

	if (type_is_collatable(from_base) && OidIsValid(to->attcollation))
		var->varcollid = to->attcollation;
	if (from->vartype != from_base)
		given = reinterpret_cast<Node *>(makeRelabelType(reinterpret_cast<Expr *>(var), from_base,
														 -1, var->varcollid, COERCE_IMPLICIT_CAST));
	made->typeId = to_base;
	made->typeMod = -1;
	made->collation = to->attcollation;

	Node *made_node = reinterpret_cast<Node *>(made);
	Node *same = direct_comparison(given, from_base, made_node, to_base);

	if (same == nullptr)
		same = comparison_of_round_trip(given, from_base, made_node, to_base);
	if (same == nullptr)
		return nullptr;
	assign_expr_collations(nullptr, same);
	return expression_planner(reinterpret_cast<Expr *>(same));
}

} /* namespace */

KeyComparison *
key_comparison(const Var *from, const FormData_pg_attribute *to, const Node *cast,
			   const Expr **same)
{
	int32 domain_typmod = -1;
	Oid to_base = getBaseTypeAndTypmod(to->atttypid, &domain_typmod);
	Oid from_base = getBaseType(from->vartype);
	Oid function = function_of_cast(cast);
	KeyComparison *comparison = palloc_one<KeyComparison>();

	/* Only a domain can have a type modifier here, which may change a value. */
	if (domain_typmod < 0)
	{
		if (from_base == to_base || (is_text(from_base) && is_text(to_base)) || widens(function))
			return nullptr;
		if (narrows(function, *comparison))
			return comparison;
	}

	Expr *expr = comparison_expr(from, from_base, to, to_base);

	if (expr == nullptr)
		return nullptr;
	*same = expr;
	comparison->same = ExecInitExpr(expr, nullptr);
	return comparison;
}

bool
is_in_integer_range(const KeyComparison &comparison, Datum given)
{
	int64 value = comparison.from_int8 ? DatumGetInt64(given) : DatumGetInt32(given);

	return value >= comparison.low && value <= comparison.high;
}

bool
is_same_key(const KeyComparison &comparison, ExprContext *context, Datum made)
{
	bool isnull;

	context->caseValue_datum = made;
	context->caseValue_isNull = false;

	Datum same = ExecEvalExpr(comparison.same, context, &isnull);

	return !isnull && DatumGetBool(same);
}

} /* namespace bulkupdate */
