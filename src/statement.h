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
 * lock_statement
 *		SELECT FOR NO KEY UPDATE of the positions of those elements that have a
 *		row.  It obeys the row-level security policies for UPDATE.
 */
extern char *lock_statement(const Target *target);

/*
 * look_statement
 *		SELECT of the positions of those elements that have a row and, with
 *		values, of the row's value columns in the order of the source.
 */
extern char *look_statement(const Target *target, bool values);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_STATEMENT_H */
