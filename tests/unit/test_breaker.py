"""Tests of the gate in front of an upstream, with a clock of their own."""

import gc
import random
import weakref

import pytest

from stubtail.breaker import BreakerOptions, Gate, Permit, Refusal

OPTIONS = BreakerOptions(
    window_s=30, attempts_min=10, failure_rate=0.5, failures_max=5, open_s=4, open_max_s=30
)


def gate(**options: float) -> Gate:
    """A gate without jitter."""
    made = {name: getattr(OPTIONS, name) for name in OPTIONS.__dataclass_fields__}
    return Gate("p/m", BreakerOptions(**{**made, **options}), lambda: 0.0)


def permit(one: Gate, now_s: float) -> Permit:
    """A permit that there must be."""
    found = one.acquire(now_s)
    assert isinstance(found, Permit), found
    return found


def fail(one: Gate, times: int, now_s: float = 0.0) -> None:
    """So many attempts fail."""
    for _ in range(times):
        permit(one, now_s).fail(now_s)


def opened(now_s: float = 0.0) -> Gate:
    """A gate that has just opened."""
    one = gate()
    fail(one, 5, now_s)
    assert one.state(now_s) == "open"
    return one


def test_failures_in_a_row_open_it():
    """Few calls have no rate; a row of failures is enough. A success ends the row."""
    one = gate()
    fail(one, 4)
    permit(one, 0).ok(0)
    fail(one, 4)
    assert one.state(0) == "closed"
    fail(one, 1)
    assert one.state(0) == "open"


def test_a_rate_of_failures_opens_it():
    """Half of ten attempts, though none failed twice in a row; pybreaker alone never would."""
    one = gate()
    for _ in range(4):
        permit(one, 0).ok(0)
        fail(one, 1)
    assert one.state(0) == "closed"
    permit(one, 0).ok(0)
    fail(one, 1)
    assert one.state(0) == "open"


def test_old_failures_are_forgotten():
    """Only those within the window count."""
    one = gate(failures_max=1000)
    fail(one, 9, now_s=0)
    fail(one, 1, now_s=31)
    assert one.state(31) == "closed"


def test_it_refuses_while_it_is_open():
    """And says for how long."""
    one = opened()
    assert one.acquire(1.0) == Refusal(throttled=False, wait_s=3.0)
    assert one.wait_s(1.0) == 3.0
    assert one.state(4.0) == "half-open"


def test_one_probe_of_fifty():
    """When the time is over one call may try, and its success lets all in."""
    one = opened()
    found = [one.acquire(4.0) for _ in range(50)]
    probes = [each for each in found if isinstance(each, Permit)]
    assert len(probes) == 1
    probes[0].ok(4.1)
    assert one.state(4.1) == "closed"
    assert isinstance(one.acquire(4.1), Permit)


def test_the_time_between_probes_doubles_and_starts_anew():
    """4, 8, 16 and at most 30 seconds; after it was well, 4 again."""
    one, now_s = opened(), 0.0
    for wait_s in (4, 8, 16, 30, 30):
        assert one.wait_s(now_s) == wait_s
        now_s += wait_s
        permit(one, now_s).fail(now_s)
    now_s += 30
    permit(one, now_s).ok(now_s)
    fail(one, 5, now_s)
    assert one.wait_s(now_s) == 4


def test_jitter_lengthens_the_time():
    """So that replicas do not probe in step."""
    one = Gate("p/m", OPTIONS, lambda: 1.0)
    fail(one, 5)
    assert one.wait_s(0) == pytest.approx(4.8)


def test_a_dropped_probe_frees_its_place():
    """A caller that goes decides nothing and wedges nothing."""
    one = opened()
    permit(one, 4.0).drop(4.5)
    assert one.state(4.5) == "half-open"
    permit(one, 4.5).ok(4.6)
    assert one.state(4.6) == "closed"


def test_drops_count_nothing():
    """Neither for nor against it."""
    one = gate()
    fail(one, 4)
    for _ in range(100):
        permit(one, 0).drop(0)
    fail(one, 1)
    assert one.state(0) == "open"


def test_stale_outcomes_change_nothing():
    """A call from before the breaker opened neither closes it nor opens it again."""
    one = gate()
    early = [permit(one, 0) for _ in range(3)]
    fail(one, 5)
    early[0].ok(0.1)
    assert one.state(0.1) == "open"
    probe = permit(one, 4.0)
    early[1].ok(4.0)
    early[2].fail(4.0)
    assert one.state(4.0) == "half-open"
    assert isinstance(one.acquire(4.0), Refusal)
    probe.ok(4.2)
    assert one.state(4.2) == "closed"


def test_the_first_outcome_counts():
    """`finally: drop` after an outcome changes nothing."""
    one = gate()
    for _ in range(5):
        found = permit(one, 0)
        found.fail(0)
        found.ok(0)
        found.drop(0)
    assert one.state(0) == "open"


def test_throttling_is_no_failure():
    """429 passes an upstream by for its time, and the longer time wins."""
    one = gate()
    first, second = permit(one, 0), permit(one, 0)
    first.throttled(0, 20)
    second.throttled(1, 5)
    assert one.acquire(2) == Refusal(throttled=True, wait_s=18)
    assert one.is_throttled(19.9)
    assert one.state(2) == "closed"
    assert isinstance(one.acquire(20), Permit)


def test_a_throttled_probe_frees_its_place():
    """It has shown nothing; the next probe may come when the time is over."""
    one = opened()
    permit(one, 4.0).throttled(4.0, 10)
    assert isinstance(one.acquire(5.0), Refusal)
    permit(one, 14.0).ok(14.1)
    assert one.state(14.1) == "closed"


@pytest.mark.parametrize("seed", range(20))
def test_any_history_keeps_the_rules(seed: int):
    """Random calls: one probe at a time, no permit while open, and it is never stuck."""
    draw = random.Random(seed)
    one, now_s = gate(), 0.0
    held: list[Permit] = []
    for _ in range(2000):
        now_s += draw.expovariate(5)
        state = one.state(now_s)
        if held and draw.random() < 0.5:
            ended = held.pop(draw.randrange(len(held)))
            draw.choice([ended.ok, ended.fail, ended.fail, ended.drop])(now_s)
            continue
        found = one.acquire(now_s)
        if isinstance(found, Permit):
            assert state != "open"
            assert found.is_probe == (state == "half-open")
            assert sum(each.is_probe and each.generation == found.generation for each in held) == 0
            held.append(found)
        else:
            assert state != "closed"
    for left in held:
        left.drop(now_s)
    assert isinstance(one.acquire(now_s + 100), Permit)


def test_a_failure_keeps_nobody_who_told_of_it():
    """A frame of pybreaker holds what it is told, and frames hold all that called them."""

    class Call:
        pass

    one, call = gate(), Call()
    gone = weakref.ref(call)

    def tell(_: Call) -> None:
        fail(one, 1)

    gc.disable()
    try:
        tell(call)
        del call
        assert gone() is None
    finally:
        gc.enable()
