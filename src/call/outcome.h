/*
 * outcome.h
 *		The possible outcomes of a source row.
 */
#ifndef BULK_UPDATE_CALL_OUTCOME_H
#define BULK_UPDATE_CALL_OUTCOME_H

#include "server/pg.h"

namespace bulkupdate
{

/* The outcome of a source row.  Each row ends with exactly one of the first six. */
enum class Outcome : uint8
{
	Updated,
	Unchanged,
	Missing,
	Stale, /* the row does not have the values that the source expects */
	Duplicate,
	Rejected,
	Pending, /* has a key that no other row has, not applied yet */
};
constexpr int OUTCOMES = 6;

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_OUTCOME_H */
