/*
 * row_place.h
 *		Where a row is stored, as a number by which rows can be sorted.
 */
#ifndef BULK_UPDATE_SOURCE_ROW_PLACE_H
#define BULK_UPDATE_SOURCE_ROW_PLACE_H

#include "server/scope.h"

namespace bulkupdate
{

/* The table's number, and the place of a version in it: its block, and its line pointer. */
using RowPlace = int64;

constexpr RowPlace NO_PLACE = 0;

/* Tables with higher numbers share this one: it decides only about the order. */
constexpr int MAX_PLACE_TABLE = 0x7fff;

inline RowPlace
row_place(int table, ItemPointerData version)
{
	return (static_cast<int64>(Min(table, MAX_PLACE_TABLE)) << 48) |
		   (static_cast<int64>(ItemPointerGetBlockNumberNoCheck(&version)) << 16) |
		   ItemPointerGetOffsetNumberNoCheck(&version);
}

/* row_place_version: not of NO_PLACE. */
inline ItemPointerData
row_place_version(RowPlace place)
{
	ItemPointerData version;

	ItemPointerSet(&version, static_cast<BlockNumber>(place >> 16),
				   static_cast<OffsetNumber>(place & 0xffff));
	return version;
}

/*
 * The functions that find the place of a row by its key.  A kind of finder derives from
 * PlaceFinder, like an applier from Applier.
 */
struct PlaceFinder
{
	/*
	 * The place where the row with this key (a Datum for each key column, none null) probably
	 * is, or NO_PLACE.  Keys must be passed in ascending order; they may be freed afterwards.
	 */
	RowPlace (*find)(PlaceFinder &finder, const Datum *key);

	/* No more rows will be looked up. */
	void (*end)(PlaceFinder &finder);
};

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_ROW_PLACE_H */
