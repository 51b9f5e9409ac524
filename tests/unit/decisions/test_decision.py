"""Constraints, exclusion and ranking: what follows from columns, without a model."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stubtail.decisions.candidates import Axis, from_grid
from stubtail.decisions.changes import Candidates, Variable
from stubtail.decisions.constraints import Constraint, nearest
from stubtail.decisions.decision import KEPT, Conclusion, Decision, Wish
from stubtail.decisions.evaluate import evaluate
from stubtail.decisions.parser import parse
from stubtail.decisions.ranking import best, distances
from stubtail.decisions.types import Key, Scope, Type

PATIENT = [HealthCheck.too_slow]  # a busy machine is no fault of a strategy

PRICE, COST, UNITS = ("feature", "price"), ("parameter", "cost"), ("output", "units")
SCOPE = Scope(dict.fromkeys((PRICE, COST, UNITS), Type.NUMBER))
ANY = (Type.NUMBER, Type.TRUTH)


def limit(
    text: str, minimum: float = -math.inf, maximum: float = math.inf, name: str = ""
) -> Constraint:
    """An expression between two numbers."""
    return Constraint(name or text, SCOPE.check(parse(text), ANY), minimum, maximum, text)


def prices(*values: float) -> Candidates:
    """Candidates that change the price of 2."""
    axis = Axis("price", values, is_text=False, path="", form="")
    return from_grid([axis], {"price": Variable("price", 2.0, 0)})


def decide(
    values: Sequence[float],
    *constraints: Constraint,
    objective: str = "(price - cost) * units",
    maximise: bool = True,
    ranges: Sequence[Constraint] = (),
    top: int = 10,
    curve: bool = False,
) -> Decision:
    """A decision about a price, at a cost of 1."""
    checked = SCOPE.check(parse(objective), (Type.NUMBER,))
    wish = Wish(checked, maximise, ranges, constraints, top, curve)
    return Decision(wish, prices(*values))


def conclude(decision: Decision) -> Conclusion:
    """The conclusion where `10 - 2 * price` units are sold."""
    price = np.array([2.0, *decision.candidates.changes[0].values])
    return decision.conclude({PRICE: price, COST: np.float64(1.0), UNITS: 10 - 2 * price})


def ranked(decision: Decision) -> list[int]:
    """The positions of the best candidates in the request."""
    return (conclude(decision).ranked - 1).tolist()  # type: ignore[no-any-return]


def test_the_best_come_first() -> None:
    """Profit (p - 1)(10 - 2p) is largest at 3: 8, 6, 6, 0."""
    decision = decide([1.0, 2.0, 3.0, 4.0])
    conclusion = conclude(decision)

    assert conclusion.objective.tolist() == [6.0, 0.0, 6.0, 8.0, 6.0]
    assert ranked(decision) == [2, 1, 3, 0]
    assert ranked(decide([1.0, 2.0, 3.0, 4.0], maximise=False)) == [0, 1, 3, 2]
    assert ranked(decide([1.0, 2.0, 3.0, 4.0], top=2)) == [2, 1]
    assert conclusion.nearest is None
    assert conclusion.reasons.tolist() == [KEPT] * 4


def test_of_equally_good_ones_the_smaller_change_comes_first() -> None:
    """Then the order of the request."""
    assert ranked(decide([5.0, 1.0, 2.5, 1.5], objective="cost")) == [2, 3, 1, 0]


def test_each_candidate_has_the_first_reason_that_excludes_it() -> None:
    """The range of training, constraints on features, then on outcomes; slacks are of all."""
    decision = decide(
        [0.5, 1.0, 2.0, 3.0, 4.0],
        limit("units", 3.0),
        limit("price", 1.0, 3.5),
        ranges=[limit("price", 0.75, math.inf)],
    )
    conclusion = conclude(decision)

    assert decision.rows == 6
    assert conclusion.names == [
        "outside the range of training",
        "price",
        "units",
        "objective is not finite",
    ]
    assert conclusion.reasons.tolist() == [0, KEPT, KEPT, KEPT, 1]
    assert [slack.tolist() for slack in conclusion.slacks] == [
        [3.0, 6, 5, 3, 1, -1],
        [1.0, -0.5, 0, 1, 0.5, -0.5],
    ]


@pytest.mark.parametrize("feasible", [True, False])
def test_every_expression_is_evaluated_once(
    monkeypatch: pytest.MonkeyPatch, *, feasible: bool
) -> None:
    """Not again for the reasons, the slacks or the words, and nothing before the run."""
    texts: list[str] = []

    def counted(checked: Any, variables: Any, rows: int) -> Any:
        texts.append(checked.expression.text)
        return evaluate(checked, variables, rows)

    monkeypatch.setattr("stubtail.decisions.constraints.evaluate", counted)
    monkeypatch.setattr("stubtail.decisions.decision.evaluate", counted)
    least = 0.0 if feasible else 99.0
    decision = decide(
        [1.0, 2.0, 3.0],
        limit("price + 1", least),
        limit("units + 1", least),
        limit("price < 9", 1.0),
        ranges=[limit("price", least)],
    )
    assert texts == []

    assert (conclude(decision).nearest is None) is feasible
    assert sorted(texts) == sorted(
        ["(price - cost) * units", "price", "price + 1", "price < 9", "units + 1"]
    )


def test_nothing_feasible_before_the_run_scores_the_nearest() -> None:
    """The one that violates least, and by how much."""
    decision = decide([5.0, 4.0, 6.0], limit("price", -math.inf, 3.0, "cheap"))
    conclusion = conclude(decision)

    assert conclusion.nearest == 2
    assert conclusion.violations == [("cheap", -1.0, "price must be at most 3 and is 4")]
    assert len(conclusion.ranked) == 0


def test_nothing_feasible_after_the_run_prefers_those_that_keep_features() -> None:
    """However little the others violate."""
    decision = decide(
        [2.0, 3.0, 4.01], limit("price", 0.0, 4.0, "price"), limit("units", 9.0), curve=True
    )
    conclusion = conclude(decision)

    assert conclusion.nearest == 1
    assert conclusion.violations == [("units", -3.0, "units must be at least 9 and is 6")]


def test_violations_are_compared_in_shares_of_the_widest() -> None:
    """A constraint in thousands does not drown one in fractions."""
    slacks = [np.array([-1000.0, -10.0, 0.0]), np.array([0.0, -0.01, -0.5])]
    assert nearest(slacks, 3) == 1
    assert nearest([slack[[0, 2]] for slack in slacks], 2) == 0
    assert nearest([np.array([np.nan, -1.0])], 2) == 1


def test_an_objective_without_a_value_excludes() -> None:
    """NaN and infinite ones are never ranked, and are told apart from constraints."""
    decision = decide([1.0, 2.0, 5.0], objective="1 / units + 1 / (price - 1)")
    conclusion = conclude(decision)

    assert ranked(decision) == [1]
    assert conclusion.reasons.tolist() == [1, KEPT, 1]
    nothing = conclude(decide([1.0, 5.0], objective="sqrt(-price)"))
    assert nothing.violations[0][0] == ""
    assert nothing.violations[0][2] == "objective is not finite: nan"


def test_a_constraint_without_a_value_is_violated() -> None:
    """NaN is no way around a constraint."""
    conclusion = conclude(decide([1.0, 2.0], limit("sqrt(units - 7)", 0.0)))
    assert conclusion.reasons.tolist() == [KEPT, 1]
    assert math.isnan(conclusion.slacks[0][2])


def test_a_condition_has_a_slack_of_0_or_minus_1() -> None:
    """It must be true."""
    conclusion = conclude(decide([1.0, 2.0], limit("units > 7 || cost > 1", 1.0)))
    assert conclusion.slacks[0].tolist() == [-1.0, 0.0, -1.0]
    conclusion = conclude(decide([3.0], limit("price < 2", 1.0)))
    assert conclusion.violations == [("price < 2", -1.0, "price < 2 must be true")]


@pytest.mark.parametrize("current", [2.0, 0.1, 3.3, 1e-300, 1e300, -7.7, 123456.789])
@pytest.mark.parametrize("share", [0.1, 0.3, 1 / 3, 0.07])
def test_rounding_does_not_exclude_the_edge(current: float, share: float) -> None:
    """A tenth more than 2.0 is within a tenth of 2.0, whatever the last bit says."""
    allowed = share * abs(current)
    constraint = limit("price", current - allowed, current + allowed)
    edges = np.array([current * (1 + share), current * (1 - share), current + 1.001 * allowed])

    slack = constraint.judge({PRICE: edges}, 3).slack

    assert slack[0] >= 0
    assert slack[1] >= 0
    assert slack[2] < 0


def test_infinite_values_are_no_rounding_errors() -> None:
    """They are beyond every limit."""
    both = {PRICE: np.array([np.inf, -np.inf, np.nan])}
    slack = limit("price", -1.0, 1.0).judge(both, 3).slack
    assert slack[:2].tolist() == [-math.inf, -math.inf]
    assert math.isnan(slack[2])


def test_an_infinite_value_keeps_a_limit_on_the_other_side() -> None:
    """What has no limit is not compared with it."""
    infinite = {PRICE: np.array([np.inf, -np.inf, np.nan])}
    above = limit("price", 2.0).judge(infinite, 3)
    below = limit("price", -math.inf, 2.0).judge(infinite, 3)

    assert above.slack[:2].tolist() == [math.inf, -math.inf]
    assert below.slack[:2].tolist() == [-math.inf, math.inf]
    assert above.failed.tolist() == [False, True, True]
    assert below.failed.tolist() == [True, False, True]
    assert above.violation(1) == "price must be at least 2 and is -inf"


def test_distances_are_shares_of_the_largest_change() -> None:
    """Numbers by their size, strings as changed or not."""
    found = distances(
        [
            (2.0, np.array([2.0, 4.0, 1.0])),
            ("a", np.array(["a", "b", "b"], object)),
            (5.0, np.array([5.0, 5.0, 5.0])),
            (math.nan, np.array([math.nan, 1.0, 2.0])),
        ]
    )
    assert found.tolist() == [0.0, 2.5, 2.5]


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), st.booleans()), max_size=30))
@settings(max_examples=100, deadline=None, suppress_health_check=PATIENT)
def test_ranking_is_a_sort(rows: list[tuple[int, int, bool]]) -> None:
    """By goodness, then distance, then position, of the feasible ones."""
    expected = sorted(
        (position for position, row in enumerate(rows) if row[2]),
        key=lambda position: (-rows[position][0], rows[position][1], position),
    )
    goodness, distance = (np.array([row[part] for row in rows], np.float64) for part in (0, 1))
    feasible = np.array([row[2] for row in rows], np.bool_)
    assert best(goodness, distance, feasible, 7).tolist() == expected[:7]


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=20),
    st.lists(
        st.tuples(
            st.sampled_from(["price", "units", "price * units", "log(units)"]),
            st.floats(-5, 5),
            st.floats(0, 5),
        ),
        max_size=4,
    ),
    st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=PATIENT)
def test_a_decision_agrees_with_looking_at_each_candidate(
    values: list[float], limits: list[tuple[str, float, float]], curve: bool
) -> None:
    """Feasible are those for which every constraint holds; the best of them is first."""
    constraints = [
        limit(text, least, least + width, f"c{index}")
        for index, (text, least, width) in enumerate(limits)
    ]
    decision = decide(values, *constraints, curve=curve)
    conclusion = conclude(decision)

    def holds(price: float) -> bool:
        row: dict[Key, Any] = {PRICE: np.array([price]), UNITS: np.array([10 - 2 * price])}
        return not any(constraint.judge(row, 1).failed[0] for constraint in constraints)

    expected = [holds(price) for price in values]
    assert (conclusion.reasons == KEPT).tolist() == expected
    if any(expected):
        profits = [(p - 1) * (10 - 2 * p) for p, kept in zip(values, expected, strict=True) if kept]
        assert conclusion.objective[conclusion.ranked[0]] == max(profits)
        assert conclusion.nearest is None
    else:
        assert conclusion.nearest is not None
        assert conclusion.violations
