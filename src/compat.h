/*
 * compat.h
 *		What differs between the supported server versions, and nothing else:
 *		every PG_VERSION_NUM of the project stands here.  Wrappers carry the
 *		newest version's form.
 *
 * Included by pg.h after the server's headers.
 */
#ifndef BULK_UPDATE_COMPAT_H
#define BULK_UPDATE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "bulk_update needs PostgreSQL 15 or later"
#endif

/* The module's name and version are recorded in the library from 18 on. */
#if PG_VERSION_NUM >= 180000
#define BULK_UPDATE_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "bulk_update", .version = "1.0")
#else
#define BULK_UPDATE_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* The status entry of a backend by its place in the list; the function was renamed in 16. */
static inline LocalPgBackendStatus *
local_backend_entry(int index)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(index);
#else
	return pgstat_fetch_stat_local_beentry(index);
#endif
}

#endif /* BULK_UPDATE_COMPAT_H */
