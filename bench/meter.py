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
    """Seconds, and the memory beyond what the process held when the meter was made."""

    def __init__(self):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # free memory that the loading left would hide what is taken later
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")  # the peak begins anew
        self.before = status("VmRSS")
        self.started = time.perf_counter()

    def read(self):
        seconds = time.perf_counter() - self.started
        extra = max(status("VmHWM") - self.before, 0)
        return {"seconds": seconds, "client_before": self.before, "client_extra": extra}
