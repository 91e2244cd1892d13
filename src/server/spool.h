/*
 * spool.h
 *		How much of what is kept for later stays in memory.
 */
#ifndef BULK_UPDATE_SERVER_SPOOL_H
#define BULK_UPDATE_SERVER_SPOOL_H
#include "server/pg.h"

namespace bulkupdate
{

/*
 * What a tuplestore of this extension keeps in memory before it spills, in kB.
 * It rounds each tuple up to a power of two, so half as much is sure to fit.
 */
inline int
spool_memory_kb()
{
	return Max(work_mem / 4, 64);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SPOOL_H */
