/*
 * citus_table.h
 *		Is the target one of Citus's tables?
 *
 * Read from the catalog of the extension, so nothing of Citus is needed to build this one.
 */
#ifndef BULK_UPDATE_TARGET_CITUS_TABLE_H
#define BULK_UPDATE_TARGET_CITUS_TABLE_H

#include "server/scope.h"

namespace bulkupdate
{

/* What Citus knows about a table.  All zero: nothing. */
struct CitusTable
{
	bool known;        /* also a reference table, or a local one in its metadata */
	AttrNumber column; /* its distribution column; 0: all rows are in one shard */
	bool by_hash;      /* the shards have ranges of hashes */
};

/*
 * citus_table
 *		What Citus knows about a relation.
 *
 * Raises XX000 (a catalog of Citus that this function cannot read).
 */
CitusTable citus_table(Oid relid);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_CITUS_TABLE_H */
