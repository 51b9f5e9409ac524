"""Shapley values: against their definition, and what must hold for any model and any row."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stubtail.endpoints.shapley import Planner, Subsets, Walks, make_planner

RNG = np.random.default_rng(4)


def model(rows: np.ndarray) -> np.ndarray:
    """A function with interactions of two and three features, where NaN is a value of its own."""
    missing = np.isnan(rows)
    known = np.where(missing, -1.0, rows).astype(np.float64)
    others = known.sum(axis=1) * 0.1
    return np.asarray(known[:, 0] * known[:, 1] + known.prod(axis=1) + others - missing[:, 0])


def by_definition(row: np.ndarray, background: np.ndarray, groups: Any) -> np.ndarray:
    """The mean over all orders of what each player adds, as Shapley (1953) has it."""
    total = np.zeros(len(groups))
    orders = list(permutations(range(len(groups))))
    for order in orders:
        rows = background.copy()
        before = model(rows).mean()
        for player in order:
            rows[:, groups[player]] = row[groups[player]]
            after = model(rows).mean()
            total[player] += after - before
            before = after
    return total / len(orders)


def explain(planner: Planner, rows: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The contributions, [rows, players]."""
    evaluations = planner.plan(rows)
    expanded = planner.expand(evaluations)
    assert len(expanded) == evaluations.size
    assert evaluations.size <= len(rows) * (1 + planner.evaluations_max)
    np.testing.assert_array_equal(expanded[: len(rows)], rows)
    return planner.contributions(evaluations, model(expanded), model(background))


def masks(groups: list[list[int]], width: int) -> np.ndarray:
    """Which features a player has."""
    found = np.zeros((len(groups), width), bool)
    for player, features in enumerate(groups):
        found[player, features] = True
    return found


@pytest.mark.parametrize("groups", [[[0], [1], [2], [3]], [[0, 2], [1], [3]], [[0, 1, 2, 3]]])
def test_all_subsets_give_the_definition(groups: list[list[int]]) -> None:
    """To the last digits, for single features, groups and a single player."""
    background = RNG.normal(size=(5, 4)).astype(np.float32)
    rows = RNG.normal(size=(3, 4)).astype(np.float32)
    planner = make_planner(background, groups)
    assert planner.exact
    found = explain(planner, rows, background)
    for row, values in zip(rows, found, strict=True):
        np.testing.assert_allclose(values, by_definition(row, background, groups), atol=1e-9)


@pytest.mark.parametrize("groups", [[[0], [1], [2], [3]], [[0, 2], [1], [3]]])
def test_walks_come_close_to_the_definition(groups: list[list[int]]) -> None:
    """Of a function that is mostly interactions, to a fifth of the largest value."""
    background = RNG.normal(size=(40, 4)).astype(np.float32)
    rows = RNG.normal(size=(3, 4)).astype(np.float32)
    found = explain(Walks(background, masks(groups, 4), 400), rows, background)
    exact = explain(Subsets(background, masks(groups, 4)), rows, background)
    assert np.abs(found - exact).max() < 0.2 * np.abs(exact).max()


def test_walks_are_exact_for_a_sum() -> None:
    """Without interactions one walk from each background row is enough."""
    background = RNG.normal(size=(32, 12)).astype(np.float32)
    rows = RNG.normal(size=(2, 12)).astype(np.float32)
    weights = np.arange(12.0)
    planner = make_planner(background, [[feature] for feature in range(12)])
    assert not planner.exact
    evaluations = planner.plan(rows)
    found = planner.contributions(
        evaluations, planner.expand(evaluations) @ weights, background @ weights
    )
    np.testing.assert_allclose(found, weights * (rows - background.mean(axis=0)), atol=1e-4)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Rows and a background of few different values, NaN among them, and groups."""
    width = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = np.array([0.0, 1.0, 2.0, np.nan], np.float32)
    rows = values[rng.integers(0, 4, (draw(st.integers(1, 4)), width))]
    background = values[rng.integers(0, 4, (draw(st.integers(8, 40)), width))]
    players = draw(st.integers(2, width))
    owners = [*range(players), *rng.integers(0, players, width - players).tolist()]
    groups = [[f for f in range(width) if owners[f] == p] for p in range(players)]
    return rows, background, groups


@settings(max_examples=150, deadline=None)
@given(_cases())
def test_contributions_add_up(case: tuple[np.ndarray, np.ndarray, list[list[int]]]) -> None:
    """To score minus base, however few the walks and however many values are the same."""
    rows, background, groups = case
    players = masks(groups, rows.shape[1])
    for planner in (Subsets(background, players), Walks(background, players, 16)):
        found = explain(planner, rows, background)
        expected = model(rows) - planner.base(model(background))
        np.testing.assert_allclose(found.sum(axis=1), expected, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(_cases())
def test_what_never_differs_contributes_nothing(
    case: tuple[np.ndarray, np.ndarray, list[list[int]]],
) -> None:
    """And needs no evaluation: a row like the whole background costs one, its own."""
    rows, background, groups = case
    same = np.tile(rows[:1], (len(background), 1))
    planner = Walks(same, masks(groups, rows.shape[1]), 16)
    assert planner.plan(rows[:1]).size == 1
    assert not explain(planner, rows[:1], same).any()


def test_the_same_row_has_the_same_reasons() -> None:
    """Alone or among others, and from another planner: nothing depends on a clock or a counter."""
    background = RNG.normal(size=(64, 15)).astype(np.float32)
    rows = RNG.normal(size=(4, 15)).astype(np.float32)
    groups = [[feature] for feature in range(15)]
    together = explain(make_planner(background, groups), rows, background)
    alone = explain(make_planner(background, groups), rows[2:3], background)
    np.testing.assert_array_equal(together[2], alone[0])


@pytest.mark.parametrize(("players", "rows"), [(6, 256), (19, 64), (40, 64), (128, 16), (128, 256)])
def test_the_work_is_bounded(players: int, rows: int) -> None:
    """Whatever the numbers of features and of background rows."""
    background = RNG.normal(size=(rows, players)).astype(np.float32)
    planner = make_planner(background, [[feature] for feature in range(players)])
    assert planner.evaluations_max <= 2560
    row = RNG.normal(size=(1, players)).astype(np.float32)
    assert planner.plan(row).size == 1 + planner.evaluations_max


@pytest.mark.parametrize("evaluations", [128, 400, 2016, 4096])
def test_a_model_says_what_its_reasons_may_cost(evaluations: int) -> None:
    """Seven players and sixteen background rows: exact from 2,016 evaluations, sampled below."""
    background = RNG.normal(size=(16, 7)).astype(np.float32)
    planner = make_planner(background, [[feature] for feature in range(7)], evaluations)
    assert planner.exact == (evaluations >= 2016)
    assert planner.evaluations_max <= evaluations
    rows = RNG.normal(size=(2, 7)).astype(np.float32)
    total = explain(planner, rows, background).sum(axis=1)
    np.testing.assert_allclose(total, model(rows) - planner.base(model(background)), atol=1e-9)
