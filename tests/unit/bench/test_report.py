"""The tables and warnings of a load."""

from array import array
from pathlib import Path

import numpy as np

from stubtail_bench.connections import Slow
from stubtail_bench.crew import Target
from stubtail_bench.histogram import Histogram
from stubtail_bench.modes import Bench, Run
from stubtail_bench.outcome import Outcome, outcome_of
from stubtail_bench.raw import Raw
from stubtail_bench.report import tables, warnings_of
from stubtail_bench.traffic import Kind
from stubtail_bench.workload import CallSpec, Workload

KIND = Kind("one row", "/s/m", [b""], [1], deadline_s=0.1)


def outcome(latency_s: float, status: str = "OK") -> Outcome:
    """A hundred calls that all end alike."""
    raw = Raw(seconds=1.0, issued=100, ended=100)
    raw.logs[status] = array(
        "d", [v for at in range(100) for v in (at / 100, at / 100 + latency_s, 0)]
    )
    raw.lags = array("d", [1e-5] * 100)
    return outcome_of(raw, [KIND], 0, 1)


def bench_of(*outcomes: Outcome) -> Bench:
    """Runs of some outcomes."""
    bench = Bench(Target("", [KIND], 1, Slow(), 1.0), Workload([CallSpec("m")]), Path())
    bench.runs = [Run(f"run {at}", 100.0, None, one) for at, one in enumerate(outcomes)]
    return bench


def test_a_run_in_which_all_is_well_takes_one_line():
    """No second table for one kind of call that is always OK."""
    text = tables(bench_of(outcome(0.01)).runs)
    assert len(text.splitlines()) == 3
    assert "kind of call" not in text


def test_answers_that_are_all_too_late_are_told_as_such():
    """They are answers, and no goodput."""
    text = tables(bench_of(outcome(0.5)).runs)
    assert "OK, too late" in text
    cells = [cell.strip() for cell in text.splitlines()[2].split("|")]
    assert cells[2:4] == ["100", "0"]


def test_a_p99_that_was_never_reached_says_so():
    """A run of failures has no latency to be proud of."""
    assert "never" in tables(bench_of(outcome(0.001, "UNAVAILABLE")).runs)


def test_a_generator_that_is_late_or_busy_is_told():
    """With what to do about it; few rows too."""
    late, busy = outcome(0.01), outcome(0.01)
    late.lag = Histogram()
    late.lag.add(np.full(100, 0.02))
    busy.client_busy = 0.97
    found = warnings_of(bench_of(outcome(0.01), late, busy), {"one row": 20, "other": 4_096})
    assert [text.partition(":")[0] for text in found] == ["run 1", "run 2", "one row"]
    assert "late by 20" in found[0]
    assert "97% of a core" in found[1]
    assert "only 20 different rows" in found[2]
