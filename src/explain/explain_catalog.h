/*
 * explain_catalog.h
 *		What the catalogs say about a bulk update: what runs and what is checked
 *		when rows of the target are updated.
 */
#ifndef BULK_UPDATE_EXPLAIN_EXPLAIN_CATALOG_H
#define BULK_UPDATE_EXPLAIN_EXPLAIN_CATALOG_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * explain_catalog
 *		Put a row (topic, detail) into result for each trigger, constraint,
 *		generated column, index and limit that applies when the target's value
 *		columns are updated.
 *
 * Needs an SPI connection.
 */
void explain_catalog(const Options &options, const Target &target, const ReturnSetInfo *result);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_EXPLAIN_EXPLAIN_CATALOG_H */
