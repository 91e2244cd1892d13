/*
 * arrays.h
 *		A source made of arrays: one for each column, one element for each row.
 */
#ifndef BULK_UPDATE_SOURCE_ARRAYS_H
#define BULK_UPDATE_SOURCE_ARRAYS_H

#include "call/options.h"

namespace bulkupdate
{

/* A cursor over arrays. */
struct ArraysCursor
{
	const char *name;
	int rows; /* length of the arrays */
};

/*
 * arrays_open
 *		Open a cursor over the elements of the arrays in a record, side by side.
 *
 * A field of type text, varchar, char(n) or unknown is read as an array literal
 * with elements of type text.  The cursor has a copy of the arrays, and returns their elements one
 * row at a time.  Needs an SPI connection.
 *
 * Raises 42804 (a field is not an array), 22004 (a field is null), 2202E (more
 * than one dimension, or arrays of different lengths), 22P02 (not an array
 * literal), 42601 (the record has another number of fields than columns).
 */
ArraysCursor arrays_open(const Options &options, HeapTupleHeader record);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_ARRAYS_H */
