"""Lets other threads have the core, for one that has much to do beside one that is in a hurry."""

import ctypes

_libc = ctypes.CDLL(None)


def step_aside() -> None:
    """Lets threads that wait for this core or for the GIL go first; microseconds if there are none.

    Not `os.sched_yield`, which keeps the GIL meanwhile (until Python 3.13).
    """
    _libc.sched_yield()
