"""The stored measurements: a CSV file with one line for each run of a peer, with all facts about it."""

import csv
import os
import platform
import subprocess

COLUMNS = ["date", "cpu", "cores", "memory_gb", "kernel", "postgresql", "commit", "settings", "server_settings",
           "command", "shape", "rows", "table_rows", "pairs", "peer", "round", "rounds", "seconds", "cpu_seconds",
           "queued_seconds", "backend_before", "backend_peak", "client_before", "client_extra",
           "wal_bytes", "table_growth", "way"]
NUMBERS = {"rows": int, "table_rows": int, "pairs": int, "round": int, "rounds": int, "seconds": float,
           "cpu_seconds": float, "queued_seconds": float, "backend_before": int, "backend_peak": int,
           "client_before": int, "client_extra": int, "wal_bytes": int, "table_growth": float}


def append(path, record):
    """Add a run to the file, so that measurements are kept whatever happens later."""
    new = not os.path.exists(path) or os.path.getsize(path) == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(record)


def read(paths):
    records = []
    for path in paths:
        with open(path, newline="", encoding="utf-8") as file:
            for record in csv.DictReader(file):
                for name, kind in NUMBERS.items():
                    # An older file lacks columns.
                    record[name] = kind(record[name]) if record.get(name) else None
                records.append(record)
    return records


def first_line(path, beginning):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(beginning):
                return line.split(":", 1)[1].strip()
    return "unknown"


def commit():
    """The commit of the sources, with a plus sign if they differ from it."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "bench", "*.sql")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine():
    return {"cpu": first_line("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "memory_gb": round(int(first_line("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
            "kernel": platform.release(), "commit": commit()}
