/*
 * reference_hint.cpp
 *		Recognizing a foreign key from the target to itself.
 */
#include "apply/reference_hint.h"

namespace bulkupdate
{

namespace
{

/* The foreign key that the error names, or InvalidOid. */
Oid
violated_constraint(const ErrorData *error)
{
	if (error->schema_name == nullptr || error->table_name == nullptr ||
		error->constraint_name == nullptr)
		return InvalidOid;

	Oid schema = get_namespace_oid(error->schema_name, true);
	Oid table = OidIsValid(schema) ? get_relname_relid(error->table_name, schema) : InvalidOid;

	return OidIsValid(table) ? get_relation_constraint_oid(table, error->constraint_name, true)
							 : InvalidOid;
}

/* Are both tables the target, or in one tree of partitions or children with it? */
bool
are_of_target(const Target *target, Oid one, Oid other)
{
	Oid root = RelationGetRelid(target->relation);

	if (target->relation->rd_rel->relispartition)
		root = llast_oid(get_partition_ancestors(root));

	const List *tree = find_all_inheritors(root, NoLock, nullptr);

	return list_member_oid(tree, one) && list_member_oid(tree, other);
}

const char *
hint_for(const Target *target, const FormData_pg_constraint *constraint)
{
	/* RESTRICT is never deferred, nor does it wait for the end of a statement. */
	if (constraint->contype != CONSTRAINT_FOREIGN ||
		constraint->confupdtype == FKCONSTR_ACTION_RESTRICT ||
		!are_of_target(target, constraint->conrelid, constraint->confrelid))
		return nullptr;
	return constraint->condeferrable
			   ? "If rows of different chunks refer to each other, use a larger chunk_size, or "
				 "defer "
				 "the constraint with SET CONSTRAINTS."
			   : "If rows of different chunks refer to each other, use a larger chunk_size, or "
				 "make "
				 "the constraint deferrable and defer it with SET CONSTRAINTS.";
}

bool
is_outside(const Target *target, const ErrorData *error)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(violated_constraint(error)));

	if (!HeapTupleIsValid(tuple))
		return false;

	FormData_pg_constraint constraint =
		*reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple));

	ReleaseSysCache(tuple);
	return constraint.contype == CONSTRAINT_FOREIGN &&
		   !are_of_target(target, constraint.conrelid, constraint.confrelid);
}

} /* namespace */

void
add_reference_hint(ErrorData *error, const Chunk *chunk)
{
	if (error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION || error->hint != nullptr ||
		(chunk->number <= 1 && chunk->at_end))
		return;

	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(violated_constraint(error)));

	if (!HeapTupleIsValid(tuple))
		return;

	const char *hint =
		hint_for(chunk->target, reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple)));

	ReleaseSysCache(tuple);
	if (hint != nullptr)
		error->hint = pstrdup(hint);
}

bool
is_reference_outside(const Target *target, const ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION)
		return false;

	/* It is asked for each bad row. */
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update reference", ALLOCSET_SMALL_SIZES);
	bool outside = with_memory_context(memory, [&] { return is_outside(target, error); });

	MemoryContextDelete(memory);
	return outside;
}

} /* namespace bulkupdate */
