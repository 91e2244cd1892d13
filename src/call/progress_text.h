/*
 * progress_text.h
 *		Notices about progress, and the numbers and durations in them.
 */
#ifndef BULK_UPDATE_CALL_PROGRESS_TEXT_H
#define BULK_UPDATE_CALL_PROGRESS_TEXT_H

#include "call/progress.h"

namespace bulkupdate
{

/* progress_notice: raise a NOTICE about the progress of a call. */
void progress_notice(const Progress &progress, TimestampTz now);

/* grouped_number: with a comma before each group of three digits. */
const char *grouped_number(int64 number);

/* time_left: "about 12 s left", or in minutes or hours.  Both allocate in the current context. */
const char *time_left(double seconds);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_PROGRESS_TEXT_H */
