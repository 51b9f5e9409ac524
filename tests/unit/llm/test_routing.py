"""Tests of which upstreams a call asks, in which order."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from stubtail.llm.routing import Alias, Router, UnknownModelError, Wishes, decayed


@dataclass
class Fake:
    """An upstream as routing sees it."""

    name: str
    weight: float = 1.0
    in_flight: int = 0
    cost: int | None = None
    ttft: float = 0.0

    @property
    def provider(self) -> str:
        """What stands before the slash."""
        return self.name.partition("/")[0]

    def ttft_s(self, now_s: float) -> float:
        """The time that was set."""
        return self.ttft


A, B, C = "a/fast", "b/fast", "c/big"


def choose(
    upstreams: list[Fake],
    model: str = "fast",
    strategy: str = "priority",
    aliases: dict[str, Alias] | None = None,
    draw: random.Random | None = None,
    **wishes: object,
) -> list[str]:
    """The names of what is chosen."""
    made = draw or random.Random(1)
    router = Router(upstreams, aliases or {}, strategy, made.random)
    return [one.name for one in router.choose(model, Wishes(**wishes), 0.0)]  # type: ignore[arg-type]


def all_three(**ones: Fake) -> list[Fake]:
    """The three upstreams, some of them replaced."""
    return [ones.get("a", Fake(A)), ones.get("b", Fake(B)), ones.get("c", Fake(C))]


def test_names_lead_to_upstreams():
    """A model of several providers, one of them, and one that nobody has."""
    assert choose(all_three()) == [A, B]
    assert choose(all_three(), B) == [B]
    with pytest.raises(UnknownModelError):
        choose(all_three(), "a/big")


def test_aliases_go_in_tiers():
    """All targets of an alias come before those of its fallback; each is asked once."""
    aliases = {
        "one": Alias((B, A), "priority", "two"),
        "two": Alias((A, C), "priority", "one"),  # a circle, which settings forbid, ends
    }
    assert choose(all_three(), "one", aliases=aliases) == [B, A, C]


def test_wishes_narrow_and_order():
    """Only, ignore and order take providers and upstreams alike."""
    assert choose(all_three(), only=("b",)) == [B]
    assert choose(all_three(), ignore=(A,)) == [B]
    assert choose(all_three(), order=("b",)) == [B, A]
    assert choose(all_three(), fallback=False) == [A]
    assert choose(all_three(), only=("c",)) == []


def test_the_cheapest_and_the_least_busy_come_first():
    """What has no price comes last; calls count by weight."""
    priced = all_three(a=Fake(A, cost=3), b=Fake(B, cost=2))
    assert choose(priced, strategy="lowest_cost") == [B, A]
    assert choose(all_three(b=Fake(B, cost=2)), strategy="lowest_cost") == [B, A]
    busy = all_three(a=Fake(A, in_flight=3, weight=4), b=Fake(B, in_flight=1))
    assert choose(busy, strategy="least_busy") == [A, B]


def test_the_quickest_comes_first_and_the_unknown_is_tried_once():
    """An upstream of which nothing is known is found out about by one call, not by all."""
    known = all_three(a=Fake(A, ttft=0.3), b=Fake(B, ttft=0.2))
    assert choose(known, strategy="lowest_ttft") == [B, A]
    assert choose(all_three(a=Fake(A, ttft=0.3)), strategy="lowest_ttft") == [B, A]
    asked = all_three(a=Fake(A, ttft=0.3), b=Fake(B, in_flight=1))
    assert choose(asked, strategy="lowest_ttft") == [A, B]


def test_a_call_may_name_its_strategy():
    """Before that of the alias."""
    priced = all_three(a=Fake(A, cost=3), b=Fake(B, cost=2))
    assert choose(priced, strategy="priority") == [A, B]
    made = Router(priced, {}, "priority", random.Random(1).random)
    assert [one.name for one in made.choose("fast", Wishes(strategy="lowest_cost"), 0)] == [B, A]


def test_weights_are_shares_of_first_places():
    """Three to one, within five standard deviations."""
    draw, trials = random.Random(7), 4000
    ones = all_three(a=Fake(A, weight=3))
    firsts = Counter(choose(ones, strategy="weighted", draw=draw)[0] for _ in range(trials))
    assert abs(firsts[A] - 0.75 * trials) < 5 * (trials * 0.75 * 0.25) ** 0.5


def test_what_is_long_ago_says_little():
    """A slow upstream comes up again."""
    assert decayed(10, 0) == 10
    assert decayed(10, 3000) < 0.001


def test_plans_know_who_answers_what_others_cannot():
    """By the aliases that the alias names; wishes narrow them; without fallback there is none."""
    aliases = {
        "fast": Alias((A,), "priority", context_fallback="big", content_fallback="free"),
        "big": Alias((C,), "priority"),
        "free": Alias((B, C), "priority"),
    }
    router = Router([Fake(name) for name in (A, B, C)], aliases, "priority", random.random)

    def names(**wishes: object) -> list[list[str]]:
        plan = router.plan("fast", Wishes(**wishes), 0.0)  # type: ignore[arg-type]  # by name
        lists = (plan.upstreams, plan.on_context, plan.on_content)
        return [[one.name for one in ones] for ones in lists]

    assert names() == [[A], [C], [B, C]]
    assert names(ignore=("c",)) == [[A], [], [B]]
    assert names(fallback=False) == [[A], [], []]
    assert router.plan("big", Wishes(), 0.0).on_context == []
    plan = router.plan("fast", Wishes(), 0.0).only(lambda one: one.name != C)
    assert [len(ones) for ones in (plan.upstreams, plan.on_context, plan.on_content)] == [1, 0, 1]
