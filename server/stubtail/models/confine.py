"""What loading may take of the machine: the thread that loads, and the process that checks."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 10  # beside calls at niceness 0 it gets a tenth of a contended core
FILE_BYTES_MAX: Final = 64 * 1024  # of what libraries print before they abort; nothing else writes
DESCRIPTORS_MAX: Final = 64
# Reading a graph takes its size, checking it twice more, a session up to twice that.
TIMES_OF_THE_GRAPH: Final = 8
PART_OF_WHAT_IS_LEFT: Final = 0.5  # the other half is for the server, which loads it afterwards
PR_SET_PDEATHSIG: Final = 1  # from linux/prctl.h
MEMORY_LEAST: Final = 128 * 1024 * 1024  # less, and not even small models would load


def step_back() -> None:
    """Lets the threads that answer calls go first: on Linux each thread has its own niceness."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def confine() -> None:
    """Bounds the process that checks, for good, as far as the system has such bounds."""
    _end_with_the_server()
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    with suppress(OSError):
        # Under memory pressure the kernel ends this process first, not the server.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    _lower("RLIMIT_CORE", 0)
    _lower("RLIMIT_FSIZE", FILE_BYTES_MAX)
    _lower("RLIMIT_NOFILE", DESCRIPTORS_MAX)


def wanted(memory_bytes: int, graph_bytes: int) -> int:
    """Bytes of address space that a check may take where the machine has enough."""
    return memory_bytes + TIMES_OF_THE_GRAPH * graph_bytes


def allow(memory_bytes: int, graph_bytes: int, seconds: float) -> int:
    """Bounds what the next check may take beyond what this process has by now.

    Args:
        memory_bytes: address space, besides a multiple of the graph's own size.
        graph_bytes: the size of the graph's file.
        seconds: processor time.

    Returns:
        The bytes of address space that were allowed; 0 where the system cannot bound them.
    """
    if sys.platform != "linux":
        return 0
    import resource  # noqa: PLC0415 - not on every platform

    allowed = wanted(memory_bytes, graph_bytes)
    left = memory_left()
    if left is not None:
        allowed = min(allowed, max(MEMORY_LEAST, int(left * PART_OF_WHAT_IS_LEFT)))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _soft(resource.RLIMIT_AS, pages * resource.getpagesize() + allowed)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
    return allowed


def memory_left() -> int | None:
    """Bytes that this process's cgroups and the machine have left; None where nobody tells."""
    lines = _text(Path("/proc/meminfo")).splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    folder = Path("/sys/fs/cgroup")
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        number, _, path = line.partition("::")
        if number == "0" and path.startswith("/"):
            folder /= path.strip("/")
    root = Path("/sys/fs/cgroup")
    # Inside a container the path may be the host's and lead nowhere; the root then still counts.
    for place in (folder, *folder.parents):
        if place.is_relative_to(root):
            left = cgroup_left(*(_text(place / f"memory.{n}") for n in ("max", "current", "stat")))
            found += [left] if left is not None else []
    return min(found, default=None)


def cgroup_left(most: str, used: str, parts: str) -> int | None:
    """Bytes left of a cgroup; None where it has no bound.

    Args:
        most: the text of memory.max.
        used: of memory.current.
        parts: of memory.stat; cached files count as used and are given back at need.
    """
    if not (most.strip().isdigit() and used.strip().isdigit()):
        return None
    pairs = (line.split() for line in parts.splitlines())
    cached = sum(int(n) for key, n in pairs if key in {"inactive_file", "active_file"})
    return max(0, int(most) - max(0, int(used) - cached))


def processor_s(pid: int) -> float | None:
    """Seconds of processor time that a process has taken; None where nobody tells."""
    _, _, fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")  # its name may have blanks
    try:
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (ValueError, OSError, AttributeError):
        return None


def _end_with_the_server() -> None:
    """Has this process killed when its server dies: a loop in a graph sees no pipe end.

    On Linux only; elsewhere such a loop goes on. What counts is the end of the thread that started
    this process: the main one, or that of the repository, which stays for as long as the server.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - the server, which imports this module, does without

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _lower(name: str, most: int) -> None:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every platform

    with suppress(OSError, ValueError):
        resource.setrlimit(getattr(resource, name), (most, most))


def _soft(kind: int, most: int) -> None:
    """Moves a soft bound: the hard one stays, as the next check may need more than this one."""
    import resource  # noqa: PLC0415 - not on every platform

    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, hard))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
