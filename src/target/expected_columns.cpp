/*
 * expected_columns.cpp
 *		Mapping the last source columns to the columns of which they state the values.
 */
#include "target/expected_columns.h"

#include "target/named_column.h"

namespace bulkupdate
{

namespace
{

constexpr NamedBy EXPECTED = {
	"Argument \"expected_columns\" names it.",
	"Specify columns of the table.",
	"Specify a column that changes with each update, such as a version or a time.",
};

void
check_not_expected_twice(const Target &target, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (target.expected[i].target == target.expected[n].target)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column \"%s\" specified more than once", name),
							errdetail("Argument \"expected_columns\" names it twice."),
							errhint("Specify each expected column once.")));
}

/* It always has the expected value: that is how the row is found. */
void
check_not_key(const Target &target, const MappedColumn &expected, const char *name)
{
	for (const MappedColumn &column : target.columns)
		if (column.is_key && column.target == expected.target)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("key column \"%s\" cannot be an expected column", name),
							errdetail("A row is found by its key, so the key never differs."),
							errhint("Remove the column from argument \"expected_columns\" and its "
									"expected values from the source.")));
}

} /* namespace */

void
map_expected_columns(Target &target, const Options &options, TupleDesc source)
{
	Span<const char *> names = options.expected_columns;

	int last = source->natts - (options.has_positions ? 1 : 0);

	target.expected = {palloc_array_of<MappedColumn>(names.size), names.size};
	for (int i = 0; i < names.size; i++)
	{
		MappedColumn &column = target.expected[i];

		column.source = static_cast<AttrNumber>(last - names.size + i + 1);
		column.target = attribute_of_name(target, names[i], EXPECTED);
		column.is_expected = true;
		check_not_expected_twice(target, i, names[i]);
		check_not_key(target, column, names[i]);
	}
}

} /* namespace bulkupdate */
