/*
 * progress_text.h
 *		Notices about progress, and the numbers and durations in them.
 */
#ifndef BULK_UPDATE_CALL_PROGRESS_TEXT_H
#define BULK_UPDATE_CALL_PROGRESS_TEXT_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * progress_notice
 *		Raise a NOTICE about a call that has fetched so many rows of about so many (-1: unknown).
 *
 * seconds: since it began.
 */
void progress_notice(int64 fetched, int64 estimated, bool sorts, double seconds);

/* grouped_number: with a comma before each group of three digits. */
const char *grouped_number(int64 number);

/* time_left: "about 12 s left", or in minutes or hours.  Both allocate in the current context. */
const char *time_left(double seconds);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_PROGRESS_TEXT_H */
