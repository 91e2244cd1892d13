"""Runs the SQL of a document in psql and compares what comes out with what the document shows."""

import re
import subprocess

from harness import ok
from markdown import TREE, blocks

# What differs from run to run stands as "…" in the documents: a part of a line, or some lines.
LINES = "…"


def pattern(expected):
    """A regular expression for an output. Blanks at the ends of lines and runs of them do not count."""
    lines = []
    for line in expected.strip().splitlines():
        if line.strip() == LINES:
            lines.append("(?:[^\n]*\n)*?")
            continue
        words = re.split(r"(…|[-+]{3,}|\s+)", line.strip())
        lines.append("".join(".*?" if word == "…" else "[-+]+" if re.fullmatch(r"[-+]{3,}", word)
                             else " *" if word.isspace() else re.escape(word)
                             for word in words if word) + "\n")
    return re.compile("".join(lines))


def normal(output):
    return "".join(line.strip() + "\n" for line in output.strip().splitlines())


def test_sql(name):
    text = (TREE / name).read_text()
    found = blocks(text)
    database = "docs_" + re.sub(r"\W", "_", name.lower())
    subprocess.run(["createdb", database], check=True)

    script = "".join(f"\\echo '=== {i}'\n{block.sql}\n" for i, block in enumerate(found))
    psql = ["psql", "-X", "-q", "-d", database, "-v", "SHOW_CONTEXT=errors"]
    result = subprocess.run(psql, input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    parts = dict(re.findall(r"^=== (\d+)\n(.*?)(?=^=== |\Z)", result.stdout, re.S | re.M))

    for i, block in enumerate(found):
        output = normal(parts.get(str(i), "(nothing)"))
        where = f"{name}:{block.line}"
        if block.hidden:
            if re.search(r"^(psql:.*)?(ERROR|FATAL): ", output, re.M):
                ok(False, f"{where}: preparation\n{output}")
            continue
        expected = (block.output or "").strip()
        passed = pattern(expected).fullmatch(output) if expected else output.strip() == ""
        ok(passed, f"{where}: {block.sql.strip().splitlines()[0]}"
           + ("" if passed else f"\n--- it prints\n{output}--- the document has\n{expected}"))
    return len(found)
