/*
 * keyed_row.h
 *		A source row and its key in one tuple, for rows that are kept for later: so a
 *		key is cast only once.
 */
#ifndef BULK_UPDATE_SOURCE_KEYED_ROW_H
#define BULK_UPDATE_SOURCE_KEYED_ROW_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

/* Do the rows have their place? */
enum class WithPlace : uint8
{
	No,
	Yes,
};

/*
 * keyed_row_desc
 *		The source's columns, the row's position, the coerced columns of the key,
 *		null in a row without a key, and, if a row can be rejected because of
 *		its key, the error.  With its place, that is the last one.
 *
 * Raises 54011 (a tuple cannot have that many columns).
 */
TupleDesc keyed_row_desc(const Target &target, TupleDesc source, WithPlace with_place);

/* keyed_row_position: the number of the column with the position; the key's follow it. */
inline AttrNumber
keyed_row_position(TupleDesc source)
{
	return static_cast<AttrNumber>(source->natts + 1);
}

/*
 * keyed_row_put
 *		Put a row into a virtual slot of that form, which is then valid as long as
 *		the row.  Values stored out of line are not fetched.  Allocates in the current
 *		memory context.
 */
void keyed_row_put(TupleTableSlot *slot, const Target &target, TupleDesc source,
				   const SourceRow &row);

/*
 * keyed_row_get
 *		The row in such a slot: Pending, Missing or Rejected, or, if it has a place, a
 *		duplicate, without its key.  Valid as long as the slot's tuple; an error is allocated
 *		in the current memory context.
 */
void keyed_row_get(TupleTableSlot *slot, const Target &target, TupleDesc source, SourceRow &row);

/* set_key: the row has this key, so it is Pending. */
void set_key(const Target &target, SourceRow &row, const Datum *key);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_KEYED_ROW_H */
