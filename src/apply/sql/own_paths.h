/*
 * own_paths.h
 *		The paths by which the SQL applier's statements read the target.
 */
#ifndef BULK_UPDATE_APPLY_SQL_OWN_PATHS_H
#define BULK_UPDATE_APPLY_SQL_OWN_PATHS_H

namespace bulkupdate
{

/* own_paths_watch: at load time, hook into the choice of paths. */
void own_paths_watch();

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_OWN_PATHS_H */
