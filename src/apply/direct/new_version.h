/*
 * new_version.h
 *		The version of a row that an update without a plan writes.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_NEW_VERSION_H
#define BULK_UPDATE_APPLY_DIRECT_NEW_VERSION_H

#include "apply/direct/direct_table.h"

namespace bulkupdate
{

/* form_new_version: put into table->updated the found version with the row's values. */
void form_new_version(DirectTable &table, const DirectRow &row);

/*
 * prepare_new_version
 *		Compute the generated columns of table->updated and check its
 *		constraints, as ExecUpdatePrepareSlot() and ExecUpdateAct() do.
 *
 * Raises their errors: 23502, 23514, and those of the expressions.
 */
void prepare_new_version(DirectTable &table);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_NEW_VERSION_H */
