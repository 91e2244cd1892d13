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
		return InvalidOid; /* GCOVR_EXCL_LINE: the error names no constraint */

	Oid schema = get_namespace_oid(error->schema_name, true);
	Oid table = OidIsValid(schema) ? get_relname_relid(error->table_name, schema) : InvalidOid;

	return OidIsValid(table) ? get_relation_constraint_oid(table, error->constraint_name, true)
							 : InvalidOid;
}

/* The target, and the tables in one tree of partitions or children with it. */
const List *
tree_of(const Target &target)
{
	Oid root = RelationGetRelid(target.relation);

	if (target.relation->rd_rel->relispartition)
		root = llast_oid(get_partition_ancestors(root));

	return find_all_inheritors(root, NoLock, nullptr);
}

/* What to do about rows in different chunks; NULL if the key is not from the target to itself. */
const char *
hint_for(const Target &target, const FormData_pg_constraint *constraint)
{
	const List *tree = tree_of(target);

	/* RESTRICT is never deferred, nor does it wait for the end of a statement. */
	if (constraint->contype != CONSTRAINT_FOREIGN ||
		constraint->confupdtype == FKCONSTR_ACTION_RESTRICT ||
		!list_member_oid(tree, constraint->conrelid) ||
		!list_member_oid(tree, constraint->confrelid))
		return nullptr;
	return constraint->condeferrable
			   ? "If rows of different chunks refer to each other, use a larger chunk_size, or "
				 "defer the constraint with SET CONSTRAINTS."
			   : "If rows of different chunks refer to each other, use a larger chunk_size, or "
				 "make the constraint deferrable and defer it with SET CONSTRAINTS.";
}

bool
is_updated(const Target &target, const char *name)
{
	for (const MappedColumn &column : target.columns)
	{
		const NameData updated = attribute_of(target, column.target).attname;

		if (!column.is_key && strcmp(NameStr(updated), name) == 0)
			return true;
	}
	return false;
}

/*
 * May an update change a column of a table of the target's tree, without triggers?  Partitions and
 * children have the same column names but may number them differently.
 */
bool
may_change(const Target &target, Oid table, AttrNumber attno)
{
	const char *name = get_attname(table, attno, true);

	return get_attgenerated(table, attno) != '\0' || (name != nullptr && is_updated(target, name));
}

bool
refers_to_updated(const Target &target, HeapTuple constraint)
{
	const TriggerDesc *triggers = target.relation->trigdesc;

	if (triggers != nullptr && triggers->trig_update_before_row)
		return true;

	bool isnull;
	Datum keys = SysCacheGetAttr(CONSTROID, constraint, Anum_pg_constraint_confkey, &isnull);

	Assert(!isnull);

	const ArrayType *numbers = DatumGetArrayTypeP(keys);
	const int16 *number = reinterpret_cast<const int16 *>(ARR_DATA_PTR(numbers));
	Oid referenced = reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(constraint))->confrelid;

	for (int i = 0; i < ARR_DIMS(numbers)[0]; i++)
		if (may_change(target, referenced, number[i]))
			return true;
	return false;
}

ReferenceError
kind_of(const Target &target, const ErrorData *error)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(violated_constraint(error)));

	if (!HeapTupleIsValid(tuple))
		return ReferenceError::Unknown; /* GCOVR_EXCL_LINE: the constraint is gone by now */

	ReferenceError kind = ReferenceError::Unknown;
	const auto *constraint = reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple));

	if (constraint->contype == CONSTRAINT_FOREIGN)
	{
		const List *tree = tree_of(target);
		bool is_inside = list_member_oid(tree, constraint->conrelid);

		/* RESTRICT does not ask whether another row has the value now. */
		if (!list_member_oid(tree, constraint->confrelid) ||
			(!is_inside && constraint->confupdtype == FKCONSTR_ACTION_RESTRICT))
			kind = ReferenceError::Outside;
		else if (!is_inside || refers_to_updated(target, tuple))
			kind = ReferenceError::ToUpdated;
		else
			kind = ReferenceError::ToKept;
	}
	ReleaseSysCache(tuple);
	return kind;
}

} /* namespace */

void
add_reference_hint(ErrorData *error, const Chunk &chunk)
{
	if (error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION || error->hint != nullptr ||
		(chunk.number <= 1 && chunk.at_end))
		return;

	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(violated_constraint(error)));

	if (!HeapTupleIsValid(tuple))
		return; /* GCOVR_EXCL_LINE: the same */

	const char *hint =
		hint_for(*chunk.target, reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple)));

	ReleaseSysCache(tuple);
	if (hint != nullptr)
		error->hint = pstrdup(hint);
}

ReferenceError
reference_error(const Target &target, const ErrorData *error)
{
	/* RESTRICT has its code from 18 on. */
	if (error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION &&
		error->sqlerrcode != ERRCODE_RESTRICT_VIOLATION)
		return ReferenceError::Unknown;

	/* Called for each bad row. */
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update reference", ALLOCSET_SMALL_SIZES);
	ReferenceError kind = with_memory_context(memory, [&] { return kind_of(target, error); });

	MemoryContextDelete(memory);
	return kind;
}

} /* namespace bulkupdate */
