/*
 * outcome_receiver.h
 *		The receiver of the rows that the SQL applier's statements return.
 */
#ifndef BULK_UPDATE_APPLY_SQL_OUTCOME_RECEIVER_H
#define BULK_UPDATE_APPLY_SQL_OUTCOME_RECEIVER_H

#include "apply/applier.h"

namespace bulkupdate
{

/* What a statement returns after the position in its array. */
enum class Returns : uint8
{
	Nothing, /* the row was found or updated */
	Updated, /* whether it was updated or left as it was */
	Probed,  /* the columns that are probed */
	Pairs,   /* the row was updated; what is kept of both versions: KeptStore::Pairs */
};

/*
 * A row that it receives starts with a position in the statement's array, and
 * the source row at that position gets an outcome.
 */
struct OutcomeReceiver
{
	DestReceiver base;
	const Target *target;
	Rechecks *rechecks;
	Span<ChunkRow *> rows; /* element n of the statement's array is rows[n - 1] */
	Returns returns;
	Probe probe;          /* what is returned, if Probed */
	KeptVersions *kept;   /* where the columns after these are kept, or NULL */
	List **tables;        /* the OIDs of those with each row, if it is kept */
	Outcome outcome;      /* of a returned row, unless it is Unchanged */
	QueryDesc *query;     /* set while the executor runs the statement */
	QueryDesc *finishing; /* set after all rows, for the after-row triggers */
	Size statement_bytes; /* memory that the executor held after all rows */
	MemoryContext memory; /* for comparing one row */
	Datum *values;
	bool *nulls;
};

/*
 * outcome_receiver_init
 *		A receiver for a statement of applier on rows; allocates in the current
 *		memory context.
 *
 * keeps: values of an update, or of its locked rows, are returned to be kept.
 */
void outcome_receiver_init(OutcomeReceiver &receiver, const Applier &applier, Span<ChunkRow *> rows,
						   Outcome outcome, Returns returns, Probe probe, bool keeps);

/*
 * outcome_receiver_current_row
 *		The row that the executor is processing, or NULL if it is not running
 *		or has read all rows: as reported by the scan of the array.
 */
ChunkRow *outcome_receiver_current_row(const OutcomeReceiver &receiver);

/* outcome_receiver_late_row: the row for which an after-row trigger is running, or NULL. */
ChunkRow *outcome_receiver_late_row(const OutcomeReceiver &receiver);

/* outcome_receiver_finished: the executor has finished the statement, or was aborted. */
void outcome_receiver_finished(OutcomeReceiver &receiver);

/*
 * outcome_receiver_watch
 *		At load time, have the executor inform receivers when their statement
 *		starts, so that they know its QueryDesc.
 */
void outcome_receiver_watch();

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_OUTCOME_RECEIVER_H */
