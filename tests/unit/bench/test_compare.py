"""Comparing two loads: no false alarms on equal ones, and differences that are there are seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from stubtail_bench.compare import GOODPUT, Windows, compare, read, show, unlike
from stubtail_bench.errors import LoadError
from stubtail_bench.histogram import BUCKETS, buckets_of


def run(rng: np.random.Generator, *, slower: float = 1.0, good: float = 1.0) -> Windows:
    """A run of 60 windows of 500 calls, whose neighbours are busy together."""
    counts = np.zeros((60, BUCKETS), np.int64)
    busy = 0.0
    for window in range(60):
        busy = 0.7 * busy + rng.normal(0, 0.05)
        latencies = rng.lognormal(-6.5, 0.5, 500) * np.exp(busy) * slower
        counts[window] = np.bincount(buckets_of(latencies), minlength=BUCKETS)
    return Windows(counts, rng.binomial(500, 0.95 * good, 60), 0.25)


def verdicts(before: list[Windows], after: list[Windows]) -> dict[str, bool]:
    """Which figures differ."""
    found = compare({"a": before}, {"a": after}, draws=300)
    return {one.figure: one.beyond for one in found}


def test_equal_loads_hardly_ever_differ():
    """Twenty-five pairs from one source: an interval of 95 % may be wrong now and then."""
    rng = np.random.default_rng(4)
    alarms = [verdicts([run(rng)], [run(rng)]) for _ in range(25)]
    assert sum(one["p50"] for one in alarms) <= 5
    assert sum(one["p99"] for one in alarms) <= 5
    assert sum(one[GOODPUT] for one in alarms) <= 5


def test_a_slower_load_is_seen_with_its_direction():
    """A third slower in all percentiles; goodput stays."""
    rng = np.random.default_rng(5)
    found = {one.figure: one for one in compare({"a": [run(rng)]}, {"a": [run(rng, slower=1.33)]})}
    for figure in ("p50", "p90", "p99"):
        assert found[figure].worse
        assert found[figure].low < found[figure].ratio < found[figure].high
        assert found[figure].ratio == pytest.approx(1.33, rel=0.15)
    assert not found[GOODPUT].beyond


def test_less_goodput_is_worse_and_faster_is_better():
    """The direction depends on the figure."""
    rng = np.random.default_rng(6)
    fewer = {one.figure: one for one in compare({"a": [run(rng)]}, {"a": [run(rng, good=0.8)]})}
    assert fewer[GOODPUT].worse
    faster = compare({"a": [run(rng)]}, {"a": [run(rng, slower=0.6)]})
    assert "better" in show(faster)
    assert not any(one.worse for one in faster)


def test_repeats_widen_the_interval_to_their_own_noise():
    """Runs that differ among themselves by a fifth hide a difference of a tenth."""
    rng = np.random.default_rng(7)
    before = [run(rng, slower=factor) for factor in (0.8, 1.0, 1.2, 0.9, 1.1)]
    after = [run(rng, slower=1.1 * factor) for factor in (0.8, 1.0, 1.2, 0.9, 1.1)]
    assert not verdicts(before, after)["p50"]
    assert verdicts([before[1]], [run(rng, slower=1.3)])["p50"]


def test_percentiles_without_calls_beyond_them_are_left_out():
    """A p99.9 of 500 calls is the luck of one."""
    counts = np.zeros((10, BUCKETS), np.int64)
    counts[:, 100] = 50
    few = Windows(counts, np.full(10, 50), 1.0)
    assert {one.figure for one in compare({"a": [few]}, {"a": [few]})} == {"p50", "p90", GOODPUT}


def test_files_that_are_no_result_are_refused(tmp_path: Path):
    """With their names."""
    path = tmp_path / "other.json"
    for text in ("", "{}", json.dumps({"runs": [{"name": "a"}]})):
        path.write_text(text)
        with pytest.raises(LoadError, match=r"other\.json is no result of `load`"):
            read(path)


def test_what_was_asked_for_differently_is_told(tmp_path: Path):
    """A faster load at half the rate is no better server; another seed is no other load."""
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    calls = [{"model": "churn", "rows": [1, 1]}]
    workload = {"seed": 1, "arrivals": {"rate": 100.0}, "calls": calls}
    one.write_text(json.dumps({"mode": "open", "workload": workload}))
    slower = {**workload, "seed": 2, "arrivals": {"rate": 50.0}}
    other.write_text(json.dumps({"mode": "open", "workload": slower}))
    assert unlike(one, one) == []
    assert unlike(one, other) == ["arrivals.rate: 100.0, 50.0"]
    other.write_text(json.dumps({"mode": "closed", "workload": {**workload, "calls": []}}))
    found = unlike(one, other)
    assert "mode: open, closed" in found
    assert "calls.0.model: churn, None" in found


def test_a_few_runs_that_vary_are_no_difference():
    """A bootstrap alone, of two runs a file, would raise a false alarm in four pairs."""
    rng = np.random.default_rng(0)

    def runs() -> list[Windows]:
        found = []
        for factor in np.exp(rng.normal(0, 0.1, 2)):
            middle = buckets_of(np.full(100, 1e-3 * factor) * rng.lognormal(0, 0.2, (4, 100)))
            counts = [np.bincount(window, minlength=BUCKETS) for window in middle]
            found.append(Windows(np.stack(counts), np.full(4, 100), 0.25))
        return found

    pairs = [({"a": runs()}, {"a": runs()}) for _ in range(24)]
    found = [compare(before, after, draws=100)[0] for before, after in pairs]
    assert {one.figure for one in found} == {"p50"}
    assert sum(one.beyond for one in found) <= 3
