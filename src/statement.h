/*
 * statement.h
 *		The text of the statements that the SQL applier prepares.
 *
 * All take the chunk as one parameter of type "array of the target's row
 * type", so that a column of any type, an array too, travels as it is.  Every
 * name in them is quoted and qualified, so search_path has no say.
 */
#ifndef BULK_UPDATE_STATEMENT_H
#define BULK_UPDATE_STATEMENT_H

#include "target.h"

namespace bulkupdate
{

/*
 * update_statement
 *		UPDATE of the rows whose keys are in the array.  It returns, for each
 *		row updated, the position in the array of the element it was updated
 *		from.
 */
extern char *update_statement(const Target *target);

/*
 * telling_update_statement
 *		The same, where a trigger can make UPDATE pass over a row: it returns
 *		positions with true for a row updated, and with false for a row that is
 *		there and was not.
 *
 * A row that UPDATE did not return is looked for with the same snapshot, and
 * locked as UPDATE would: so a row that is deleted, or gets another key, at the
 * same time is not there, and neither is one that a policy for UPDATE hides.
 */
extern char *telling_update_statement(const Target *target);

/*
 * look_statement
 *		SELECT of the positions of those elements that have a row and, with
 *		values, of the row's value columns in the order of the source.
 */
extern char *look_statement(const Target *target, bool values);

/* look_in_range_statement: the same for a key of one integer column between $2 and $3. */
extern char *look_in_range_statement(const Target *target, bool values);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_STATEMENT_H */
