/*
 * named_column.h
 *		Looking up a column of the target by a name in the call.
 */
#ifndef BULK_UPDATE_TARGET_NAMED_COLUMN_H
#define BULK_UPDATE_TARGET_NAMED_COLUMN_H

#include "target/target.h"

namespace bulkupdate
{

/* For the errors of a name. */
struct NamedBy
{
	const char *origin;          /* detail: what has the name */
	const char *hint;            /* if there is no such column */
	const char *hint_for_system; /* if it is a system column */
};

/*
 * attribute_of_name
 *		The attribute of the target with this name.
 *
 * Raises 42703 (there is none) and 0A000 (a system column).
 */
AttrNumber attribute_of_name(const Target &target, const char *name, const NamedBy &by);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_NAMED_COLUMN_H */
