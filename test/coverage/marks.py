"""Checks that exactly the lines that are not executed are excluded from the count; called by scripts/coverage.

usage: marks.py TREE ALL.json COUNTED.json, of gcovr, without and with exclusion
exit code: the sum of 1 (a line is neither executed nor excluded) and 2 (one is both)
"""

import json
import sys


def lines(path):
    """(file, number): whether it is executed. Template functions have a line several times."""
    found = {}
    with open(path) as document:
        for file in json.load(document)["files"]:
            for line in file["lines"]:
                if not line.get("gcovr/noncode") and not line.get("gcovr/excluded"):
                    place = file["file"], line["line_number"]
                    found[place] = found.get(place, False) or line["count"] > 0
    return found


def show(tree, what, places):
    for file, number in sorted(places):
        with open(f"{tree}/{file}") as source:
            print(f"{what}: {file}:{number}: {source.readlines()[number - 1].strip()}")


def main():
    tree, everything, counted = sys.argv[1], *map(lines, sys.argv[2:])
    missed = {place for place, executed in counted.items() if not executed}
    both = {place for place, executed in everything.items() if executed and place not in counted}
    show(tree, "not executed", missed)
    show(tree, "excluded and executed", both)
    return (1 if missed else 0) + (2 if both else 0)


if __name__ == "__main__":
    sys.exit(main())
