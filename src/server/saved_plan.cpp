/*
 * saved_plan.cpp
 *		Saved plans, freed with a memory context.
 */
#include "server/saved_plan.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

void
free_plan(void *arg)
{
	SavedPlan &saved = *static_cast<SavedPlan *>(arg);

	if (saved.plan != nullptr)
		SPI_freeplan(saved.plan);
	saved.plan = nullptr;
}

const CachedPlanSource *
source_of(const SavedPlan &saved)
{
	return static_cast<const CachedPlanSource *>(linitial(SPI_plan_get_plan_sources(saved.plan)));
}

} /* namespace */

bool
saved_plan_is_current(const SavedPlan &saved)
{
	return saved.plan != nullptr && SPI_plan_is_valid(saved.plan);
}

bool
saved_plan_has_current_plan(const SavedPlan &saved)
{
	if (!saved_plan_is_current(saved))
		return false;

	const CachedPlan *plan = source_of(saved)->gplan;

	return plan != nullptr && plan->is_valid;
}

const char *
saved_plan_query_string(const SavedPlan &saved)
{
	return source_of(saved)->query_string;
}

void
saved_plan_forget(SavedPlan &saved)
{
	free_plan(&saved);
}

SPIPlanPtr
saved_plan_get(SavedPlan &saved, const char *text, Span<const Oid> argument_types,
			   int cursor_options)
{
	if (saved.plan != nullptr && strcmp(saved.text, text) == 0)
		return saved.plan;

	if (saved.memory == nullptr)
	{
		saved.memory = CurrentMemoryContext;
		saved.at_reset.func = free_plan;
		saved.at_reset.arg = &saved;
		MemoryContextRegisterResetCallback(saved.memory, &saved.at_reset);
	}
	free_plan(&saved);
	saved.text = MemoryContextStrdup(saved.memory, text);

	keeping_memory_context([&] {
		SPIPlanPtr plan = SPI_prepare_cursor(
			text, argument_types.size, const_cast<Oid *>(argument_types.data), cursor_options);

		if (plan == nullptr)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		FAULT_POINT(plan);
		SPI_keepplan(plan);
		saved.plan = plan;
	});
	return saved.plan;
}

} /* namespace bulkupdate */
