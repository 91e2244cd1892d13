/*
 * progress_text.cpp
 *		Progress as text.
 */
#include "call/progress_text.h"

namespace bulkupdate
{

const char *
grouped_number(int64 number)
{
	char digits[32];
	StringInfoData text;
	int length = snprintf(digits, sizeof(digits), "%lld", static_cast<long long>(number));

	initStringInfo(&text);
	for (int i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0)
			appendStringInfoChar(&text, ',');
		appendStringInfoChar(&text, digits[i]);
	}
	return text.data;
}

const char *
time_left(double seconds)
{
	if (seconds < 100)
		return psprintf("about %.0f s left", seconds);
	/* GCOVR_EXCL_START: no test takes that long */
	if (seconds < 100.0 * 60)
		return psprintf("about %.0f min left", seconds / 60);
	return psprintf("about %.0f h left", seconds / 3600);
	/* GCOVR_EXCL_STOP */
}

void
progress_notice(int64 fetched, int64 estimated, bool sorts, double seconds)
{
	double rows = static_cast<double>(fetched);
	double all_rows = static_cast<double>(estimated);
	int percent =
		fetched > 0 && estimated >= fetched ? static_cast<int>(100 * rows / all_rows) : -1;
	const char *rate = grouped_number(static_cast<int64>(rows / seconds));
	const char *action = sorts ? " read for sorting" : "";

	if (percent < 0)
		ereport(NOTICE, (errmsg("bulk_update: %s rows%s, %s rows/s", grouped_number(fetched),
								action, rate)));
	else if (sorts)
		ereport(NOTICE, (errmsg("bulk_update: %s of about %s rows%s (%d %%), %s rows/s",
								grouped_number(fetched), grouped_number(estimated), action, percent,
								rate)));
	else
		ereport(NOTICE, (errmsg("bulk_update: %s of about %s rows (%d %%), %s rows/s, %s",
								grouped_number(fetched), grouped_number(estimated), percent, rate,
								time_left(seconds * (all_rows / rows - 1)))));
}

} /* namespace bulkupdate */
