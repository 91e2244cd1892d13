/*
 * together.cpp
 *		Leaving rows out until the statement of the others succeeds.
 */
#include "apply/together.h"

#include "apply/reference_hint.h"
#include "chunk/reject.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* Number of rows that are always left out one by one, and that are when nothing else helps. */
constexpr int FEW = 64;
constexpr int NOT_MANY = 256;

/*
 * If consecutive rows fail, all may be bad: after so many the factor by which more rows are left
 * out.  Where constraints say why rows fail, rows that are left out in vain cost others that
 * need them; of errors of triggers nothing is known, and there may be one for each row.
 */
constexpr int RUN = 8;
constexpr int STRIDE = 64;
constexpr int MAX_STRIDE = 1 << 20;

/*
 * Whenever this number of rows has been tried, twice as many are left out at once: a row
 * that is left out without having failed may make others fail that need it.
 */
constexpr int64 PATIENCE = 1 << 18;

/* Maximum number of tried rows: a second or two, or for many rows a number for each of them. */
constexpr int64 MOST_TRIED = 2 * PATIENCE;
constexpr int64 TRIES = 96;

/* Trying rows separately takes about this many tries of each. */
constexpr int64 TRIES_APART = 6;

/* Up to this number, each row is left out once, so that of two that conflict one is applied. */
constexpr int FEW_CONTRADICTING = 32;

/* Up to this number, those that failed last are left out first. */
constexpr int MANY_CONTRADICTING = 1000;

struct Search
{
	Attempts &attempts;
	RejectRate learned; /* from trying rows when errors name none */
	int64 budget;       /* rows that may still be tried */
	int applied;
	bool contradicting; /* rows may have failed because of other rows */
	bool singly;        /* leave rows out one by one */
	bool in_vain;       /* rows were left out that had not failed, and others may need them */
};

/* May the row have the value that a row before it would have given up? */
bool
is_of_taken_value(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION ||
		   error->sqlerrcode == ERRCODE_EXCLUSION_VIOLATION;
}

/*
 * May the row have failed because of another one?  Not if it only needs a value that does not
 * exist: it needs that just as much when fewer rows are tried.  Nothing is known about errors
 * of triggers; trying all rows that they reject once more would be too expensive.
 */
bool
may_contradict(const ErrorData *error, ReferenceError reference)
{
	return is_of_taken_value(error) || reference == ReferenceError::ToUpdated;
}

int
compare_places(const void *left, const void *right)
{
	const ChunkRow *a = *static_cast<const ChunkRow *const *>(left);
	const ChunkRow *b = *static_cast<const ChunkRow *const *>(right);

	return a < b ? -1 : a > b ? 1 : 0;
}

void
accept(Search &search, ChunkRow &row)
{
	row.reject = nullptr;
	search.applied++;
}

/* As in the first round, with all rows applied since. */
void
apply_apart(Search &search, Span<ChunkRow *> rows, Span<ChunkRow *> &left)
{
	Chunk &chunk = search.attempts.chunk;

	attempt_all(search.attempts, rows, search.learned,
				[&](ChunkRow &row, const ErrorData *error, const FailingRow &) {
					search.learned.rejected++;
					reject_row(chunk, row, error);
					left.data[left.size++] = &row;
					return true;
				});
	for (ChunkRow *row : rows)
		if (row->outcome != Outcome::Rejected)
			accept(search, *row);
	search.budget -= static_cast<int64>(rows.size) * TRIES_APART;
}

/* Move rows from a position of a set to another set. */
void
leave_out(Span<ChunkRow *> &set, int place, int count, Span<ChunkRow *> &left)
{
	move_elements(left.data + left.size, set.data + place, count);
	move_elements(set.data + place, set.data + place + count, set.size - place - count);
	left.size += count;
	set.size -= count;
}

/*
 * Leave out rows of set, which are moved to left, until the others can be applied.
 *
 * Each failure costs as much as applying the whole set.  So in a large set, after some
 * failures, consecutive rows that fail are left out in strides: neither a set with only bad
 * rows nor a chain in which each row needs the next takes many more.
 */
void
apply_rest(Search &search, Span<ChunkRow *> set, Span<ChunkRow *> &left)
{
	Chunk &chunk = search.attempts.chunk;
	bool few = set.size <= FEW || search.singly;
	int last = -2; /* position of the newest failure */
	int run = 0;   /* number of consecutive rows left out there */
	int failures = 0;
	int64 tried = 0; /* rows, after the first failures */

	while (set.size > 0)
	{
		FailingRow failing;

		if (search.budget < set.size)
		{
			leave_out(set, 0, set.size, left); /* GCOVR_EXCL_LINE: at the end of the budget */
			return;
		}
		search.budget -= set.size;
		tried += set.size;

		const ErrorData *error = attempt(search.attempts, set, failing);

		if (error == nullptr)
		{
			for (ChunkRow *row : set)
				accept(search, *row);
			return;
		}

		int place = index_in(failing.row, set);

		if (place < 0)
		{
			apply_apart(search, set, left);
			return;
		}
		reject_row(chunk, *set[place], error);

		ReferenceError reference = reference_error(*chunk.target, error);
		bool is_known = is_of_taken_value(error) || reference != ReferenceError::Unknown;
		bool before = place == last - 1;

		search.contradicting = search.contradicting || may_contradict(error, reference);
		if (++failures <= FEW && is_known)
			tried = 0;
		if (!before && place != last)
			run = 0;

		int count = 1;

		if (!few && run >= (is_known ? RUN : 1))
			count = Min(run, MAX_STRIDE) * (is_known ? 1 : STRIDE);
		count = Max(count, 1 << Min(tried / PATIENCE, 30));
		run += count;
		search.in_vain = search.in_vain || (is_known && count > 1);

		if (before)
		{
			int first = Max(place + 1 - count, 0);

			leave_out(set, first, place + 1 - first, left);
			last = first;
		}
		else
		{
			leave_out(set, place, Min(count, set.size - place), left);
			last = place;
		}
	}
}

void
put_in_order(Span<ChunkRow *> rows)
{
	qsort(static_cast<void *>(rows.data), static_cast<Size>(rows.size), ROW_POINTER_SIZE,
		  compare_places);
}

/* Apply with() what can be applied of set, and keep the others there; left_rows is for use. */
template <typename With>
void
apply_round(Search &search, Span<ChunkRow *> &set, ChunkRow **left_rows, With with)
{
	Span<ChunkRow *> left = {left_rows, 0};

	with(search, set, left);
	move_elements(set.data, left.data, left.size);
	set.size = left.size;
	put_in_order(set);
}

ChunkRow **
new_rows(const Search &search, int size)
{
	return with_memory_context(search.attempts.chunk.context,
							   [&] { return palloc_array_of<ChunkRow *>(size); });
}

/*
 * A row that others contradict fails before these, as long as they are tried.  So leave out
 * the rows that failed last, half of them first.  left_rows has set in the order of failure.
 */
void
apply_first_failed(Search &search, Span<ChunkRow *> &set, ChunkRow **left_rows)
{
	int size = set.size;
	int before = search.applied;
	ChunkRow **failed = new_rows(search, size);

	move_elements(failed, left_rows, size);
	for (int last = size / 2; last > 0 && search.applied == before; last /= 2)
	{
		Span<ChunkRow *> others = {set.data, size - last};

		move_elements(set.data, failed, size);
		put_in_order(others);
		apply_round(search, others, left_rows, apply_rest);
		move_elements(set.data + others.size, failed + (size - last), last);
		set.size = others.size + last;
	}
	put_in_order(set);
	pfree(failed);
}

/*
 * Of two rows that conflict, the one that failed may be the one that others need.  So leave out
 * each row of a small set in turn, the last first, and test whether the others can be applied.
 */
void
apply_contradicting(Search &search, Span<ChunkRow *> &set, ChunkRow **left_rows)
{
	int before = search.applied;

	for (int i = set.size - 1; i >= 0 && search.applied == before; i--)
	{
		ChunkRow *row = set[i];
		Span<ChunkRow *> others = set;

		move_elements(set.data + i, set.data + i + 1, set.size - i - 1);
		others.size--;
		apply_round(search, others, left_rows, apply_rest);
		set.data[others.size] = row;
		set.size = others.size + 1;
		put_in_order(set);
	}
}

} /* namespace */

void
reject_row(Chunk &chunk, ChunkRow &row, const ErrorData *error)
{
	FAULT_POINT(reject);
	row.outcome = Outcome::Rejected;
	if (OidIsValid(chunk.options->rejects))
		row.reject = with_memory_context(chunk.context, [&] {
			return reject_of_tuple(*chunk.target, row.tuple, error, &chunk.bytes);
		});
}

void
note_candidate(Candidates &candidates, const Chunk &chunk, ChunkRow &row, const ErrorData *error,
			   const FailingRow &failing)
{
	bool was_passed = failing.row == nullptr || failing.late;

	if (was_passed ? reference_error(*chunk.target, error) == ReferenceError::Outside
				   : candidates.rows.size == 0 || !is_of_taken_value(error))
		return;
	if (candidates.rows.data == nullptr)
		candidates.rows.data = with_memory_context(
			chunk.context, [&] { return palloc_array_of<ChunkRow *>(candidates.most); });
	candidates.rows.data[candidates.rows.size++] = &row;
}

int
apply_together(Attempts &attempts, Span<ChunkRow *> rows)
{
	Search search = {attempts, {}, Max(TRIES * rows.size, MOST_TRIED), 0, false, false, false};
	Span<ChunkRow *> set = rows;
	ChunkRow **left = new_rows(search, rows.size);
	int before;

	do
	{
		before = search.applied;
		search.in_vain = false;
		apply_round(search, set, left, apply_rest);
		if (search.applied == before && search.in_vain && set.size <= NOT_MANY)
		{
			search.singly = true;
			apply_round(search, set, left, apply_rest);
			search.singly = false;
		}
		if (search.applied > before || !search.contradicting)
			continue;

		/* A row that always fails first may be good without the others. */
		if (set.size <= MANY_CONTRADICTING)
			apply_first_failed(search, set, left);
		if (search.applied == before && search.budget >= set.size)
			apply_round(search, set, left, apply_apart);
		if (search.applied == before && set.size <= FEW_CONTRADICTING)
			apply_contradicting(search, set, left);
	} while (search.applied > before && set.size > 0);

	/* The newest attempt may have set another outcome. */
	for (ChunkRow *row : set)
		row->outcome = Outcome::Rejected;
	return search.applied;
}

} /* namespace bulkupdate */
