"""What starting leaves in memory: collected, kept out of later collections, given back."""

import contextlib
import ctypes
import gc
import sys
from typing import Final

# Answered calls leave no cycles, refused ones on grpcio a small one; full collections are pauses.
GC_THRESHOLDS: Final = (50_000, 20, 20)


def settle_memory() -> None:
    """After the start: nothing of it is collected again, and what it freed goes to the system.

    Loading leaves holes of many megabytes in glibc's arenas, which calls would never fill: of a
    server with eight models they were a sixth of its memory.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    if sys.platform == "linux":
        # Other C libraries have no such function, and give back by themselves.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
