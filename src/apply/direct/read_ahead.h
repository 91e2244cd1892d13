/*
 * read_ahead.h
 *		Having the heap pages of the next rows read while the current one is
 *		updated, if reading a page takes long.
 *
 * Where keys do not follow the heap, each row needs another page, and only the index knows
 * which.  On a cold cache the wait for it is most of a row's time (30,000 rows with uuid
 * keys: 5.3 s, and 2.7 s with reading ahead); on a warm one, looking up keys twice would
 * be a waste.  So some reads are measured.
 *
 * Pages are prefetched, not read through a read stream (from PostgreSQL 17 on), which
 * would keep them pinned while users' functions run.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_READ_AHEAD_H
#define BULK_UPDATE_APPLY_DIRECT_READ_AHEAD_H

#include "server/scope.h"

namespace bulkupdate
{

/* What a call knows about its reads; initially all zero. */
struct ReadStats
{
	int until_sample; /* rows until one is measured again */
	int slow;         /* number of consecutive samples that were slow */
	int ahead_rows;   /* rows until reads are measured again; until then pages are read ahead */
};

/* read_ahead_define_settings: at load time, define bulk_update.read_ahead. */
void read_ahead_define_settings();

/* read_ahead_window: how many rows ahead pages of the table are read now; 0: none. */
int read_ahead_window(const ReadStats &stats, Relation heap);

/* read_stats_is_due: is the read of the next row to be measured?  Call it for each row. */
[[nodiscard]] bool read_stats_is_due(ReadStats &stats);

/* read_stats_note: finding a row took so long, for so many pages that shared buffers lacked. */
void read_stats_note(ReadStats &stats, int64 pages, instr_time elapsed);

/* with_read_stats: run body, which finds a row, and measure it from time to time. */
template <typename Body>
inline auto
with_read_stats(ReadStats &stats, Body body) -> decltype(body())
{
	if (!read_stats_is_due(stats))
		return body();

	int64 pages = pgBufferUsage.shared_blks_read;
	instr_time start;
	instr_time elapsed;

	INSTR_TIME_SET_CURRENT(start);
	auto result = body();
	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, start);
	read_stats_note(stats, pgBufferUsage.shared_blks_read - pages, elapsed);
	return result;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_READ_AHEAD_H */
