/*
 * key_text.h
 *		Keys as text, for reports and messages.
 */
#ifndef BULK_UPDATE_TARGET_KEY_TEXT_H
#define BULK_UPDATE_TARGET_KEY_TEXT_H

#include "target/target.h"

namespace bulkupdate
{

/* text_of_value: of a column, or its size, as below; output: the output function of its type. */
char *text_of_value(const Target &target, AttrNumber attno, FmgrInfo *output, Datum value);

/*
 * The next three put a key's columns in the order of the source.  A key is an
 * array of a Datum for each key column, none null.  For a value of more than 64 kB
 * only the size is shown: "<629145600 bytes>".
 *
 * key_text: the output of its type, or a row literal if it is composite.
 */
char *key_text(const Target &target, const Datum *key);

/* key_names: the key's column names for messages: "a, b". */
const char *key_names(const Target &target);

/*
 * key_detail
 *		Names and values of a key for messages: "(a, b)=(1, x)".  Calls
 *		the output functions of the types, and reads nothing else in the catalogs, so
 *		an error context can call it.
 *
 * max_bytes: longer values are cut off there; 0: no limit.
 */
const char *key_detail(const Target &target, const Datum *key, int max_bytes = 0);

/*
 * source_key_detail
 *		The same for a source row, with the source's values; NULL if
 *		one of them is null.
 */
const char *source_key_detail(const Target &target, TupleTableSlot *row);

/* clipped: a text, cut off after max_bytes; 0: no limit. */
const char *clipped(const char *text, int max_bytes);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEY_TEXT_H */
