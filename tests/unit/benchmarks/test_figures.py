"""Percentiles, spreads and ratios: the arithmetic behind every published figure."""

import math

import pytest

from benchmarks.figures import Spread, digits, quantile, round_ratios, table


def test_a_percentile_is_a_value_that_was_seen():
    """No interpolation: the smallest value that enough of the others do not exceed."""
    values = [float(value) for value in range(1, 101)]
    assert quantile(values, 0.5) == 50.0
    assert quantile(values, 0.99) == 99.0
    assert quantile(values, 1.0) == 100.0
    assert quantile([3.0], 0.99) == 3.0
    assert quantile([9.0, 1.0], 0.5) == 1.0


def test_no_values_have_no_percentile():
    """NaN never keeps a promise, so a run without calls cannot pass."""
    assert math.isnan(quantile([], 0.5))


def test_a_spread_shows_its_range_only_when_there_is_one():
    """One round has no range."""
    assert Spread.of([2.0]).show() == "2.00"
    assert Spread.of([1.0, 2.0, 4.0]).show() == "2.00 (1.00-4.00)"
    assert Spread.of([0.001, 0.002]).show(scale=1e3) == "1.50 (1.00-2.00)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.1234, "0.123"),
        (9.996, "10.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (43210.9, "43,211"),
        (-1.5, "-1.50"),
        (math.nan, "-"),
    ],
)
def test_figures_have_three_significant_digits(value: float, shown: str):
    """More digits would claim a precision that no run has."""
    assert digits(value) == shown


def test_ratios_are_taken_within_a_round():
    """A machine that doubles its speed between rounds must not change a ratio."""
    values = {("a", 1): 6.0, ("floor", 1): 2.0, ("a", 2): 12.0, ("floor", 2): 4.0, ("a", 3): 9.0}
    assert round_ratios(values, "a", "floor") == [3.0, 3.0]
    assert round_ratios(values, "floor", "floor") == [1.0, 1.0]
    assert round_ratios(values, "missing", "floor") == []


def test_a_table_is_aligned_markdown():
    """It must read well on a terminal and render on a page."""
    lines = table(["server", "calls/s"], [["echo", "6,011"], ["stubtail, native", "34,130"]])
    assert lines.splitlines() == [
        "| server           | calls/s |",
        "| ---------------- | ------: |",
        "| echo             |   6,011 |",
        "| stubtail, native |  34,130 |",
    ]
