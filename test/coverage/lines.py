"""Which lines of src/ were executed, and the reasons of the others; scripts/coverage calls it.

usage: lines.py GCOV_OUTPUT TREE LEAST_PERCENT [yes to show the lines]
exit code: the sum of 1 (too few lines), 2 (a line without a reason), 4 (a reason without a line)
"""

import collections
import json
import os
import sys


class Reason:
    """An entry of the file uncovered: a place, and why it is not executed."""

    def __init__(self, why, place):
        self.why, self.place = why, place
        self.sometimes = place.startswith("~ ")
        self.file, self.text = place.removeprefix("~ ").split(": ", 1)
        self.exists = self.used = False


def read_reasons(path):
    reasons, comment, why = [], [], ""
    with open(path) as lines:
        for line in lines.read().split("\n"):
            if line.startswith("#"):
                comment.append(line.strip("# "))
            elif line.strip():
                why = " ".join(comment) or why
                comment = []
                reasons.append(Reason(why, line.strip()))
            else:
                comment = []
    return reasons


def executions(path, tree):
    """For each file of src/ the number of executions by line; the most of all modules, servers and templates."""
    files = collections.defaultdict(dict)
    with open(path) as documents:
        for document in documents:
            for file in json.loads(document)["files"]:
                name = file["file"].split("/src/")[-1].removeprefix("src/")
                if file["file"].startswith("/usr/") or not os.path.exists(f"{tree}/src/{name}"):
                    continue
                for line in file["lines"]:
                    number = line["line_number"]
                    files[name][number] = max(files[name].get(number, 0), line["count"])
    return files


def spans(counts):
    """The lines that were not executed: first and last of each run of them."""
    result, last = [], None
    for number in sorted(counts):
        if counts[number]:
            last = None
        elif last is None:
            last = [number, number]
            result.append(last)
        else:
            last[1] = number
    return result


def reason_of(reasons, name, text):
    found = None
    for reason in reasons:
        if reason.file in ("*", name) and text.startswith(reason.text):
            reason.used = True
            found = found or reason
    return found


def main():
    path, tree, least, show = sys.argv[1:5]
    reasons = read_reasons(f"{tree}/test/coverage/uncovered")
    files = executions(path, tree)
    without_reason, by_reason = [], collections.defaultdict(list)
    total = executed = 0

    print(f"{'file':32} {'lines':>6} {'executed':>8} {'percent':>8}  not executed")
    for name, counts in sorted(files.items()):
        with open(f"{tree}/src/{name}") as source:
            lines = [line.strip() for line in source.read().split("\n")]
        for reason in reasons:
            if reason.file in ("*", name):
                reason.exists |= any(line.startswith(reason.text) for line in lines)
        missed = spans(counts)
        reached = sum(1 for count in counts.values() if count)
        total, executed = total + len(counts), executed + reached
        places = [f"{a}" if a == b else f"{a}-{b}" for a, b in missed]
        print(f"{name:32} {len(counts):6} {reached:8} {100 * reached / len(counts):8.1f}  {', '.join(places)}")
        for (first, last), place in zip(missed, places):
            # A label is counted as part of what follows.
            named = next((n for n in range(first, last + 1) if n in counts and not lines[n - 1].endswith(":")), first)
            reason = reason_of(reasons, name, lines[named - 1])
            if reason:
                by_reason[reason.why].append(f"{name}:{place}")
            else:
                without_reason.append(f"{name}:{place}: {lines[named - 1]}")
            if show:
                for number in range(first, last + 1):
                    if number in counts:
                        print(f"    {number:4} {lines[number - 1]}")
    percent = 100 * executed / total if total else 0
    print(f"{'all':32} {total:6} {executed:8} {percent:8.1f}")

    print("\nNot executed, and why:")
    for why, places in by_reason.items():
        print(f"  {why}\n    {', '.join(places)}")
    for place in without_reason:
        print(f"no reason for {place}")
    stale = [reason for reason in reasons if not reason.exists or not reason.used and not reason.sometimes]
    for reason in stale:
        print(f"{'executed' if reason.exists else 'not there any more'}: {reason.place}")
    return (1 if percent < float(least) else 0) + (2 if without_reason else 0) + (4 if stale else 0)


if __name__ == "__main__":
    sys.exit(main())
