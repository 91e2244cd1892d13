/*
 * due_log.h
 *		Rows that have to be checked later, in the order in which they came.
 */
#ifndef BULK_UPDATE_DUE_LOG_H
#define BULK_UPDATE_DUE_LOG_H

#include "scope.h"

namespace bulkupdate
{

/* A row's version that may break the constraint of an index. */
struct Due
{
	Oid table;
	Oid index;
	ItemPointerData tid;
};

/* It keeps as much in memory as a spool may and writes the rest to a temporary file. */
struct DueLog
{
	int64 rows;            /* that are in it and have not been read */
	StringInfoData buffer; /* those that are not in the file */
	BufFile *file;         /* NULL while all are in the buffer */
};

/*
 * due_log_add
 *		log: all zero at first.  Allocates in the current memory context; the file
 *		belongs to the current resource owner.
 */
extern void due_log_add(DueLog *log, const Due &due);

/* due_log_rewind: all rows are in; now they can be read. */
extern void due_log_rewind(DueLog *log);

/* due_log_next: the next row; there is one. */
extern Due due_log_next(DueLog *log);

extern void due_log_end(DueLog *log);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_DUE_LOG_H */
