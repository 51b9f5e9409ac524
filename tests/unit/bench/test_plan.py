"""Plans: the mix by its weights, messages in turn, calls given up, parts for processes."""

import numpy as np
import pytest

from stubtail_bench.http2 import DATA, END_STREAM
from stubtail_bench.plan import make_plan
from stubtail_bench.traffic import Kind, Traffic, encode_body

KINDS = [
    Kind("many", "/s/a", [b"1", b"2", b"3"], [1, 1, 1], weight=3),
    Kind("few", "/s/b", [b"4"], [1], weight=1, cancel=0.5, cancel_within_s=0.01),
    Kind("strict", "/s/c", [b"5"], [1], weight=1, deadline_s=0.05),
]


def plan_of(count: int):
    """A plan of calls a millisecond apart."""
    traffic = Traffic(KINDS)
    due_s = np.arange(count) / 1e3
    rng = np.random.default_rng(3)
    return traffic, make_plan(traffic, due_s, rng, measured_from_s=1, until_s=count / 1e3)


def test_a_mix_follows_its_weights_and_takes_messages_in_turn():
    """Three of five calls are of the first kind, each of its messages as often as the others."""
    traffic, plan = plan_of(50_000)
    kinds = np.array([traffic.bodies[body].kind for body in plan.body])
    assert np.bincount(kinds) / len(plan) == pytest.approx([0.6, 0.2, 0.2], abs=0.02)
    counts = np.bincount(plan.body[kinds == 0])
    assert counts.max() - counts.min() <= 1


def test_calls_are_given_up_by_choice_or_at_their_deadline():
    """Half of one kind within 10 ms; all of another at 50 ms; the rest never."""
    traffic, plan = plan_of(10_000)
    kinds = np.array([traffic.bodies[body].kind for body in plan.body])
    after = plan.cancel_s - plan.due_s
    assert np.isinf(after[kinds == 0]).all()
    chosen = np.isfinite(after[kinds == 1])
    assert chosen.mean() == pytest.approx(0.5, abs=0.05)
    assert (after[kinds == 1][chosen] <= 0.01).all()
    assert after[kinds == 2] == pytest.approx(0.05)


def test_processes_share_a_plan():
    """The parts together are the plan, each of them as even as the whole."""
    _, plan = plan_of(1_000)
    parts = [plan.part(number, 3) for number in range(3)]
    assert sorted(np.concatenate([part.due_s for part in parts])) == plan.due_s.tolist()
    assert {len(part) for part in parts} == {333, 334}
    assert parts[1].body[0] == plan.body[1]


def test_a_long_message_is_cut_into_frames():
    """Only the last one ends the stream, and no frame is larger than every peer must accept."""
    body = encode_body(0, bytes(40_000))
    wire = (7).to_bytes(4, "big").join(body.pieces)
    sizes, flags = [], []
    while wire:
        size = int.from_bytes(wire[:3], "big")
        assert wire[3] == DATA
        assert wire[5:9] == b"\0\0\0\7"
        sizes.append(size)
        flags.append(wire[4])
        wire = wire[9 + size :]
    assert sum(sizes) == body.size == 40_005
    assert max(sizes) <= 16_384
    assert flags == [0, 0, END_STREAM]
