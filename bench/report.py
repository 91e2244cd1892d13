"""Makes Markdown from measurements: facts, an overview of the ratios, and a table for each shape and size."""

import statistics

from peers import BASE, PEERS
from shapes import SHAPES

FACTS = ["date", "cpu", "cores", "memory_gb", "kernel", "postgresql", "commit", "command"]
BUSY = 0.03  # mean share of waiting for a processor above which times are unreliable


class Runs:
    """All rounds of one peer on one shape at one size."""

    def __init__(self, records):
        self.records = records
        self.seconds = [record["seconds"] for record in records]
        self.least, self.median = min(self.seconds), statistics.median(self.seconds)
        cpu = [record["cpu_seconds"] for record in records if record["cpu_seconds"] is not None]
        self.cpu = min(cpu) if cpu else None
        self.backend = max(record["backend_peak"] for record in records)
        extra = [record["client_extra"] for record in records if record["client_extra"] is not None]
        self.client = max(extra) if extra else None
        growth = [record["table_growth"] for record in records if record["table_growth"] is not None]
        self.growth = max(growth) if growth else None
        self.wal = statistics.median(record["wal_bytes"] for record in records)
        self.way = records[-1]["way"]


def grouped(records):
    """{(settings, requested rows, shape): {peer: Runs}}, in the order of measurement."""
    groups = {}
    for record in records:
        key = (record["settings"], record["rows"], record["shape"])
        groups.setdefault(key, {}).setdefault(record["peer"], []).append(record)
    return {key: {peer: Runs(group[peer]) for peer in PEERS if peer in group} for key, group in groups.items()}


def megabytes(size):
    if size is None:
        return "–"
    return f"{size / 1e6:.1f}" if size < 1e8 else f"{size / 1e6:.0f}"


def seconds(value):
    if value is None:
        return "–"
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def ratio(value, base):
    return f"{value / base:.2f}" if value and base else "–"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def distinct(records, name):
    return list(dict.fromkeys(str(record[name]) for record in records))


def header(records):
    facts = {name: ", ".join(distinct(records, name)) for name in FACTS}
    commands = "; ".join(f"`{command}`" for command in distinct(records, "command"))
    lines = [
        f"- Date: {facts['date']}; command: {commands}",
        f"- Machine: {facts['cpu']}, {facts['cores']} processors, {facts['memory_gb']} GB, Linux {facts['kernel']}",
        f"- PostgreSQL {facts['postgresql']}; bulk_update at commit {facts['commit']}"
        + (" (+: with changes)" if "+" in facts["commit"] else ""),
        f"- Rounds: {', '.join(distinct(records, 'rounds'))}",
    ]
    for settings in distinct(records, "settings"):
        of_these = [record for record in records if record["settings"] == settings]
        lines.append(f"- Settings \"{settings}\": {'; '.join(distinct(of_these, 'server_settings'))}")
    return lines


def overview(groups, settings, rows):
    """Ratios of minima, shapes down, peers across."""
    chosen = {shape: runs for (s, r, shape), runs in groups.items() if (s, r) == (settings, rows)}
    peers = [peer for peer in PEERS if any(peer in runs for runs in chosen.values())]
    yield row(["", *(f"{peer}, s" if peer == BASE else peer for peer in peers)])
    yield "|---|" + "---:|" * len(peers)
    for shape, runs in chosen.items():
        cells = [shape]
        for peer in peers:
            if peer not in runs:
                cells.append("–")
            elif peer == BASE:
                cells.append(seconds(runs[BASE].least))
            else:
                cells.append(ratio(runs[peer].least, BASE in runs and runs[BASE].least))
        yield row(cells)


def details(runs):
    yield row(["", "median s", "minimum s", "ratio of medians", "ratio of minima", "CPU s", "ratio of CPU",
               "backend MB", "client MB", "WAL MB", "rows were applied"])
    yield "|---|" + "---:|" * 9 + "---|"
    base = runs.get(BASE)
    for peer, of_peer in runs.items():
        yield row([PEERS[peer].description, seconds(of_peer.median), seconds(of_peer.least),
                   ratio(of_peer.median, base and base.median), ratio(of_peer.least, base and base.least),
                   seconds(of_peer.cpu), ratio(of_peer.cpu, base and base.cpu), megabytes(of_peer.backend),
                   megabytes(of_peer.client), megabytes(of_peer.wal), of_peer.way or ""])


def omitted(groups):
    """Requested peers that are too slow at a size, so that none is omitted silently."""
    sizes = sorted({(peer, rows) for (_, rows, shape), runs in groups.items() for peer in PEERS
                    if PEERS[peer].most_rows and rows > PEERS[peer].most_rows and PEERS[peer].fits(SHAPES[shape])})
    for peer, rows in sizes:
        yield f"- {PEERS[peer].description} is not measured above {PEERS[peer].most_rows:,} rows, so not at {rows:,}"


def waiting(records):
    """For each run, the share of the time in which its backend waited for a processor, because of other processes."""
    return [run["queued_seconds"] / run["seconds"] for run in records if run["queued_seconds"] is not None]


def disturbed(records):
    shares = waiting(records)
    if shares:
        mean = statistics.mean(shares)
        yield (f"- Waiting for a processor: {mean:.1%} of a run on average, {max(shares):.0%} at most."
               + (" The machine was busy; times say little." if mean > BUSY else ""))


LEGEND = """\
- Ratios are to one `UPDATE … FROM` of the same rows in the same rounds; below 1 is faster. "–": not applicable, \
or not requested.
- Backend MB: peak of the backend's private memory (RssAnon, sampled; without shared buffers).
- Client MB: peak of the client's memory minus what it held with the new values loaded.
- CPU s: the backend's time on a processor, the minimum of the rounds.
- MB are 10^6 bytes.
- Every run was checked: the table has the expected rows."""


def markdown(records):
    groups = grouped(records)
    lines = ["# Measured", "", *header(records), *disturbed(records), *LEGEND.splitlines(), *omitted(groups)]
    for settings, rows in dict.fromkeys((s, r) for s, r, _ in groups):
        lines += ["", f"## {rows:,} rows, {settings} settings", "",
                  "Ratios of the minima; of the single statement the seconds.", "", *overview(groups, settings, rows)]
        for (s, r, shape), runs in groups.items():
            if (s, r) == (settings, rows):
                facts = next(iter(runs.values())).records[0]
                lines += ["", f"### {shape}: {SHAPES[shape].description}", "",
                          f"{facts['pairs']:,} pairs, table of {facts['table_rows']:,} rows.", "", *details(runs)]
    return "\n".join(lines) + "\n"
