/*
 * prepared.cpp
 *		Saved plans, freed with a memory context.
 */
#include "prepared.h"

#include "fault.h"

namespace bulkupdate
{

namespace
{

void
free_plan(void *arg)
{
	Prepared *prepared = static_cast<Prepared *>(arg);

	if (prepared->plan != NULL)
		SPI_freeplan(prepared->plan);
	prepared->plan = NULL;
}

const CachedPlanSource *
source_of(const Prepared *prepared)
{
	return static_cast<const CachedPlanSource *>(
		linitial(SPI_plan_get_plan_sources(prepared->plan)));
}

} /* namespace */

bool
prepared_is_current(const Prepared *prepared)
{
	return prepared->plan != NULL && SPI_plan_is_valid(prepared->plan);
}

bool
prepared_has_current_plan(const Prepared *prepared)
{
	if (!prepared_is_current(prepared))
		return false;

	const CachedPlan *plan = source_of(prepared)->gplan;

	return plan != NULL && plan->is_valid;
}

const char *
prepared_query_string(const Prepared *prepared)
{
	return source_of(prepared)->query_string;
}

void
prepared_forget(Prepared *prepared)
{
	free_plan(prepared);
}

SPIPlanPtr
prepared_plan(Prepared *prepared, const char *text, Span<const Oid> argument_types,
			  int cursor_options)
{
	if (prepared->plan != NULL && strcmp(prepared->text, text) == 0)
		return prepared->plan;

	if (prepared->memory == NULL)
	{
		prepared->memory = CurrentMemoryContext;
		prepared->at_reset.func = free_plan;
		prepared->at_reset.arg = prepared;
		MemoryContextRegisterResetCallback(prepared->memory, &prepared->at_reset);
	}
	free_plan(prepared);
	prepared->text = MemoryContextStrdup(prepared->memory, text);

	keeping_memory_context([&] {
		SPIPlanPtr plan = SPI_prepare_cursor(
			text, argument_types.size, const_cast<Oid *>(argument_types.data), cursor_options);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		FAULT_POINT(plan);
		SPI_keepplan(plan);
		prepared->plan = plan;
	});
	return prepared->plan;
}

} /* namespace bulkupdate */
