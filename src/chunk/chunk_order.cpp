/*
 * chunk_order.cpp
 *		Sorting the rows of a chunk by their place or their key.
 */
#include "chunk/chunk_order.h"

#include "target/key.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

int
compare_rows(const void *left, const void *right, void *arg)
{
	const ChunkRow &a = *static_cast<const ChunkRow *>(left);
	const ChunkRow &b = *static_cast<const ChunkRow *>(right);

	return chunk_rows_ascend(*static_cast<const Chunk *>(arg), a, b) ? -1 : 1;
}

/* Of pointers to rows that are to be applied.  Also in an error context: not interruptible. */
int
compare_row_keys(const void *left, const void *right, void *arg)
{
	const ChunkRow &a = **static_cast<const ChunkRow *const *>(left);
	const ChunkRow &b = **static_cast<const ChunkRow *const *>(right);

	return compare_keys(*static_cast<const Target *>(arg), a.key, b.key);
}

/* Find the lowest and the highest key of the ordered rows, of which there are some to apply. */
void
find_extremes(Chunk &chunk)
{
	const ChunkRow &last = chunk.rows[chunk.applicable - 1];

	chunk.lowest = chunk.rows[0].key;
	chunk.highest = last.key;
	if (last.place == NO_PLACE) /* all of them */
		return;
	for (int i = 0; i < chunk.applicable; i++)
	{
		const Datum *key = chunk.rows[i].key;

		CHECK_FOR_INTERRUPTS();
		if (compare_keys(*chunk.target, key, chunk.lowest) < 0)
			chunk.lowest = key;
		else if (compare_keys(*chunk.target, key, chunk.highest) > 0)
			chunk.highest = key;
	}
}

} /* namespace */

void
chunk_order(Chunk &chunk)
{
	with_memory_context(chunk.context, [&] {
		/* Unlike std::sort, qsort_arg survives an inconsistent comparison function. */
		if (!chunk.in_order)
			qsort_arg(chunk.rows.data, static_cast<size_t>(chunk.rows.size), sizeof(ChunkRow),
					  compare_rows, &chunk);
		if (chunk.applicable == 0)
			return;
		find_extremes(chunk);
		chunk.first_key = key_text(*chunk.target, chunk.lowest);
		chunk.last_key = key_text(*chunk.target, chunk.highest);
	});
}

void
forget_places(const Target &target, Span<ChunkRow *> rows)
{
	for (ChunkRow *row : rows)
		row->place = NO_PLACE;
	qsort_arg(static_cast<void *>(rows.data), static_cast<size_t>(rows.size), ROW_POINTER_SIZE,
			  compare_row_keys, const_cast<Target *>(&target));
}

} /* namespace bulkupdate */
