/*
 * outcome.h
 *		What can become of a source row.
 */
#ifndef BULK_UPDATE_CALL_OUTCOME_H
#define BULK_UPDATE_CALL_OUTCOME_H

#include "server/pg.h"

namespace bulkupdate
{

/* What becomes of a source row.  Each row ends in exactly one of the first five. */
enum class Outcome : uint8
{
	Updated,
	Unchanged,
	Missing,
	Duplicate,
	Rejected,
	Pending, /* has a key of its own, not applied yet */
};
constexpr int OUTCOMES = 5;

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_OUTCOME_H */
