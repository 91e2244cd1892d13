-- New values for any table from a CSV file of the client, with only psql and awk.
--
-- usage: psql -X -v table=objects -v file=new.csv [-v NAME=VALUE]... -f csv.sql
--   table         the table, written as in SQL
--   file          the file. Its first line names columns of the table, among them the key, in any order
--   key           the key columns, separated by commas (default: the primary key)
--   on_error      a line that cannot be applied: skip (default) sets it aside, stop is an error
--   on_missing    a key that the table does not have: ignore (default) sets the line aside, error
--   on_duplicate  a key that occurs more than once: error (default); first or last sets the other lines aside
--   delimiter     between values (default: a comma)
--   null          the mark for a null (default: nothing between two delimiters)
--   aside         a file for all lines that were set aside; the first 100 are printed in any case
--   dry_run       true: change nothing, but report
-- The encoding is that of the client: PGCLIENTENCODING=LATIN1 psql ...
--
-- One transaction: an error undoes all of it. Empty lines are ignored. The file is read twice.

\set ON_ERROR_STOP on
\set QUIET on
\if :{?key} \else \set key '' \endif
\if :{?on_error} \else \set on_error skip \endif
\if :{?on_missing} \else \set on_missing ignore \endif
\if :{?on_duplicate} \else \set on_duplicate error \endif
\if :{?delimiter} \else \set delimiter , \endif
\if :{?null} \else \set null '' \endif
\if :{?dry_run} \else \set dry_run false \endif

-- COPY ends with an error at a line with too few or too many values, so awk finds these before. It puts four values in
-- front of each line: its number; its number among the good ones; what is wrong with a bad one; its text. With header=1
-- it prints only the text of the first line.
SELECT $awk$
function quoted(text) { gsub(/"/, "\"\"", text); return "\"" text "\"" }
function set_aside(problem) {
    gsub(/\\\.\r?\n/, " &", record)
    printf "\"%d\"%s\"0\"%s%s%s%s%s\n", first, delimiter, delimiter, quoted(problem), delimiter, quoted(record), nothing
}
BEGIN { delimiter = ENVIRON["DELIMITER"] }
NR == 1 {
    if (/^(\377\376|\376\377)/) {
        print "The file is in UTF-16, which PostgreSQL does not read. Convert it, for example by iconv." >"/dev/stderr"
        exit 1
    }
    sub(/^\357\273\277/, "")
}
{
    # A value in quotes may contain line breaks: the record goes on until the quotes are paired.
    if (open) record = record "\n" $0
    else { record = $0; first = NR; quotes = end_mark = 0 }
    if (open && /^\\\.\r?$/) end_mark = 1
    quotes += gsub(/"/, "\"")
    open = quotes % 2
    if (open) next
    sub(/\r$/, "", record)
    if (record == "" && columns != 1) next
    if (header) { print quoted(record); exit }
    bare = record
    gsub(/"[^"]*"/, "", bare)
    values = bare == "" ? 1 : split(bare, parts, delimiter)
    if (!columns) {
        columns = values
        for (i = 0; i < columns; i++) nothing = nothing delimiter
        print record
        next
    }
    if (values != columns) set_aside("number of values: " values ", of columns in the header: " columns)
    else if (bare ~ /\r/) set_aside("carriage return without quotes")
    else if (end_mark) set_aside("line \\. in quotes, which COPY may take for the end of the data")
    else printf "\"%d\"%s\"%d\"%s\"\"%s\"\"%s%s\n", first, delimiter, ++good, delimiter, delimiter, delimiter, record
}
END {
    if (!open) exit
    if (!header) set_aside("quote without its pair")
    else { print "A quote in the first line has no pair." >"/dev/stderr"; exit 1 }
}
$awk$ AS awk \gset

\setenv AWK :awk
\setenv FILE :file
\setenv DELIMITER :delimiter

BEGIN;

CREATE TEMPORARY TABLE csv_header (record text) ON COMMIT DROP;
-- COPY FROM STDIN would read this script, and \copy does not expand variables. The shell does.
\copy csv_header FROM PROGRAM 'LC_ALL=C awk -v header=1 "$AWK" <"$FILE"' (FORMAT csv)

CREATE TEMPORARY TABLE csv_columns ON COMMIT DROP AS
SELECT number, CASE WHEN value[1] LIKE '"%"' THEN replace(substr(value[1], 2, length(value[1]) - 2), '""', '"')
                    ELSE value[1] END AS name
FROM csv_header,
     regexp_matches(record || :'delimiter', format('((?:"(?:[^"]|"")*"|[^"\%1$s])*)\%1$s', :'delimiter'), 'g')
         WITH ORDINALITY AS m(value, number);

SELECT set_config('csv.table', :'table'::regclass::text, true) AS table \gset
\set SHOW_CONTEXT never
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.name FROM csv_columns AS c
                WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                                  WHERE a.attrelid = current_setting('csv.table')::regclass AND a.attname = c.name
                                        AND a.attnum > 0)
                ORDER BY number
    LOOP
        RAISE undefined_column USING
            MESSAGE = format('table "%s" has no column "%s"', current_setting('csv.table'), name),
            HINT = 'The first line of the file must have the names of the columns.';
    END LOOP;
END $$;
\set SHOW_CONTEXT errors

-- All values are staged as text: bulk_update reads them as COPY would, and a value that it cannot read is an error of
-- its line alone.
SELECT format('CREATE TEMPORARY TABLE csv_lines (line bigint, good bigint, problem text, record text%s) ON COMMIT DROP',
              string_agg(format(', c%s text', number), '' ORDER BY number)) AS create_lines,
       format('\copy csv_lines FROM PROGRAM %L (FORMAT csv, HEADER, DELIMITER %L, NULL %L)',
              'LC_ALL=C awk "$AWK" <"$FILE"', :'delimiter', :'null') AS copy_lines,
       string_agg('c' || number, ', ' ORDER BY number) AS source_columns,
       array_agg(name ORDER BY number) AS columns,
       count(*) > 0 AS has_header
FROM csv_columns \gset

:create_lines;
CREATE TEMPORARY TABLE csv_report (LIKE bulk_update_chunk) ON COMMIT DROP;
SELECT bulk_update_create_rejects('pg_temp.csv_rejects') AS rejects \gset

\if :has_header
:copy_lines
ANALYZE csv_lines;

DECLARE csv_lines CURSOR FOR SELECT :source_columns FROM csv_lines WHERE good > 0 ORDER BY good;

-- What is an error is found below, where the lines are known.
INSERT INTO csv_report
SELECT * FROM bulk_update(:'table', 'csv_lines', columns => :'columns',
    key_columns => ('{' || nullif(:'key', '') || '}')::name[], on_error => 'skip',
    on_duplicate => CASE :'on_duplicate' WHEN 'error' THEN 'first' ELSE :'on_duplicate' END,
    dry_run => :'dry_run', rejects => 'pg_temp.csv_rejects', report => 'total');
\endif

CREATE TEMPORARY TABLE csv_aside ON COMMIT DROP AS
SELECT line, 'malformed' AS outcome, problem AS reason, NULL::jsonb AS key, NULL::jsonb AS new_values, record
FROM csv_lines
WHERE good = 0
UNION ALL
SELECT line, CASE j.reason WHEN 'error' THEN 'rejected' ELSE j.reason END, concat_ws(' ', j.message, j.detail), key,
       new_values, NULL
FROM pg_temp.csv_rejects AS j JOIN csv_lines AS l ON l.good = j.source_row;

-- Every line of the file is in one of the counts after the first.
SELECT (SELECT count(*) FROM csv_lines) AS lines, coalesce(sum(rows_updated), 0) AS updated,
       coalesce(sum(rows_unchanged), 0) AS unchanged, coalesce(sum(rows_missing), 0) AS missing,
       coalesce(sum(rows_duplicate), 0) AS duplicate, coalesce(sum(rows_rejected), 0) AS rejected,
       (SELECT count(*) FROM csv_lines WHERE good = 0) AS malformed
FROM csv_report;

SELECT line, outcome, coalesce(key::text, left(record, 60)) AS key, reason
FROM csv_aside
ORDER BY line
LIMIT 100;

\if :{?aside}
\setenv ASIDE :aside
\copy (TABLE csv_aside ORDER BY line) TO PROGRAM 'cat >"$ASIDE"' (FORMAT csv, HEADER)
\endif

SELECT set_config('csv.errors', concat_ws(',',
           CASE :'on_error' WHEN 'stop' THEN 'malformed,rejected' END,
           CASE :'on_missing' WHEN 'error' THEN 'missing' END,
           CASE :'on_duplicate' WHEN 'error' THEN 'duplicate' END), true) AS errors \gset
\set SHOW_CONTEXT never
DO $$
DECLARE
    lines bigint;
    example text;
BEGIN
    SELECT count(*), (array_agg(format('Line %s: %s', line, concat_ws(' ', outcome, key, nullif(reason, ''))) ORDER BY line))[1]
    INTO lines, example
    FROM csv_aside
    WHERE outcome = ANY (string_to_array(current_setting('csv.errors'), ','));
    IF lines > 0 THEN
        RAISE data_exception USING
            MESSAGE = format('the table is not changed, because of %s lines of the file', lines), DETAIL = example,
            HINT = 'Correct the file, or let such lines be set aside: see on_error, on_missing, on_duplicate.';
    END IF;
END $$;

DROP TABLE pg_temp.csv_rejects;

COMMIT;
