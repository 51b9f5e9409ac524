"""Tests of costs: whole nano-dollars, never too low."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm.prices import PriceTable

COUNTS = st.integers(0, 10**7)
DOLLARS = st.integers(0, 10**5).map(lambda cents: cents / 100)


def test_a_known_price():
    """$0.15 and $0.60 a million, 1,000 tokens of which 400 were cached at half price, 500 out."""
    table = PriceTable.of_dollars(0.15, 0.6, 0.075)
    assert table.cost(1000, 500, 400) == 600 * 150 + 400 * 75 + 500 * 600


@given(DOLLARS, DOLLARS, DOLLARS, COUNTS, COUNTS, COUNTS)
def test_costs_are_rounded_up(one: float, two: float, three: float, a: int, b: int, c: int):
    """By less than one nano-dollar; cached tokens are among the input."""
    table = PriceTable.of_dollars(one, two, three)
    cached = min(a, c)
    exact = Fraction(
        (a - cached) * table.input + cached * table.cached_input + b * table.output, 10**6
    )
    assert 0 <= table.cost(a, b, c) - exact < 1
