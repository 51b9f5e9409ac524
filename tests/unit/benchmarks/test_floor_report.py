"""The floor comparison's tables and promises follow from its measurements."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.floor_report import case_tables, floor_promises, from_document
from benchmarks.measure import CASES, Measurement
from benchmarks.picture import draw
from benchmarks.results import Promise


def one(server: str, case: str = "infer-1x64", number: int = 1, **figures: Any) -> Measurement:
    """A measurement with some figures of interest."""
    whole = {
        "calls_per_s": 1000.0,
        "cpu_us": 100.0,
        "p50_us": 200.0,
        "p99_us": 300.0,
        "rss_mb": 50.0,
        "client_busy": 0.2,
        "calls": 1000,
        **figures,
    }
    return Measurement(server, case, number, **whole)


def promise_of(found: list[Measurement], text: str) -> Promise:
    """The one promise whose text begins so."""
    (promise,) = [one for one in floor_promises(found, partial=False) if one.text.startswith(text)]
    return promise


def test_a_promise_is_kept_by_the_median_of_the_ratios_in_the_rounds():
    """Not by the ratio of medians: the machine may drift between rounds."""
    found = []
    for number, (floor, ours) in enumerate([(1000.0, 7000.0), (500.0, 2500.0), (2000.0, 13e3)], 1):
        found.append(one("echo", number=number, calls_per_s=floor))
        found.append(one("native", number=number, calls_per_s=ours))
    promise = promise_of(found, "native: calls/s : floor")
    assert promise.measured == 6.5
    assert promise.kept
    assert "5.00-7.00" in promise.note


def test_less_cpu_and_less_time_are_promised_the_other_way_round():
    """At most, not at least."""
    found = [one("echo", cpu_us=200.0), one("native", cpu_us=40.0)]
    promise = promise_of(found, "native: CPU a call")
    assert promise.measured == pytest.approx(0.2)
    assert not promise.kept


def test_typed_score_is_compared_with_model_infer_of_the_same_server():
    """Score dense against ModelInfer, both native, both in one round."""
    found = [one("native", calls_per_s=10_000.0), one("native", "dense-1x64", calls_per_s=9_500.0)]
    assert promise_of(found, "native: Score dense").measured == pytest.approx(0.95)


def test_256_rows_are_compared_with_bare_onnxruntime_right_after():
    """Each round has its own bare figure."""
    found = [
        one("native", "infer-256x1", 1, p50_us=600.0, bare_p50_us=500.0),
        one("native", "infer-256x1", 2, p50_us=1400.0, bare_p50_us=1000.0),
    ]
    assert promise_of(found, "native: p50 of 256").measured == pytest.approx(1.3)


def test_what_was_not_measured_keeps_no_promise():
    """Unless the run was asked to be partial; then it is left out."""
    promises = floor_promises([], partial=False)
    assert promises
    assert not any(promise.kept for promise in promises)
    assert all(math.isnan(promise.measured) for promise in promises)
    assert floor_promises([], partial=True) == []


def test_tables_have_one_row_for_each_server_that_took_the_load():
    """A server without the call is left out of that load's table."""
    found = [one("echo"), one("native", calls_per_s=6500.0), one("echo", "named-1x64")]
    cases = {case.name: case.title for case in CASES}
    titles = {"echo": "the floor", "native": "ours", "mlserver": "MLServer"}
    tables = case_tables(found, cases, titles)
    assert len(tables) == 2
    assert "6.50" in tables[0]
    assert "ours" not in tables[1]
    assert "MLServer" not in tables[0]


def test_measurements_survive_the_file():
    """The README is written from the JSON, not from the run."""
    found = [one("echo"), one("native", "infer-256x1", bare_p50_us=500.0)]
    assert from_document({"measurements": [each.document() for each in found]}) == found


def test_the_picture_is_the_same_for_the_same_figures(tmp_path: Path):
    """A picture that changes by itself would dirty every commit."""
    found = [one("echo"), one("native", calls_per_s=6500.0), one("native", "infer-1x1")]
    titles = {"echo": "grpc.aio echo (floor)", "native": "stubtail, native"}
    first = draw(found, titles, tmp_path / "a.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert draw(found, titles, tmp_path / "b.svg").read_bytes() == first
