/*
 * planned_elsewhere.h
 *		Does an extension plan statements on the target differently?
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_PLANNED_ELSEWHERE_H
#define BULK_UPDATE_APPLY_DIRECT_PLANNED_ELSEWHERE_H

#include "target/target.h"

namespace bulkupdate
{

/* Its answer, kept for a call.  Not inlined, std::optional would need the C++ runtime. */
enum class PlannedElsewhere : uint8
{
	NotAsked,
	No,
	Yes,
};

/*
 * is_planned_elsewhere
 *		Has an extension hooked into the planner, and does a SELECT from the target,
 *		or an UPDATE of the mapped columns, get a plan that differs from core's: another node
 *		on top, or a custom or foreign scan for the target below it?
 *
 * This is so if rows are stored elsewhere (Citus), or if there is more work to do for an
 * update (TimescaleDB).  For a call that only probes, and so has no lock
 * for an UPDATE, none is planned.  Needs an SPI connection.  Raises the errors of
 * planning.
 */
[[nodiscard]] bool is_planned_elsewhere(const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_PLANNED_ELSEWHERE_H */
