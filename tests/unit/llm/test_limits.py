"""Limits: exact in every span, all or nothing, and known when there is room again."""

import math
import random

import pytest

from stubtail.llm.limits import (
    DAY_S,
    LOOKED_AT_MAX,
    MINUTE_S,
    Allowance,
    Amount,
    Booked,
    Budget,
    Budgets,
    Shortage,
    Window,
)


def booked(budget: Budget, amount: Amount, now_s: float) -> Booked:
    """A booking that must succeed."""
    found = budget.book(amount, now_s)
    assert isinstance(found, Booked), found
    return found


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("span_s", [MINUTE_S, DAY_S])
def test_no_span_ever_holds_more_than_the_limit(seed: int, span_s: float) -> None:
    """Whatever is asked and settled when: any span of the length stays at or below the limit."""
    draw = random.Random(seed)
    limit = draw.randint(10, 500)
    window = Window(limit, span_s)
    taken: list[tuple[float, int]] = []
    now_s = draw.uniform(0, 1e6)
    refused = 0
    for _ in range(800):
        now_s += draw.choice([0.0, draw.expovariate(200 / span_s), draw.uniform(0, span_s / 20)])
        amount = draw.randint(1, max(1, limit // 4))
        if window.wait_s(amount, now_s):
            refused += 1
            continue
        slot = window.add(amount, now_s)
        really = draw.choice([amount, draw.randint(0, amount)])
        window.change(slot, really - amount)
        taken.append((now_s, really))
        recent = sum(one for at_s, one in taken if at_s > now_s - span_s)
        assert recent <= limit
    assert refused
    assert taken


def test_the_wait_that_is_told_is_enough_and_not_much_longer() -> None:
    """At its end there is room, and one slot earlier there was none."""
    for seed in range(100):
        draw = random.Random(seed)
        window = Window(100, MINUTE_S)
        now_s = draw.uniform(0, 1e4)
        while not (wait_s := window.wait_s(30, now_s)):
            window.add(draw.randint(1, 30), now_s)
            now_s += draw.uniform(0, 5)
        assert math.isfinite(wait_s)
        assert window.wait_s(30, now_s + wait_s - 1.001) > 0
        assert window.wait_s(30, now_s + wait_s + 1e-6) == 0


def test_what_is_above_the_limit_alone_never_fits() -> None:
    """An infinite wait tells it from what fits later."""
    window = Window(100, MINUTE_S)
    assert window.wait_s(101, 5.0) == math.inf
    window.add(100, 5.0)
    assert window.wait_s(101, 5.0) == math.inf
    assert 60 < window.wait_s(100, 5.0) <= 61


def test_a_limit_of_zero_is_none() -> None:
    """And nothing is counted for it."""
    window = Window(0, MINUTE_S)
    window.add(10**9, 1.0)
    assert window.wait_s(10**9, 1.0) == 0
    assert window.used == 0


def test_a_booking_is_all_or_nothing() -> None:
    """Where one limit forbids it, the others count nothing."""
    budget = Budget(Allowance(5, 10, 100, 1000))
    short = budget.book(Amount(tokens=10, nano_usd=1001), 0.0)
    assert isinstance(short, Shortage)
    assert (short.limit, short.allowed, short.wanted) == ("nano_usd_per_day", 1000, 1001)
    assert short.wait_s == math.inf
    assert budget.used(0.0) == (0, 0, 0)
    assert budget.in_flight == 0


def test_settling_gives_back_what_was_not_taken() -> None:
    """The request stays counted; a second settlement changes nothing."""
    budget = Budget(Allowance(2, 10, 100, 1000))
    one = booked(budget, Amount(60, 600), 0.0)
    assert isinstance(budget.book(Amount(60, 1), 0.0), Shortage)
    one.settle(Amount(10, 50))
    one.settle(Amount(0, 0))
    assert budget.used(0.0) == (1, 10, 50)
    assert budget.in_flight == 0
    booked(budget, Amount(90, 1), 0.0)


def test_more_than_was_set_aside_counts_as_well() -> None:
    """A provider that answers beyond max_tokens closes the window for the next."""
    budget = Budget(Allowance(tokens_per_minute=100))
    booked(budget, Amount(tokens=10), 0.0).settle(Amount(tokens=150))
    short = budget.book(Amount(tokens=1), 1.0)
    assert isinstance(short, Shortage)
    assert short.wait_s == 60.0


def test_an_answer_longer_than_the_span_settles_into_nothing() -> None:
    """Its slot is forgotten, and nothing goes below zero."""
    budget = Budget(Allowance(tokens_per_minute=100, nano_usd_per_day=100))
    long = booked(budget, Amount(50, 50), 0.0)
    assert budget.used(70.0) == (0, 0, 50)
    long.settle(Amount(10, 10))
    assert budget.used(70.0) == (0, 0, 10)


def test_concurrency_is_given_back() -> None:
    """As many as allowed, never one more."""
    budget = Budget(Allowance(concurrency=3))
    bookings = [booked(budget, Amount(), 0.0) for _ in range(3)]
    short = budget.book(Amount(), 0.0)
    assert isinstance(short, Shortage)
    assert short.limit == "concurrency"
    bookings[0].settle(Amount())
    booked(budget, Amount(), 0.0)


def test_callers_have_budgets_of_their_own() -> None:
    """One that has used up its own takes nothing of another's."""
    budgets = Budgets({"big": Allowance(requests_per_minute=5)}, Allowance(0, 1), 100)
    for name, allowed in (("big", 5), ("a", 1), ("b", 1), ("", 1)):
        budget = budgets.of(name, 0.0)
        assert budget is not None
        results = [budget.book(Amount(), 0.0) for _ in range(8)]
        assert sum(isinstance(one, Booked) for one in results) == allowed


def test_callers_without_a_limit_cost_nothing() -> None:
    """There is no budget to keep."""
    budgets = Budgets({"limited": Allowance(1)}, Allowance(), 100)
    assert budgets.of("somebody", 0.0) is None
    assert len(budgets) == 0
    assert budgets.of("limited", 0.0) is not None


def test_the_number_of_callers_is_bounded_and_nobody_gets_a_second_allowance() -> None:
    """Those who still count are never forgotten; those beyond the bound share one budget."""
    budgets = Budgets({}, Allowance(requests_per_minute=1), 10)
    for number in range(10):
        budget = budgets.of(f"caller-{number}", 0.0)
        assert budget is not None
        booked(budget, Amount(), 0.0).settle(Amount())
    strangers = [budgets.of(f"stranger-{number}", 1.0) for number in range(50)]
    assert len({id(one) for one in strangers}) == 1
    assert len(budgets) == 10
    again = budgets.of("caller-3", 2.0)
    assert again is not None
    assert isinstance(again.book(Amount(), 2.0), Shortage)
    later = [budgets.of(f"later-{number}", 100.0) for number in range(LOOKED_AT_MAX)]
    assert len({id(one) for one in later}) == LOOKED_AT_MAX
    assert len(budgets) == 10


def test_those_beyond_share_one_budget_for_each_allowance() -> None:
    """Nobody gets a wider one than its own, and none at all is nobody's."""
    one, two = Allowance(concurrency=1), Allowance(concurrency=2)
    budgets = Budgets({"batch": one, "web": two}, Allowance(), 1)
    first = budgets.of("batch", 0.0, "t1")
    assert first is not None
    booked(first, Amount(), 0.0)
    for name, allowance in (("batch", one), ("web", two)):
        shared = [budgets.of(name, 0.0, tenant) for tenant in ("t2", "t3", "t4")]
        assert shared[0] is not None
        assert len({id(each) for each in shared}) == 1
        assert shared[0].allowance == allowance
        results = [shared[0].book(Amount(), 0.0) for _ in range(4)]
        assert sum(isinstance(each, Booked) for each in results) == allowance.concurrency
