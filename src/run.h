/*
 * run.h
 *		A whole call: chunk after chunk until the source is at its end.
 */
#ifndef BULK_UPDATE_RUN_H
#define BULK_UPDATE_RUN_H

#include "report/frozen_table.h"
#include "report/report.h"

namespace bulkupdate
{

/* Rows that are stored for a job instead of being applied. */
struct Freeze
{
	text *table_name;      /* as in SQL, optionally qualified and quoted */
	FrozenColumns columns; /* set by the call, as the rest */
	FrozenRows rows;
};

/* The source of a call and the destination of its result. */
struct Caller
{
	Oid function; /* the SQL function that was called */
	ReportSink result;
	int64 rows;     /* of the source, or -1 if only its plan can estimate them */
	int64 number;   /* of the call in side tables; 0: a new one if necessary */
	Freeze *freeze; /* or NULL: apply the rows */
};

/*
 * run_call
 *		Apply all remaining rows of the portal to the target and report them,
 *		for each chunk or as a total, into the caller's result.
 *
 * label: the source's name in error contexts.  With freeze, the rows of the portal that could be
 * applied are stored in a new table, in key order; a row that is stored counts as updated.
 *
 * Needs an SPI connection.  Leaves the portal open, at its end.
 *
 * Raises P0002 (a row is missing, under on_missing 'error'), 55000 (a row is stale, under on_stale
 * 'error'), 54000 (more rejected rows than reject_limit), and the errors of source_open,
 * target_open, report_create, reject_table_open, old_value_table_open, run_number,
 * frozen_table_create, ordered_source_create, chunk_fill, the applier, reject_table_record and
 * old_value_table_record.  An error undoes the whole call with the statement that made it.
 */
void run_call(const Options &options, const char *portal_name, const char *label,
			  const Caller &caller);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_RUN_H */
