/*
 * direct_statement.h
 *		What the executor does once for an UPDATE, without a plan.
 */
#ifndef BULK_UPDATE_DIRECT_STATEMENT_H
#define BULK_UPDATE_DIRECT_STATEMENT_H

#include "index_walk.h"

namespace bulkupdate
{

/* What is common to the tables of one statement. */
struct DirectStatement
{
	const Target *target;
	EState *estate;
	ResultRelInfo *root; /* of the target; NULL when rows are only looked at */
	int tables;          /* that have been opened */
	WalkHabit *habit;
};

/*
 * direct_statement_begin
 *		Begin an UPDATE of the target, or, when looking, a SELECT: checks the
 *		privileges, takes the active snapshot and a command id.
 *
 * compares_values: columns other than those of the key are read too.  habit:
 * outlives the statement.  Allocates in the current memory context.
 *
 * Raises 42501, 25006.
 */
extern DirectStatement *direct_statement_begin(const Target *target, bool looking,
											   bool compares_values, WalkHabit *habit);

/*
 * direct_statement_fire_before
 *		Fire the triggers that are due before the rows.  As in UPDATE, the tables
 *		are open then, and so is the index that rows are found by: a trigger
 *		cannot take it away.
 */
extern void direct_statement_fire_before(DirectStatement *statement);

/* direct_statement_end: fire the triggers that are due after the rows, and close everything. */
extern void direct_statement_end(DirectStatement *statement);

/*
 * add_result_relation
 *		Make a relation known to estate as one whose rows are updated; root: of
 *		the target, when the relation is a partition of it, or NULL.
 */
extern ResultRelInfo *add_result_relation(EState *estate, Relation relation, ResultRelInfo *root);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_DIRECT_STATEMENT_H */
