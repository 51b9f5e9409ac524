"""Outcomes: every call in one place, late answers apart, failures never forgotten."""

import json
import math
from array import array

import numpy as np
import pytest

from stubtail_bench.histogram import ERROR
from stubtail_bench.http2 import OK, Reply
from stubtail_bench.outcome import LATE, SLOW_READERS, Outcome, outcome_of
from stubtail_bench.raw import EMPTY, GIVEN_UP, LOST, Call, Raw
from stubtail_bench.traffic import Kind

KINDS = [
    Kind("quick", "/s/a", [b""], [1], deadline_s=0.05),
    Kind("any", "/s/b", [b""], [1]),
]
START = 100.0


def raw_of(calls: list[tuple[str, float, float, int]]) -> Raw:
    """What a process saw: (status, due, latency, kind) of each call, due from the start."""
    raw = Raw(start=START, seconds=10.0, cpu_s=2.5)
    for status, due_s, latency_s, kind in sorted(calls, key=lambda call: call[1]):
        begun = START + due_s
        raw.logs.setdefault(status, array("d")).extend((begun, begun + latency_s, kind))
        raw.lags.append(0.0001)
        raw.issued += 1
        raw.ended += 1
    return raw


def test_every_call_is_in_exactly_one_place():
    """Warm-up, in time, too late, failed, given up, lost, slow reader."""
    calls = [(OK, 0.5, 0.01, 0), ("UNAVAILABLE", 0.9, 0.01, 0)]  # warm-up
    calls += [(OK, 1.0 + at / 100, 0.02, 0) for at in range(500)]
    calls += [(OK, 2.0, 0.3, 0), (OK, 2.0, 0.3, 1), ("RESOURCE_EXHAUSTED", 2.0, 0.001, 1)]
    calls += [(GIVEN_UP, 3.0, 0.002, 1), (LOST, 5.0, 5.0, 0), (OK, 5.5, 1.5, 3)]
    out = outcome_of(raw_of(calls), KINDS, measured_from_s=1.0, seconds=5.0)
    assert out.issued == 506
    assert out.statuses == {
        OK: 502, LATE: 1, "RESOURCE_EXHAUSTED": 1, GIVEN_UP: 1, LOST: 1
    }  # fmt: skip
    assert out.statuses.total() == out.issued
    assert out.warm_up == {OK: 1, "UNAVAILABLE": 1}
    assert out.by["any, " + SLOW_READERS, OK].count == 1
    assert out.by["quick", LATE].max_s == pytest.approx(0.3)
    assert out.answered.count == 502, "slow readers are kept apart"
    assert out.good_per_s == 502 / 5
    assert out.lag.count == out.issued
    assert out.client_busy == 0.25


def test_windows_follow_the_time_when_a_call_was_due():
    """A call that was due in the stall is slow there, wherever its answer came."""
    calls = [(OK, at / 100, 0.001, 1) for at in range(500)]
    calls += [(OK, 2.0 + at / 1000, 0.5 - at / 1000, 1) for at in range(500)]
    out = outcome_of(raw_of(calls), KINDS, measured_from_s=0.0, seconds=5.0)
    per_window = out.answered.counts.sum(axis=1)
    assert len(per_window) == 20
    assert per_window.tolist() == [25] * 8 + [275] * 2 + [25] * 10


@pytest.mark.parametrize("start", [0.1, 12_345.678, 8_640_000.3])
def test_the_first_measured_call_is_no_warm_up(start: float):
    """It is due exactly when the warm-up ends, on a clock whose sums are rounded."""
    for warm_up_s in (0.1, 0.3, 0.7, 2.3):
        due = start + warm_up_s
        raw = Raw(start=start, seconds=1.0, issued=1, ended=1)
        raw.logs["OK"] = array("d", [due, due + 0.001, 0])
        raw.lags = array("d", [0.0])
        found = outcome_of(raw, [KINDS[0]], warm_up_s, 1.0)
        assert (found.issued, found.warm_up.total(), found.lag.count) == (1, 0, 1)


def test_a_call_without_an_answer_counts_as_never_answered():
    """2 % of failures make the strict p99 infinite; those the client gave up do not."""
    fine = [(OK, at / 1000, 0.01, 1) for at in range(980)]
    failed = fine + [("UNAVAILABLE", 0.5, 0.001, 1)] * 20
    given_up = fine + [(GIVEN_UP, 0.5, 0.001, 1)] * 20
    assert math.isinf(outcome_of(raw_of(failed), KINDS, 0, 1).strict_quantile_s(0.99))
    assert outcome_of(raw_of(failed), KINDS, 0, 1).strict_quantile_s(0.9) == pytest.approx(
        0.01, rel=2 * ERROR
    )
    assert math.isfinite(outcome_of(raw_of(given_up), KINDS, 0, 1).strict_quantile_s(0.99))
    assert math.isinf(Outcome(1.0).strict_quantile_s(0.99))
    assert outcome_of(raw_of(failed), KINDS, 0, 1).document()["p99_of_all_ms"] is None
    mixed = outcome_of(raw_of([*failed, *[(OK, 0.5, 0.02, 0)] * 20]), KINDS, 0, 1)
    assert math.isinf(mixed.strict_quantile_s(0.99, "any"))
    assert mixed.strict_quantile_s(0.99, "quick") == pytest.approx(0.02, rel=2 * ERROR)


def test_processes_add_up():
    """Two processes merged are one that saw both."""
    rng = np.random.default_rng(3)
    calls = [
        (OK, float(rng.uniform(0, 5)), float(rng.exponential(0.02)), at % 2) for at in range(900)
    ]
    calls += [("INTERNAL", 1.0, 0.1, 0)]
    whole = outcome_of(raw_of(calls), KINDS, 0, 5)
    parts = [outcome_of(raw_of(calls[number::3]), KINDS, 0, 5) for number in range(3)]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    assert merged.statuses == whole.statuses
    assert np.array_equal(merged.answered.counts, whole.answered.counts)
    first, second = merged.document(), whole.document()
    assert first["by_kind"] == second["by_kind"]
    assert first["windows"] == second["windows"]


def test_json_is_standard():
    """No NaN and no infinity, even of a run in which nothing was answered."""
    out = outcome_of(raw_of([("UNAVAILABLE", 0.1, 0.1, 0)]), KINDS, 0, 5)
    document = json.loads(json.dumps(out.document(), allow_nan=False))
    assert document["statuses"] == {"UNAVAILABLE": 1}
    assert document["answered"]["count"] == 0


def test_replies_are_written_down_once_with_their_status():
    """The text after a status is kept once; an OK without a message is none."""
    raw = Raw()
    in_flight: dict[int, Call] = dict.fromkeys((1, 3, 5, 7), (1.0, 0, math.inf))
    replies: list[Reply] = [
        (1, OK, b"\0\0\0\0\3abc"),
        (3, "RESOURCE_EXHAUSTED: full: try later", b""),
        (5, OK, b""),
        (9, OK, b"\0\0\0\0\0"),  # given up before
    ]
    assert raw.write_replies(replies, in_flight, [1], 2, 1.25) == 3
    assert list(in_flight) == [7]
    assert {status: list(log) for status, log in raw.logs.items()} == {
        OK: [1.0, 1.25, 3.0],
        "RESOURCE_EXHAUSTED": [1.0, 1.25, 3.0],
        EMPTY: [1.0, 1.25, 3.0],
    }
    assert raw.messages == {"RESOURCE_EXHAUSTED": "full: try later"}
    assert raw.samples == [(0, b"abc")]
    assert raw.ended == 3
