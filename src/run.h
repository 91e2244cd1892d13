/*
 * run.h
 *		A whole call: chunk after chunk until the source is at its end.
 */
#ifndef BULK_UPDATE_RUN_H
#define BULK_UPDATE_RUN_H

#include "options.h"

namespace bulkupdate
{

/*
 * run
 *		Apply all remaining rows of the portal to the target and report each
 *		chunk into result.
 *
 * label: what the error context calls the source.
 *
 * Needs an SPI connection.  Leaves the portal open, at its end.
 *
 * Raises what source_open, target_open, chunk_fill, chunk_order and the
 * applier raise.  Nothing is caught: an error undoes the whole call with the
 * statement that made it.
 */
extern void run(const Options &options, const char *portal_name, const char *label,
				const ReturnSetInfo *result);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_RUN_H */
