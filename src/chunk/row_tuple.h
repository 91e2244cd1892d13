/*
 * row_tuple.h
 *		The values of a row in one tuple.
 */
#ifndef BULK_UPDATE_CHUNK_ROW_TUPLE_H
#define BULK_UPDATE_CHUNK_ROW_TUPLE_H

#include "server/pg.h"

namespace bulkupdate
{

/* row_tuple: a row of a row type in the form for the heap tuple functions. */
inline HeapTupleData
row_tuple(HeapTupleHeader row)
{
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	return tuple;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_ROW_TUPLE_H */
