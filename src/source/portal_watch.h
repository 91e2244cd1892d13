/*
 * portal_watch.h
 *		Does a portal still exist?
 *
 * The portal may end before the call (a trigger closes it, and may open another
 * one with its name), and the call before the portal.  Both ends call
 * callbacks of their memory contexts, and each informs the other side.
 *
 * PinPortal() would prevent CLOSE instead, but a pin outlives an error that is
 * rolled back to a savepoint, and then prevents COMMIT.
 */
#ifndef BULK_UPDATE_SOURCE_PORTAL_WATCH_H
#define BULK_UPDATE_SOURCE_PORTAL_WATCH_H

#include "server/scope.h"

namespace bulkupdate
{

struct PortalMark;

/* In the call's memory. */
struct PortalWatch
{
	PortalMark *mark; /* in the portal's memory; NULL if the portal has been dropped */
	MemoryContextCallback at_reset;
};

/* portal_watch_create: watch a portal, in the current memory context until that is reset. */
PortalWatch *portal_watch_create(Portal portal);

/* portal_exists: has the watched portal not been dropped? */
inline bool
portal_exists(const PortalWatch &watch)
{
	return watch.mark != nullptr;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_PORTAL_WATCH_H */
