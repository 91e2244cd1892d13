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
 * Apply rows, which have different keys in key order, as one statement: with a
 * command id and, under READ COMMITTED, a snapshot of its own; statement
 * triggers and the after-row triggers have run when it returns.  Sets each
 * row's outcome to Updated, Unchanged or Missing.  Without any rows the statement
 * runs all the same, by the applier that the newest rows had.
 *
 * scratch is reset first; afterwards it still holds what was needed, so that
 * the memory can be accounted for.  Raises whatever UPDATE of these rows raises.
 */
using ApplyFunction = void (*)(Applier *applier, Span<ChunkRow *> rows, MemoryContext scratch);

/*
 * Look what applying rows would find, without locking or writing anything:
 * sets each row's outcome to Missing, to Unchanged when compare_values and the
 * row already has the values (as IS DISTINCT FROM compares them), or to Pending.
 */
using LookFunction = void (*)(Applier *applier, Span<ChunkRow *> rows, bool compare_values,
							  MemoryContext scratch);

/*
 * While one of them is running: the row that is being worked on, or NULL when
 * that is not known.  For error contexts.
 */
using CurrentRowFunction = ChunkRow *(*) (const Applier *applier);

/*
 * The same when the rows are done and an after-row trigger is running, a foreign
 * key's or a deferrable constraint's too: the row that it is running for.
 */
using LateRowFunction = ChunkRow *(*) (const Applier *applier);

/* The newest call raised an error that was caught: what it left is about to go. */
using AbandonFunction = void (*)(Applier *applier);

struct Applier
{
	const char *name;     /* of what applied the newest rows: "sql" or "direct" */
	Size statement_bytes; /* memory that the newest statement held and has given back */
	ApplyFunction apply;
	LookFunction look;
	CurrentRowFunction current_row;
	LateRowFunction late_row;
	AbandonFunction abandon;
};

/* applier_define_settings: at load time, define bulk_update.applier. */
extern void applier_define_settings();

/*
 * applier_create
 *		An applier that gives each chunk to the direct applier where this gives
 *		the same result as UPDATE, and otherwise to the SQL applier;
 *		bulk_update.applier can force one.
 *
 * Needs an SPI connection, in which it must also be used.  Allocates in the
 * current memory context.  Raises 55000 (the setting is "direct", and the
 * target cannot be updated so), also when it is used.
 */
extern Applier *applier_create(const Target *target);

/*
 * applier_expected
 *		Which applier a chunk would get now: "direct", or "sql" and in *why the
 *		reason as a sentence.  For a partitioned target: when it has rows of every
 *		partition.
 *
 * Needs an SPI connection.
 */
extern const char *applier_expected(const Target *target, const char **why);

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
