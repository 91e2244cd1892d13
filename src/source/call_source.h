/*
 * call_source.h
 *		The portal with the rows of a call, for each kind of source.
 */
#ifndef BULK_UPDATE_SOURCE_CALL_SOURCE_H
#define BULK_UPDATE_SOURCE_CALL_SOURCE_H

#include "call/options.h"

namespace bulkupdate
{

/* The source of a call's rows. */
struct CallSource
{
	const char *portal;
	const char *label; /* its name in messages */
	int64 rows;        /* their number, or -1 if only the plan can estimate it */
};

/*
 * call_source_open
 *		Open a portal for the source of a call, unless that is a cursor; sets the columns of an
 *		undo in options.
 *
 * Needs an SPI connection.  Allocates in the current memory context.
 *
 * Raises 22023 (the text of a query is empty), 42P11 (it is not one query that returns rows), and
 * the errors of parsing it, of arrays_open() and of undo_prepare().
 */
CallSource call_source_open(FunctionCallInfo fcinfo, Options &options);

/* query_source_open: the same for a query. */
CallSource query_source_open(const Options &options);

/* call_source_close: close a portal that was opened. */
void call_source_close(const CallSource &source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_CALL_SOURCE_H */
