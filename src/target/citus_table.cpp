/*
 * citus_table.cpp
 *		Reading Citus's catalog of its tables.
 */
#include "target/citus_table.h"

namespace bulkupdate
{

namespace
{

constexpr char BY_HASH = 'h';

Datum
value_of(HeapTuple row, Relation catalog, const char *column, bool *isnull)
{
	AttrNumber attno = get_attnum(RelationGetRelid(catalog), column);

	if (attno == InvalidAttrNumber)
		elog(ERROR, "catalog \"%s\" of Citus has no column \"%s\"",
			 RelationGetRelationName(catalog), column); /* GCOVR_EXCL_LINE: no Citus lacks it */
	return heap_getattr(row, attno, RelationGetDescr(catalog), isnull);
}

/* partkey is the text of a Var. */
CitusTable
described_by(HeapTuple row, Relation catalog)
{
	CitusTable table = {};
	bool isnull;

	table.known = true;
	table.by_hash = DatumGetChar(value_of(row, catalog, "partmethod", &isnull)) == BY_HASH;

	Datum key = value_of(row, catalog, "partkey", &isnull);

	if (!isnull)
	{
		const Node *node = static_cast<const Node *>(stringToNode(TextDatumGetCString(key)));

		if (!IsA(node, Var))
			elog(ERROR, "distribution key of Citus is not a column"); /* GCOVR_EXCL_LINE */
		table.column = reinterpret_cast<const Var *>(node)->varattno;
	}
	return table;
}

} /* namespace */

CitusTable
citus_table(Oid relid)
{
	Oid catalog_oid = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	CitusTable table = {};
	ScanKeyData key;

	if (!OidIsValid(catalog_oid) || !OidIsValid(get_extension_oid("citus", true)))
		return table;

	Relation catalog = table_open(catalog_oid, AccessShareLock);

	ScanKeyInit(&key, get_attnum(catalog_oid, "logicalrelid"), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));

	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 1, &key);
	HeapTuple row = systable_getnext(scan);

	if (HeapTupleIsValid(row))
		table = described_by(row, catalog);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return table;
}

} /* namespace bulkupdate */
