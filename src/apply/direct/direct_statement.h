/*
 * direct_statement.h
 *		What the executor does once for an UPDATE, without a plan.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H

#include "apply/applier.h"
#include "apply/direct/index_walk.h"
#include "apply/direct/read_ahead.h"

namespace bulkupdate
{

/* What a statement does with the rows that it finds. */
enum class Access : uint8
{
	Update,
	Probe,
};

/* Common data of the tables of one statement. */
struct DirectStatement
{
	const Target *target;
	Rechecks *rechecks;
	EState *estate;
	ResultRelInfo *root; /* of the target; NULL if rows are probed */
	int tables;          /* number of opened tables */
	WalkStats *stats;
	ReadStats *reads;
	SortedEntries *sorted;  /* where index entries wait; NULL: they are entered at once */
	KeptVersions *kept;     /* where values of updated rows are kept; NULL: nowhere */
	bool by_place;          /* rows are in the order of their places, not in that of their keys */
	bool checks_references; /* at its end, so they must not wait until then */
};

/*
 * direct_statement_begin
 *		Begin an UPDATE of the applier's target, or, for a probe, a SELECT: checks
 *		the privileges, uses the active snapshot and takes a command ID.
 *
 * probe: which columns it reads besides the key.  stats: outlives the statement.  Allocates in
 * the current memory context.
 *
 * Raises 42501, 25006.
 */
DirectStatement *direct_statement_begin(const Applier &applier, Access access, Probe probe,
										WalkStats &stats, ReadStats &reads);

/*
 * direct_statement_fire_before
 *		Fire the triggers that are due before the rows.  As in UPDATE, the tables
 *		are open then, and so is the index by which rows are found: a trigger
 *		cannot drop it.
 */
void direct_statement_fire_before(DirectStatement &statement);

/* direct_statement_end: fire the triggers that are due after the rows, and close everything. */
void direct_statement_end(DirectStatement &statement);

/*
 * add_result_relation
 *		Add to estate a relation whose rows are updated; root: of
 *		the target, if the relation is a partition of it, or NULL.
 */
ResultRelInfo *add_result_relation(EState *estate, Relation relation, ResultRelInfo *root);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_STATEMENT_H */
