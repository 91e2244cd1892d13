"""Time and memory of this process."""

import ctypes
import gc
import time


def status(name):
    """A figure of /proc/self/status, in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(name)


class Meter:
    """Seconds since the meter was created, and the memory beyond what the process held then or at the last mark()."""

    def __init__(self):
        self.mark()
        self.started = time.perf_counter()

    def mark(self):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # memory freed after loading would hide what is allocated later
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")  # reset the peak
        self.before = status("VmRSS")

    def read(self):
        seconds = time.perf_counter() - self.started
        extra = max(status("VmHWM") - self.before, 0)
        return {"seconds": seconds, "client_before": self.before, "client_extra": extra}
