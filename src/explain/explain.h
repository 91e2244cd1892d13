/*
 * explain.h
 *		What a call would do, without doing it.
 */
#ifndef BULK_UPDATE_EXPLAIN_EXPLAIN_H
#define BULK_UPDATE_EXPLAIN_EXPLAIN_H

#include "call/options.h"

namespace bulkupdate
{

/*
 * explain
 *		Put a row (topic, detail) into result for each thing that there is to say
 *		about a call with these options and this portal.
 *
 * label: what the portal is called.  Fetches nothing from it, locks no row, and
 * takes the lock of SELECT on the target.  Needs an SPI connection.
 *
 * Raises what source_open, target_open and reject_table_check raise.
 */
void explain(const Options &options, const char *portal_name, const char *label,
			 const ReturnSetInfo *result);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_EXPLAIN_EXPLAIN_H */
