/*
 * run.h
 *		A whole call: chunk after chunk until the source is at its end.
 */
#ifndef BULK_UPDATE_RUN_H
#define BULK_UPDATE_RUN_H

#include "call/options.h"

namespace bulkupdate
{

/* Where a call comes from and where its result goes. */
struct Caller
{
	Oid function; /* the SQL function that was called */
	const ReturnSetInfo *result;
	int64 rows; /* that the source has, or -1 when only its plan can say */
};

/*
 * run_call
 *		Apply all remaining rows of the portal to the target and report them,
 *		by chunk or together, into the caller's result.
 *
 * label: what the error context calls the source.
 *
 * Needs an SPI connection.  Leaves the portal open, at its end.
 *
 * Raises P0002 (a row is missing, under on_missing 'error'), 54000 (more
 * rejected rows than reject_limit), and what source_open, target_open,
 * report_create, reject_table_open, chunk_fill, the applier and
 * reject_table_record raise.
 * An error undoes the whole call with the statement that made it.
 */
void run_call(const Options &options, const char *portal_name, const char *label,
			  const Caller &caller);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_RUN_H */
