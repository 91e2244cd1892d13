/*
 * run.h
 *		A whole call: chunk after chunk until the source is at its end.
 */
#ifndef BULK_UPDATE_RUN_H
#define BULK_UPDATE_RUN_H

#include "call/options.h"

namespace bulkupdate
{

/* The source of a call and the destination of its result. */
struct Caller
{
	Oid function; /* the SQL function that was called */
	const ReturnSetInfo *result;
	int64 rows; /* of the source, or -1 if only its plan can estimate them */
};

/*
 * run_call
 *		Apply all remaining rows of the portal to the target and report them,
 *		for each chunk or as a total, into the caller's result.
 *
 * label: the source's name in error contexts.
 *
 * Needs an SPI connection.  Leaves the portal open, at its end.
 *
 * Raises P0002 (a row is missing, under on_missing 'error'), 54000 (more
 * rejected rows than reject_limit), and the errors of source_open, target_open,
 * report_create, reject_table_open, chunk_fill, the applier and
 * reject_table_record.
 * An error undoes the whole call with the statement that made it.
 */
void run_call(const Options &options, const char *portal_name, const char *label,
			  const Caller &caller);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_RUN_H */
