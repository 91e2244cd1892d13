/*
 * portal_watch.cpp
 *		Callbacks of the contexts of a portal and a call.
 */
#include "source/portal_watch.h"

namespace bulkupdate
{

struct PortalMark
{
	PortalWatch *watch; /* of the call that reads the portal, or NULL */
	MemoryContextCallback at_reset;
};

namespace
{

void
portal_is_gone(void *arg)
{
	const PortalMark &mark = *static_cast<PortalMark *>(arg);

	if (mark.watch != nullptr)
		mark.watch->mark = nullptr;
}

void
call_is_gone(void *arg)
{
	const PortalWatch &watch = *static_cast<PortalWatch *>(arg);

	if (watch.mark != nullptr)
		watch.mark->watch = nullptr;
}

} /* namespace */

PortalWatch *
portal_watch_create(Portal portal)
{
	PortalWatch *watch = palloc_one<PortalWatch>();
	PortalMark *mark =
		with_memory_context(portal->portalContext, [] { return palloc_one<PortalMark>(); });

	mark->watch = watch;
	mark->at_reset.func = portal_is_gone;
	mark->at_reset.arg = mark;
	MemoryContextRegisterResetCallback(portal->portalContext, &mark->at_reset);
	watch->mark = mark;
	watch->at_reset.func = call_is_gone;
	watch->at_reset.arg = watch;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &watch->at_reset);
	return watch;
}

} /* namespace bulkupdate */
