/*
 * reject.h
 *		What is recorded of a row that was not applied.
 */
#ifndef BULK_UPDATE_CHUNK_REJECT_H
#define BULK_UPDATE_CHUNK_REJECT_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

/* Everything as text; NULL where there is nothing. */
struct Reject
{
	const char *key;        /* JSON object of the key columns */
	const char *new_values; /* JSON object of the others */
	const char *omitted;    /* names of the columns whose values are too large to record */
	const char *sqlstate;   /* this and the rest: of the error */
	const char *message;
	const char *detail;
	const char *constraint_name;
};

/*
 * reject_of_source_row
 *		Record a row that has no tuple: its values as the source gave them, and
 *		error, which may be NULL.  bytes grows by the record's size.
 *
 * Booleans, numbers and JSON values become what they are in JSON, everything
 * else a string in its type's output format: so jsonb_populate_record() gets
 * the value back, whatever its type; of JSON, what jsonb keeps.  A value of more
 * than 16 MB is left out and named in omitted.
 *
 * Allocates in the current memory context.
 */
Reject *reject_of_source_row(const Target &target, TupleTableSlot *row, const ErrorData *error,
							 Size *bytes);

/* reject_of_tuple: the same of a row with a tuple: its values as the target would have them. */
Reject *reject_of_tuple(const Target &target, HeapTupleHeader tuple, const ErrorData *error,
						Size *bytes);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_REJECT_H */
