"""Time and memory of one step of this process."""

import json
import os
import time


def status(name):
    """A figure of /proc/self/status in kB."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise LookupError(name)


class Meter:
    def __init__(self):
        self.started = time.perf_counter()
        self.mark()

    def mark(self):
        """Memory counts from here on: what the process holds now is not extra."""
        try:
            with open("/proc/self/clear_refs", "w") as clear:
                clear.write("5")  # the peak begins anew; without it an earlier peak would be counted as extra
        except OSError:
            pass
        self.before = status("VmRSS")

    def write(self):
        figures = {
            "seconds": time.perf_counter() - self.started,
            "extra_kb": status("VmHWM") - self.before,
            "held_kb": self.before,
            "peak_kb": status("VmHWM"),
        }
        with open(os.environ["METER_FILE"], "w") as out:
            json.dump(figures, out)
