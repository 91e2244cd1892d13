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
 *		Put a row (topic, detail) into result for each fact
 *		about a call with these options and this portal.
 *
 * label: the portal's name.  Fetches nothing from it, locks no row, and
 * takes the lock of SELECT on the target.  Needs an SPI connection.
 *
 * Raises the errors of source_open, target_open, reject_table_check and old_value_table_check.
 */
void explain(const Options &options, const char *portal_name, const char *label,
			 const ReturnSetInfo *result);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_EXPLAIN_EXPLAIN_H */
