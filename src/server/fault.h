/*
 * fault.h
 *		Points at which a test build can be made to fail, to wait or to crash.
 *
 * Only "make FAULTS=1" compiles them in; in other builds a point does nothing.
 * Setting bulk_update.fault = 'point:action[:passes]' arms one:
 *
 *	action	notice (and continue), error (of a row), internal (an internal error),
 *			memory (out of memory), wait (until the session is cancelled or ended), kill (the
 *			process kills itself)
 *	passes	which times the point is passed, counted from the SET: N, N,M,... or
 *			N+ for all from that one on; 1 without it
 *
 * Before each action there is a NOTICE.
 */
#ifndef BULK_UPDATE_SERVER_FAULT_H
#define BULK_UPDATE_SERVER_FAULT_H

#ifdef BULK_UPDATE_FAULTS

#define FAULT_POINTS(POINT)        \
	POINT(open)                    \
	POINT(fetch)                   \
	POINT(fetched)                 \
	POINT(coerce_key)              \
	POINT(coerce)                  \
	POINT(sort_put)                \
	POINT(sort_perform)            \
	POINT(sort_next)               \
	POINT(place_find)              \
	POINT(seen_keys_add)           \
	POINT(spill)                   \
	POINT(seen_keys_find)          \
	POINT(subtransaction_begin)    \
	POINT(subtransaction_end)      \
	POINT(subtransaction_rollback) \
	POINT(attempt)                 \
	POINT(plan)                    \
	POINT(statement_before)        \
	POINT(receive)                 \
	POINT(statement_after)         \
	POINT(locked)                  \
	POINT(partition_open)          \
	POINT(statement_begin)         \
	POINT(find)                    \
	POINT(write_before)            \
	POINT(write_after)             \
	POINT(index_insert)            \
	POINT(index_entry)             \
	POINT(entry_sort)              \
	POINT(entry_hold)              \
	POINT(entry_flush)             \
	POINT(entry_enter)             \
	POINT(row_triggers)            \
	POINT(after_triggers)          \
	POINT(statement_end)           \
	POINT(recheck)                 \
	POINT(reject)                  \
	POINT(reject_insert)           \
	POINT(old_values_put)          \
	POINT(old_values_insert)       \
	POINT(freeze)                  \
	POINT(job_claim)               \
	POINT(job_batch)               \
	POINT(job_account)             \
	POINT(job_commit)              \
	POINT(job_committed)           \
	POINT(job_failed)              \
	POINT(progress)                \
	POINT(report)                  \
	POINT(close)

namespace bulkupdate
{

enum class FaultPoint : int
{
#define FAULT_MEMBER(name) name,
	FAULT_POINTS(FAULT_MEMBER)
#undef FAULT_MEMBER
};

/* Take the action of bulk_update.fault if it is due at this passing of the point. */
void fault_point(FaultPoint point);

/* To be called when the module is loaded. */
void fault_define_settings();

} /* namespace bulkupdate */

#define FAULT_POINT(name) ::bulkupdate::fault_point(::bulkupdate::FaultPoint::name)
#define FAULT_POINT_IF(condition, name) static_cast<void>((condition) && (FAULT_POINT(name), true))

#else

#define FAULT_POINT(name) static_cast<void>(0)
#define FAULT_POINT_IF(condition, name) static_cast<void>(0)

#endif /* BULK_UPDATE_FAULTS */

#endif /* BULK_UPDATE_SERVER_FAULT_H */
