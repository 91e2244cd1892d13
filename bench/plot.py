"""Draws time and memory against rows as SVG, for shape key_order: small, readable on a light and on a dark page."""

import io
import textwrap
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, StrMethodFormatter

from report import distinct, grouped

SHAPE = "key_order"


class Line(NamedTuple):
    label: str
    colour: str
    style: str = "-"


LINES = {
    "django": Line("Django bulk_update", "#b35900"),
    "single": Line("one UPDATE … FROM", "#57606a"),
    "ours": Line("this extension", "#0550ae"),
    "django_ours": Line("this, from Django", "#0550ae", "--"),
}
GREY = "#57606a"
# Text stays text, and the same measurements produce the same file.
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": SHAPE, "font.size": 9, "axes.spines.top": False,
            "axes.spines.right": False, "axes.edgecolor": "#8c959f", "xtick.color": GREY, "ytick.color": GREY}


def spread(wanted, least=0.055):
    """Heights with a minimum distance, as near to the requested ones as moving them up allows."""
    placed = {}
    for name in sorted(wanted, key=wanted.get):
        placed[name] = max([wanted[name], *(height + least for height in placed.values())])
    return placed


def panel(axes, title, points):
    """points: {peer: [(rows, value)]}."""
    axes.set_title(title, loc="left", fontweight="bold", fontsize=10)
    axes.set_xlabel("rows (logarithmic)")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(axis="y", color="#d8dee4")
    # Labels only at powers of ten: those of the sizes between them would overlap.
    axes.xaxis.set_major_locator(LogLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.minorticks_off()
    for peer, line in points.items():
        axes.plot(*zip(*line), color=LINES[peer].colour, linestyle=LINES[peer].style, marker="o", markersize=4)
    axes.autoscale_view()
    # As fractions of the axes; next to the last point, which is not always at the right edge.
    ends = {peer: axes.transAxes.inverted().transform(axes.transData.transform(line[-1])) for peer, line in points.items()}
    for peer, height in spread({peer: end[1] for peer, end in ends.items()}).items():
        axes.text(ends[peer][0] + 0.04, height, LINES[peer].label, color=LINES[peer].colour, va="center",
                  transform=axes.transAxes)


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
    rounds = "One round." if facts["rounds"] == "1" else f"Fastest of {facts['rounds']} rounds."
    first = (f"PostgreSQL {facts['postgresql']}, default settings, bulk_update {facts['commit']}, {facts['date']}."
             f" Every row of a table gets 3 new values, in key order. {rounds}")
    second = ("Memory: peak private memory of the backend, from a client also the client's beyond its loaded data;"
              " largest of the rounds.")
    most = {peer: max((record["rows"] for record in shown if record["peer"] == peer), default=0) for peer in LINES}
    stopped = [f"{LINES[peer].label} was not measured above {rows:,} rows." for peer, rows in most.items()
               if 0 < rows < max(most.values())]
    return [first, second, *stopped]


def plot(records):
    if not series(records, lambda runs: runs.least):
        raise SystemExit(f"no measurements of shape {SHAPE} at default settings: nothing to draw")
    with matplotlib.rc_context(SETTINGS):
        # With its own background, because the page may be light or dark.
        figure = Figure(figsize=(9.2, 4.2), facecolor="white", edgecolor="#d0d7de", linewidth=1)
        time, memory = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.06, right=0.84, top=0.9, bottom=0.31, wspace=0.72)
        panel(time, "Time, seconds (logarithmic)", series(records, lambda runs: runs.least))
        panel(memory, "Memory, MB (logarithmic)",
              series(records, lambda runs: (runs.backend + (runs.client or 0)) / 1e6))
        lines = [line for text in caption(records) for line in textwrap.wrap(text, 130)]
        figure.text(0.02, 0.17, "\n".join(lines), color=GREY, fontsize=8, va="top", linespacing=1.4)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", edgecolor=figure.get_edgecolor(),
                       metadata={"Date": None, "Creator": None, "Title": "Time and memory of updating rows, against their number"})
        return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"
