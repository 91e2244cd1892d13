/*
 * reject.h
 *		The record of a row that was not applied.
 */
#ifndef BULK_UPDATE_CHUNK_REJECT_H
#define BULK_UPDATE_CHUNK_REJECT_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

/* Everything as text; NULL if there is nothing. */
struct Reject
{
	const char *key;        /* JSON object of the key columns */
	const char *new_values; /* JSON object of the others */
	const char *omitted;    /* names of the columns whose values are too large to record */
	const char *sqlstate;   /* this and the rest are from the error */
	const char *message;
	const char *detail;
	const char *constraint_name;
};

/*
 * reject_of_source_row
 *		Record a row that has no tuple: the source's values, and
 *		error, which may be NULL.  The record's size is added to bytes.
 *
 * Booleans, numbers and JSON values are JSON values, everything
 * else is a string in its type's output format.  So jsonb_populate_record() returns
 * the value, whatever its type (for JSON, as jsonb stores it).  A value of more
 * than 16 MB is left out and its column named in omitted.
 *
 * Allocates in the current memory context.
 */
Reject *reject_of_source_row(const Target &target, TupleTableSlot *row, const ErrorData *error,
							 Size *bytes);

/* reject_of_tuple: the same for a row with a tuple: the values for the target. */
Reject *reject_of_tuple(const Target &target, HeapTupleHeader tuple, const ErrorData *error,
						Size *bytes);

/*
 * current_values_json
 *		The values that a stale row has in the expected columns, as a JSON object like new_values;
 *		NULL if they were not kept.
 *
 * *omitted: names of columns whose values are too large, or NULL.  Allocates in the current
 * memory context.
 */
const char *current_values_json(const Target &target, const NullableDatum *current /* or NULL */,
								const char **omitted);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_REJECT_H */
