/*
 * guc.h
 *		Temporary settings.
 */
#ifndef BULK_UPDATE_SERVER_GUC_H
#define BULK_UPDATE_SERVER_GUC_H

#include "server/scope.h"

namespace bulkupdate
{

struct Setting
{
	const char *name;
	const char *value;
};

/*
 * Change settings, like a function's SET clauses; returns the nest
 * level to end them with.  Not a scope with a body: they end inside of a call.
 */
inline int
begin_settings(Span<const Setting> settings)
{
	int nest_level = NewGUCNestLevel();

	for (const Setting &setting : settings)
		(void) set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

inline void
end_settings(int nest_level)
{
	AtEOXact_GUC(true, nest_level);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_GUC_H */
