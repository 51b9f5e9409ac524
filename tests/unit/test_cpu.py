"""Tests of the core count, on the files that real hosts and containers show."""

from pathlib import Path

import pytest

from stubtail import cpu
from stubtail.config import Flag, load

V2_HOST = "0::/user.slice/user-1000.slice/session-2.scope\n"
V1_DOCKER = (
    "12:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n0::/docker/abc\n"
)


def reader(files: dict[str, str]):
    """Reads from a dict of paths and texts."""
    return lambda path: files.get(str(path))


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", None),
        ("150000 100000\n", 1.5),
        ("50000", 0.5),
        ("", None),
        ("nonsense", None),
        ("100000 0", None),
    ],
)
def test_cpu_max(text, cores):
    """A v2 cpu.max is quota and period; "max" and what cannot be read are no quota."""
    assert cpu.parse_cpu_max(text) == cores


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("-1", "100000", None), ("200000\n", "100000\n", 2.0), ("", "", None)],
)
def test_cfs(quota, period, cores):
    """A v1 quota of -1 is none."""
    assert cpu.parse_cfs(quota, period) == cores


def test_process_cgroups():
    """The v1 cpu hierarchy is found by its controller, not by its number; bad lines are skipped."""
    assert cpu.parse_process_cgroups(V2_HOST) == (
        "/user.slice/user-1000.slice/session-2.scope",
        None,
    )
    assert cpu.parse_process_cgroups(V1_DOCKER) == ("/docker/abc", "/docker/abc")
    assert cpu.parse_process_cgroups("nonsense\n3:cpuset:relative\n") == (None, None)


def test_smallest_quota_on_the_way_up_counts():
    """A parent's quota binds its children."""
    files = {
        "/proc/self/cgroup": "0::/pods/pod1/box\n",
        "/sys/fs/cgroup/pods/pod1/box/cpu.max": "max 100000",
        "/sys/fs/cgroup/pods/pod1/cpu.max": "250000 100000",
        "/sys/fs/cgroup/pods/cpu.max": "800000 100000",
    }

    assert cpu.quota_cores(reader(files)) == 2.5


def test_container_that_sees_only_its_own_root():
    """The path may be the host's and lead nowhere: the root's file then tells the quota."""
    files = {"/proc/self/cgroup": "0::/../other\n", "/sys/fs/cgroup/cpu.max": "100000 100000"}

    assert cpu.quota_cores(reader(files)) == 1.0


def test_v1_quota():
    """v1 has two files, under cpu or cpu,cpuacct."""
    files = {
        "/proc/self/cgroup": V1_DOCKER,
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }

    assert cpu.quota_cores(reader(files)) == 3.0


def test_no_cgroups():
    """A system without /proc has no quota."""
    assert cpu.quota_cores(reader({})) is None


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"),
    [(8, None, 8), (8, 2.5, 2), (2, 16.0, 2), (8, 0.5, 1), (1, None, 1)],
)
def test_whole_cores_round_down(affinity, quota, cores):
    """Threads beyond the quota would be stopped, so 2.5 cores are two; there is always one."""
    assert cpu.cores(affinity, quota) == cores


def test_this_machine_has_a_core(tmp_path: Path):
    """The real files can be read, or their absence can."""
    assert cpu.whole_cores() >= 1


def test_auto_follows_the_cores(monkeypatch):
    """auto: a worker per core, which then share the cores for their pools; one thread per run."""
    monkeypatch.setattr(cpu, "whole_cores", lambda: 6)
    automatic = load(flags=[Flag("--workers", "server.workers", "auto")], environ={})
    one = load(environ={})
    two = load(flags=[Flag("--workers", "server.workers", "2")], environ={})

    assert [cpu.worker_count(settings) for settings in (automatic, one, two)] == [6, 1, 2]
    assert [cpu.pool_threads(settings) for settings in (automatic, one, two)] == [1, 6, 3]
    assert cpu.intra_op_threads(automatic) == 1
