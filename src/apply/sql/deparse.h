/*
 * deparse.h
 *		The text of the statements that the SQL applier prepares.
 *
 * All have the chunk as one parameter of type "array of the target's row
 * type", so that a column of any type, also an array, is passed unchanged.  Every
 * name in them is quoted and qualified, so search_path does not matter.
 */
#ifndef BULK_UPDATE_APPLY_SQL_DEPARSE_H
#define BULK_UPDATE_APPLY_SQL_DEPARSE_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * deparse_update
 *		UPDATE of the rows whose keys are in the array.  For each updated row it
 *		returns the position in the array of the element with its new
 *		values, and, if the target keeps values, those of KeptStore::New.
 */
char *deparse_update(const Target &target);

/*
 * deparse_update_reporting_suppressed
 *		The same if a trigger can suppress an update: it returns
 *		positions with true for an updated row, and with false for a row that
 *		exists but was not updated.  What is kept comes last.
 *
 * A row that UPDATE did not return is looked up with the same snapshot, and
 * locked as by UPDATE: so a row that is deleted, or whose key changes, at the
 * same time does not exist, nor does one that a policy for UPDATE hides.
 */
char *deparse_update_reporting_suppressed(const Target &target);

/*
 * deparse_probe
 *		SELECT of the positions of the elements that have a row, and of the columns that are
 *		probed: the value columns and the expected ones, both in the order of the source.
 */
char *deparse_probe(const Target &target, Probe probe);

/*
 * deparse_lock
 *		The same for probe_of_locked(), with the lock of an UPDATE; if the target keeps values,
 *		also those of KeptStore::Old.  Under READ COMMITTED it returns the newest version of a
 *		row, if that still has the key.
 */
char *deparse_lock(const Target &target);

/* deparse_probe_in_range: the same for a key of one integer column between $2 and $3. */
char *deparse_probe_in_range(const Target &target, Probe probe);

/*
 * Parts of such statements.  The target is "t", what is joined with it "u": its column cN has the
 * new value of the target's attribute N.
 */

/* target_name: its current name, qualified: a trigger may have renamed it. */
const char *target_name(const Target &target);

/* quoted_attribute: the name of a column. */
const char *quoted_attribute(const Target &target, AttrNumber attno);

/* operator_text: " OPERATOR(schema.=) ". */
const char *operator_text(Oid oid);

/*
 * cast_text
 *		"::schema.type", or nothing if the column already has the type.
 *
 * Without it the parser would look for an operator of the column's own type, which would not be
 * the index's, or, for a domain over an enum, for none.  All these casts are relabelings, so the
 * index can be used.
 */
const char *cast_text(Oid type, Oid column_type);

/* append_key_condition: "t.key = u.cN AND ...", with the operators and collations of the index. */
void append_key_condition(StringInfo sql, const Target &target, const char *alias);

/* append_assignments: "a = u.cN, ...", what an UPDATE sets. */
void append_assignments(StringInfo sql, const Target &target);

/* append_probed: ", t.a, ...", the columns that are probed, as outcome_receiver.h expects them. */
void append_probed(StringInfo sql, const Target &target, Probe probe);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_DEPARSE_H */
