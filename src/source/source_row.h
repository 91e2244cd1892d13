/*
 * source_row.h
 *		A row of the source and its key.
 */
#ifndef BULK_UPDATE_SOURCE_SOURCE_ROW_H
#define BULK_UPDATE_SOURCE_SOURCE_ROW_H

#include "call/outcome.h"
#include "source/row_place.h"

namespace bulkupdate
{

/* Valid until the next one is read. */
struct SourceRow
{
	TupleTableSlot *slot; /* begins with the source's columns */
	int64 position;       /* in the source, from 1 */
	RowPlace place;       /* NO_PLACE unless rows arrive in the order of their place */
	Outcome outcome; /* Pending, Missing (no row can have the key), Duplicate, Rejected (bad key) */
	ErrorData *error; /* of a rejected row; valid as long as the row */
	Datum *values;    /* value_count() of them; key columns are set */
	bool *nulls;
	Datum *key; /* a Datum for each key column, when Pending or Duplicate */
};

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_SOURCE_ROW_H */
