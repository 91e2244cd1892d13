/*
 * direct_statement.h
 *		What the executor does once for an UPDATE, without a plan.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H

#include "apply/applier.h"
#include "apply/direct/index_walk.h"

namespace bulkupdate
{

/* What a statement does with the rows it finds. */
enum class Access : uint8
{
	Update,
	ProbeRow,    /* reads the columns of the key */
	ProbeValues, /* reads the others too */
};

/* What is common to the tables of one statement. */
struct DirectStatement
{
	const Target *target;
	Rechecks *rechecks;
	EState *estate;
	ResultRelInfo *root; /* of the target; NULL when rows are probed */
	int tables;          /* that have been opened */
	WalkStats *stats;
};

/*
 * direct_statement_begin
 *		Begin an UPDATE of the applier's target, or, for a probe, a SELECT: checks
 *		the privileges, takes the active snapshot and a command id.
 *
 * stats: outlives the statement.  Allocates in the current memory context.
 *
 * Raises 42501, 25006.
 */
DirectStatement *direct_statement_begin(const Applier &applier, Access access, WalkStats &stats);

/*
 * direct_statement_fire_before
 *		Fire the triggers that are due before the rows.  As in UPDATE, the tables
 *		are open then, and so is the index that rows are found by: a trigger
 *		cannot take it away.
 */
void direct_statement_fire_before(DirectStatement &statement);

/* direct_statement_end: fire the triggers that are due after the rows, and close everything. */
void direct_statement_end(DirectStatement &statement);

/*
 * add_result_relation
 *		Make a relation known to estate as one whose rows are updated; root: of
 *		the target, when the relation is a partition of it, or NULL.
 */
ResultRelInfo *add_result_relation(EState *estate, Relation relation, ResultRelInfo *root);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H */
