/*
 * applier.h
 *		What applies rows to the target: one interface, more than one kind.
 */
#ifndef BULK_UPDATE_APPLIER_H
#define BULK_UPDATE_APPLIER_H

#include "chunk.h"

namespace bulkupdate
{

struct Applier;

/*
 * Apply rows, which have complete and different keys in key order, as one
 * statement: with a command id and, under READ COMMITTED, a snapshot of its
 * own; statement triggers and the after-row triggers have run when it returns.
 * Sets each row's outcome to Updated, Unchanged or Missing.
 *
 * scratch is reset first; it may still be in use by the outcome's accounting
 * of memory afterwards.  Raises whatever UPDATE of these rows raises.
 */
using ApplyFunction = void (*)(Applier *applier, Span<ChunkRow> rows, MemoryContext scratch);

struct Applier
{
	const char *name;
	ApplyFunction apply;
};

/*
 * sql_applier_create
 *		An applier that runs a prepared UPDATE ... FROM unnest(...).  It works
 *		for every target.
 *
 * Needs an SPI connection, in which it must also be used.  Allocates in the
 * current memory context.
 */
extern Applier *sql_applier_create(const Target *target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLIER_H */
