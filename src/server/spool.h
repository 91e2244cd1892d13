/*
 * spool.h
 *		Bytes that are kept for later: in memory, and in a temporary file if
 *		there are many.
 */
#ifndef BULK_UPDATE_SERVER_SPOOL_H
#define BULK_UPDATE_SERVER_SPOOL_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * How much a tuplestore or spool of this extension keeps in memory before it spills, in
 * kB.  A tuplestore rounds each tuple up to a power of two, so half as much is certain
 * to fit.
 */
inline int
spool_memory_kb()
{
	return Max(work_mem / 4, 64);
}

/* sort_spilled_bytes: the maximum disk space of a sort's temporary files so far. */
int64 sort_spilled_bytes(Tuplesortstate *state);

/* First everything is appended, then it is rewound, and then everything is read. */
struct Spool
{
	StringInfoData buffer; /* bytes that are not in the file yet; then bytes read from it */
	BufFile *file;         /* NULL while everything is in the buffer */
	int64 spilled_bytes;   /* bytes written to the file */
};

/*
 * spool_init
 *		Allocates in the current memory context, also later.  The temporary file
 *		belongs to the resource owner that is current when it is created, so no
 *		function of a spool may be called in a separate subtransaction.
 */
void spool_init(Spool &spool);

/*
 * spool_reserve
 *		Make room in the buffer for this many bytes, fewer than MaxAllocSize - 1, which
 *		may be written to its end, or appended.
 */
void spool_reserve(Spool &spool, Size size);

/* spool_append: add bytes for which there is room. */
inline void
spool_append(Spool &spool, const void *bytes, Size size)
{
	memcpy(spool.buffer.data + spool.buffer.len, bytes, size);
	spool.buffer.len += static_cast<int>(size);
}

void spool_rewind(Spool &spool);

/* spool_read: the next bytes, valid until the next call. */
char *spool_read(Spool &spool, Size size);

void spool_end(Spool &spool);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SPOOL_H */
