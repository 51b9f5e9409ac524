"""Whose processor cores are whose: servers under test on some, what loads them on the others.

On a machine of two cores the load generator takes what the server would need, most of all in a
storm: what is measured there is both. On a larger machine `--server-cores 2` shows what a server
of two cores does alone.
"""

import os

from benchmarks.errors import BenchmarkError

_GENERATORS_MAX = 2  # processes of one load: each makes some 50,000 calls a second

_for_servers: frozenset[int] = frozenset()  # empty: nothing is divided
_for_loads: frozenset[int] = frozenset()


def divide(servers: int) -> None:
    """Keeps the first cores for servers, and moves this process and its loads to the others.

    Raises:
        BenchmarkError: Too few cores, or a system without affinity.
    """
    global _for_servers, _for_loads  # noqa: PLW0603 - a process has one affinity
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("--server-cores needs a system where processes can be pinned")
    cores = sorted(os.sched_getaffinity(0))
    if not 0 < servers < len(cores):
        raise BenchmarkError(f"--server-cores {servers}: this machine has {len(cores)}, leave some")
    _for_servers = frozenset(cores[:servers])
    _for_loads = frozenset(cores[servers:])
    os.sched_setaffinity(0, _for_loads)


def give(pid: int) -> None:
    """Moves a server's process, just started and still of one thread, to the servers' cores.

    One that was started on a core of its own stays there.
    """
    if _for_servers and os.sched_getaffinity(0) == _for_loads:
        os.sched_setaffinity(pid, _for_servers)


def for_servers() -> int | None:
    """How many cores are kept for servers, None where all share all."""
    return len(_for_servers) or None


def generators() -> int:
    """How many processes one load may take: one, unless it has cores of its own."""
    if not _for_servers:
        return 1
    return min(_GENERATORS_MAX, len(_for_loads))
