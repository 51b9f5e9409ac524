"""Recorded arrivals: both kinds of file, a part of them, faster and with more calls."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from stubtail_bench import traces
from stubtail_bench.errors import LoadError

REAL = Path(__file__).parents[4] / "shared" / "data" / "traces"


def rng() -> np.random.Generator:
    """Seeded."""
    return np.random.default_rng(5)


@pytest.fixture
def by_second(tmp_path: Path) -> Path:
    """A packed log of requests a second: 50, then 200, then none, ten seconds each."""
    text = "\n".join(["50"] * 10 + ["200"] * 10 + ["0"] * 10).encode()
    path = tmp_path / "log.tbz2"
    with tarfile.open(path, "w:bz2") as archive:
        member = tarfile.TarInfo("workload.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A gzipped table of times with seven digits, out of order."""
    path = tmp_path / "calls.csv.gz"
    lines = ["TIMESTAMP,ContextTokens", "2023-11-16 18:00:02.2500000,1"]
    lines += ["2023-11-16 18:00:00.0000000,7", "2023-11-16 18:00:01.5000001,3", ""]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines))
    return path


def test_a_log_by_second_keeps_its_rates(by_second: Path):
    """Twenty seconds of the log in ten, with twice the calls."""
    due_s = traces.replay(by_second, 10, rng(), speed=2, scale=2)
    slow, fast = (due_s < 5).sum(), (due_s >= 5).sum()
    assert slow == pytest.approx(1_000, abs=160)
    assert fast == pytest.approx(4_000, abs=320)
    assert due_s[-1] < 10


def test_a_part_of_a_log_begins_where_it_is_told(by_second: Path):
    """From the fast part on, and nothing in the empty one."""
    due_s = traces.replay(by_second, 15, rng(), start_s=10)
    assert (due_s < 10).all()
    assert len(due_s) == pytest.approx(2_000, abs=230)


def test_a_table_of_times_is_replayed_as_it_was(table: Path):
    """Sorted, from the first request on, to the tenth of a microsecond."""
    assert np.allclose(traces.request_times(table), [0, 1.5000001, 2.25], atol=2e-7)
    assert np.allclose(traces.replay(table, 10, rng(), start_s=1.0), [0.5000001, 1.25], atol=2e-7)
    assert np.allclose(traces.replay(table, 1, rng(), speed=3), [0, 0.5, 0.75], atol=1e-6)


def test_a_part_without_requests_is_refused(by_second: Path):
    """A load of nothing is a mistake."""
    with pytest.raises(LoadError, match="has no request from 25 s on"):
        traces.replay(by_second, 3, rng(), start_s=25)


def test_a_missing_trace_says_where_it_was_looked_for(tmp_path: Path):
    """By name, which takes the folder of known ones, and by path, which does not."""
    with pytest.raises(traces.TraceMissingError, match=r"'nasa': there is no .*; --traces names"):
        traces.path_of("nasa", tmp_path)
    with pytest.raises(traces.TraceMissingError, match=r"there is no nowhere\.csv$"):
        traces.path_of("nowhere.csv", tmp_path)


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path):
    """With its name."""
    path = tmp_path / "poem.txt"
    path.write_text("no numbers here")
    with pytest.raises(LoadError, match=r"poem\.txt is no trace"):
        traces.replay(path, 1, rng())
    path = tmp_path / "poem.csv"
    path.write_text("time\nnoon: lunch.1.2\n")
    with pytest.raises(LoadError, match=r"poem\.csv is no trace"):
        traces.replay(path, 1, rng())


@pytest.mark.parametrize("broken", [slice(-8), slice(40)], ids=["without its end", "half"])
def test_a_download_that_was_cut_off_is_refused(broken: slice, table: Path):
    """As no trace, not with a trace of Python's."""
    table.write_bytes(table.read_bytes()[broken])
    with pytest.raises(LoadError, match=r"calls\.csv\.gz is no trace"):
        traces.replay(table, 1, rng())


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "+02:00", "-0530"])
@pytest.mark.parametrize("part", ["", ".5", ".5000000"])
def test_times_may_name_their_zone(zone: str, part: str, tmp_path: Path):
    """As logs do, with parts of a second or without."""
    path = tmp_path / "log.csv"
    lines = [f"2024-05-01{mark}12:00:0{second}{part}{zone}" for mark in "T " for second in (1, 3)]
    path.write_text("\n".join(["time", *lines]))
    assert traces.request_times(path).tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize(
    ("name", "calls"), [("azure_conversations", 19_366), ("azure_code", 8_819)]
)
def test_the_real_tables_have_all_their_requests(name: str, calls: int):
    """An hour of Azure, where this machine has it."""
    if not (REAL / traces.KNOWN[name]).exists():
        pytest.skip(f"{traces.KNOWN[name]} is not here")
    times = traces.request_times(traces.path_of(name, REAL))
    assert len(times) == calls
    assert 3_400 < times[-1] < 3_600
