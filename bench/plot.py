"""Draws time and memory against rows as SVG, of shape key_order: small, readable on a light and on a dark page."""

import math
from html import escape
from typing import NamedTuple

from peers import PEERS
from report import distinct, grouped

SHAPE = "key_order"


class Line(NamedTuple):
    label: str
    colour: str
    dashes: str = ""


LINES = {
    "django": Line("Django bulk_update", "#b35900"),
    "single": Line("one UPDATE … FROM", "#57606a"),
    "ours": Line("this extension", "#0550ae"),
    "django_ours": Line("this, from Django", "#0550ae", "4 3"),
}
WIDTH, HEIGHT = 920, 416
TOP, BOTTOM = 64, 306
LABELS = 146  # width of the names beside the lines


class Axis:
    """A logarithmic scale from value to pixel, from a whole decade to a whole decade unless told otherwise."""

    def __init__(self, values, start, end, whole=True):
        low, high = math.log10(min(values)), math.log10(max(values))
        self.low, self.high = (math.floor(low), math.ceil(high)) if whole else (low, high)
        if self.low == self.high:
            self.high += 1
        self.start, self.end = start, end

    def at(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def decades(self):
        return [10.0 ** n for n in range(int(self.low), int(self.high) + 1)]


def short(value):
    """10000 as 10 k."""
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def text(x, y, content, anchor="start", style=""):
    style = " " + style if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(content)}</text>'


def spread(wanted, least=15):
    """Positions at least so far apart, as near to those that are wanted as pushing down and up again brings them."""
    order = sorted(wanted, key=wanted.get)
    placed = {}
    for n, name in enumerate(order):
        placed[name] = wanted[name] if n == 0 else max(wanted[name], placed[order[n - 1]] + least)
    over = placed[order[-1]] - (BOTTOM + 4)
    for n, name in reversed(list(enumerate(order))):
        if over > 0:
            limit = BOTTOM + 4 - (len(order) - 1 - n) * least
            placed[name] = min(placed[name], limit)
    return placed


def panel(left, right, title, points):
    """points: {peer: [(rows, value)]}."""
    sizes = sorted({rows for line in points.values() for rows, _ in line})
    x = Axis(sizes, left, right, whole=False)
    y = Axis([value for line in points.values() for _, value in line], BOTTOM, TOP)
    yield text(left - 38, TOP - 22, title, style='font-weight="600" font-size="14"')
    for value in y.decades():
        yield f'<path d="M{left} {y.at(value):.1f}H{right}" stroke="#d8dee4"/>'
        yield text(left - 8, y.at(value) + 4, f"{value:g}", "end", 'fill="#57606a"')
    for rows in sizes:
        yield f'<path d="M{x.at(rows):.1f} {BOTTOM}v5" stroke="#8c959f"/>'
        yield text(x.at(rows), BOTTOM + 20, short(rows), "middle", 'fill="#57606a"')
    yield f'<path d="M{left} {BOTTOM}H{right}" stroke="#8c959f"/>'
    yield text((left + right) / 2, BOTTOM + 40, "rows (logarithmic)", "middle", 'fill="#57606a"')
    ends = {}
    for peer, line in points.items():
        style = LINES[peer]
        path = "L".join(f"{x.at(rows):.1f} {y.at(value):.1f}" for rows, value in line)
        dashes = f' stroke-dasharray="{style.dashes}"' if style.dashes else ""
        yield f'<path d="M{path}" fill="none" stroke="{style.colour}" stroke-width="2"{dashes}/>'
        for rows, value in line:
            yield (f'<circle cx="{x.at(rows):.1f}" cy="{y.at(value):.1f}" r="3.5" fill="{style.colour}">'
                   f"<title>{escape(style.label)}, {rows:,} rows: {value:.3g}</title></circle>")
        ends[peer] = y.at(line[-1][1]) + 4
    for peer, height in spread(ends).items():
        # Beside the last point, which is not always at the right edge.
        at = x.at(points[peer][-1][0]) + 9
        yield text(at, height, LINES[peer].label, style=f'fill="{LINES[peer].colour}"')


def series(records, value):
    groups = grouped([record for record in records if record["shape"] == SHAPE and record["settings"] == "default"])
    points = {}
    for (_, rows, _), runs in sorted(groups.items(), key=lambda item: item[0][1]):
        for peer in LINES:
            if peer in runs:
                points.setdefault(peer, []).append((rows, value(runs[peer])))
    return points


def caption(records):
    shown = [record for record in records if record["shape"] == SHAPE and record["peer"] in LINES]
    facts = {name: ", ".join(distinct(shown, name)) for name in ("date", "postgresql", "commit", "rounds")}
    first = (f"PostgreSQL {facts['postgresql']}, default settings, bulk_update {facts['commit']}, {facts['date']}."
             f" Every row of a table gets 3 new values, in key order. Fastest of {facts['rounds']} rounds.")
    second = ("Memory: peak private memory of the backend, from a client also the client's beyond its loaded data;"
              " largest of the rounds.")
    largest = max(record["rows"] for record in shown)
    stopped = [f"{LINES[peer].label} was not measured above {PEERS[peer].most_rows:,} rows." for peer in LINES
               if PEERS[peer].most_rows and PEERS[peer].most_rows < largest
               and any(record["peer"] == peer for record in shown)]
    return [first, second, *stopped]


def plot(records):
    if not series(records, lambda runs: runs.least):
        raise SystemExit(f"no measurements of shape {SHAPE} at default settings: nothing to draw")
    half = WIDTH / 2
    body = [
        *panel(62, half - LABELS, "Time, seconds (logarithmic)", series(records, lambda runs: runs.least)),
        *panel(half + 56, WIDTH - LABELS, "Memory, MB (logarithmic)",
               series(records, lambda runs: (runs.backend + (runs.client or 0)) / 1e6)),
        *(text(24, BOTTOM + 64 + 16 * n, line, style='font-size="10.5" fill="#57606a"')
          for n, line in enumerate(caption(records))),
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="12" fill="#1f2328"'
        ' role="img">',
        "<title>Time and memory of updating rows, against their number</title>",
        # A ground of its own: the page behind it may be light or dark.
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6" fill="#ffffff" stroke="#d0d7de"/>',
        *body, "</svg>", ""])
