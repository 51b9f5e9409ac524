"""How many cores this process may use: affinity and cgroup quotas, which libraries overlook."""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from stubtail.config import Settings

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROCESS_CGROUPS = Path("/proc/self/cgroup")

# Reads a file to its text; None where there is none or it may not be read.
ReadText = Callable[[Path], str | None]


def whole_cores() -> int:
    """Cores that this process can keep busy all the time, at least 1.

    A quota of 2.5 cores counts as 2: with three busy threads the kernel would stop all of them
    for a part of every 100 ms, which is what a tail latency is made of.
    """
    return cores(affinity_cores(), quota_cores(_read_text))


def worker_count(settings: Settings) -> int:
    """Processes to run: as set, or one per whole core."""
    workers = settings.server.workers
    return whole_cores() if workers == "auto" else workers


def pool_threads(settings: Settings) -> int:
    """Threads of a worker for slow models: as set, or its part of the cores, at least 1."""
    threads = settings.scheduling.pool_threads
    return max(1, whole_cores() // worker_count(settings)) if threads == "auto" else threads


def forecasting_processes(settings: Settings) -> int:
    """Processes of a worker that forecast: as set, or its part of the cores, at least 1."""
    wanted = settings.forecasting.processes
    return max(1, whole_cores() // worker_count(settings)) if wanted == "auto" else wanted


def intra_op_threads(settings: Settings) -> int:
    """Threads inside one run of a model: as set, or 1."""
    threads = settings.models.intra_op_threads
    return 1 if threads == "auto" else threads


def cores(affinity: int, quota: float | None) -> int:
    """Whole cores from the number of cores allowed and the quota in cores (None: no quota)."""
    return max(1, affinity if quota is None else min(affinity, int(quota)))


def affinity_cores() -> int:
    """Cores on which this process may run (cpusets and taskset both show here)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota_cores(read_text: ReadText) -> float | None:
    """The smallest CPU quota on the way from this process's cgroup to the root, in cores.

    Args:
        read_text: reads a file; a test passes sample files.

    Returns:
        None without any quota, and where cgroups cannot be read.
    """
    cgroups = read_text(PROCESS_CGROUPS)
    if cgroups is None:
        return None
    quotas: list[float | None] = []
    unified, cpu = parse_process_cgroups(cgroups)
    if unified is not None:
        folders = _folders(CGROUP_ROOT, unified)
        quotas += [parse_cpu_max(read_text(folder / "cpu.max") or "") for folder in folders]
    if cpu is not None:
        for mount in ("cpu", "cpu,cpuacct"):
            for folder in _folders(CGROUP_ROOT / mount, cpu):
                quota = read_text(folder / "cpu.cfs_quota_us") or ""
                period = read_text(folder / "cpu.cfs_period_us") or ""
                quotas.append(parse_cfs(quota, period))
    return min((quota for quota in quotas if quota is not None), default=None)


def parse_process_cgroups(text: str) -> tuple[str | None, str | None]:
    """The paths in /proc/self/cgroup of the unified (v2) and of the v1 cpu hierarchy."""
    unified: str | None = None
    cpu: str | None = None
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        if not separator or not path.startswith("/"):
            continue
        if number == "0" and not controllers:
            unified = path
        elif "cpu" in controllers.split(","):
            cpu = path
    return unified, cpu


def parse_cpu_max(text: str) -> float | None:
    """Cores from a v2 cpu.max, such as "150000 100000" or "max 100000"."""
    quota, _, period = text.strip().partition(" ")
    return parse_cfs(quota, period or "100000")


def parse_cfs(quota_us: str, period_us: str) -> float | None:
    """Cores from a quota and a period in microseconds; "max" and -1 say that there is none."""
    try:
        quota, period = int(quota_us), int(period_us)
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _folders(root: Path, path: str) -> list[Path]:
    """The cgroup's folder and all above it.

    Inside a container the path may be the host's and lead nowhere; the root then still counts.
    """
    parts = [part for part in PurePosixPath(path).parts if part not in {"/", ".."}]
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
