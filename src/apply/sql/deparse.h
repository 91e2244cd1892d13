/*
 * deparse.h
 *		The text of the statements that the SQL applier prepares.
 *
 * All take the chunk as one parameter of type "array of the target's row
 * type", so that a column of any type, an array too, travels as it is.  Every
 * name in them is quoted and qualified, so search_path has no say.
 */
#ifndef BULK_UPDATE_APPLY_SQL_DEPARSE_H
#define BULK_UPDATE_APPLY_SQL_DEPARSE_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * deparse_update
 *		UPDATE of the rows whose keys are in the array.  It returns, for each
 *		row updated, the position in the array of the element it was updated
 *		from.
 */
char *deparse_update(const Target &target);

/*
 * deparse_update_reporting_suppressed
 *		The same, where a trigger can suppress an update: it returns
 *		positions with true for a row updated, and with false for a row that is
 *		there and was not.
 *
 * A row that UPDATE did not return is searched for with the same snapshot, and
 * locked as UPDATE would: so a row that is deleted, or gets another key, at the
 * same time is not there, and neither is one that a policy for UPDATE hides.
 */
char *deparse_update_reporting_suppressed(const Target &target);

/*
 * deparse_probe
 *		SELECT of the positions of those elements that have a row and, for a probe
 *		of values, of the row's value columns in the order of the source.
 */
char *deparse_probe(const Target &target, Probe probe);

/* deparse_probe_in_range: the same for a key of one integer column between $2 and $3. */
char *deparse_probe_in_range(const Target &target, Probe probe);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_DEPARSE_H */
