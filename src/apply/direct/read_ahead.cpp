/*
 * read_ahead.cpp
 *		Deciding whether to read ahead.
 */
#include "apply/direct/read_ahead.h"

namespace bulkupdate
{

namespace
{

enum ReadAheadSetting : int
{
	READ_AHEAD_AUTO,
	READ_AHEAD_OFF,
	READ_AHEAD_ON
};

const config_enum_entry settings[] = {
	{"auto", READ_AHEAD_AUTO, false},
	{"off", READ_AHEAD_OFF, false},
	{"on", READ_AHEAD_ON, false},
	{nullptr, 0, false},
};

int setting = READ_AHEAD_AUTO;

constexpr int ROWS_PER_SAMPLE = 16;

/* A page from the kernel's cache takes 2 to 5 us, one from a device at least 40 us. */
constexpr double SLOW_READ_US = 20;
constexpr int SLOW_SAMPLES = 3;

/* While pages are read ahead, reads are fast; after this many rows it is tried without. */
constexpr int AHEAD_ROWS = 4096;

} /* namespace */

void
read_ahead_define_settings()
{
	DefineCustomEnumVariable(
		"bulk_update.read_ahead", "Sets whether the pages of the next rows are read ahead.",
		"\"auto\" reads ahead while reading a page takes long; "
		"maintenance_io_concurrency is the number of rows.",
		&setting, READ_AHEAD_AUTO, settings, PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

int
read_ahead_window(const ReadStats &stats, Relation heap)
{
	if (setting == READ_AHEAD_OFF || (setting == READ_AHEAD_AUTO && stats.ahead_rows == 0))
		return 0;
	return get_tablespace_maintenance_io_concurrency(heap->rd_rel->reltablespace);
}

bool
read_stats_is_due(ReadStats &stats)
{
	int &rows = stats.ahead_rows > 0 ? stats.ahead_rows : stats.until_sample;

	if (rows-- > 0)
		return false;
	stats.until_sample = stats.slow > 0 ? 0 : ROWS_PER_SAMPLE - 1;
	return true;
}

/* No line here depends on the speed of the device: the tests execute all of them everywhere. */
void
read_stats_note(ReadStats &stats, int64 pages, instr_time elapsed)
{
	if (pages == 0)
		return;

	double us_per_page = INSTR_TIME_GET_MILLISEC(elapsed) * 1000 / static_cast<double>(pages);
	int slow = us_per_page < SLOW_READ_US ? 0 : stats.slow + 1;

	stats.ahead_rows = slow < SLOW_SAMPLES ? 0 : AHEAD_ROWS;
	stats.slow = Min(slow, SLOW_SAMPLES - 1);
}

} /* namespace bulkupdate */
