/*
 * options.h
 *		The arguments of a call, checked, in one plain struct.
 */
#ifndef BULK_UPDATE_OPTIONS_H
#define BULK_UPDATE_OPTIONS_H

#include "scope.h"

namespace bulkupdate
{

struct Options
{
	Oid target;                     /* relation to update */
	const char *source;             /* name of the cursor, or text of the query */
	Span<const char *> columns;     /* target column of each source column; size 0: by name */
	Span<const char *> key_columns; /* size 0: the primary key */
	int chunk_rows;                 /* most rows in a chunk */
};

/*
 * options_from_call
 *		Check the arguments of an SQL call and put them into Options.
 *
 * source_name: how the second argument is called in messages ("source" or
 * "query").  Everything is allocated in the current memory context.
 *
 * Raises 22004 (an argument is null or has null elements), 2202E (an array has
 * more than one dimension), 22023 (an argument is empty or out of range).
 */
extern Options options_from_call(FunctionCallInfo fcinfo, const char *source_name);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_OPTIONS_H */
