"""The search for the highest rate, with servers whose capacity is known."""

import numpy as np
import pytest

from stubtail_bench.modes import highest_rate


@pytest.mark.parametrize("capacity", [3.0, 750.0, 1_000.0, 12_345.0, 90_000.0])
@pytest.mark.parametrize("first", [1.0, 1_000.0, 50_000.0])
def test_a_sharp_capacity_is_found(capacity: float, first: float):
    """From above and from below, within the tolerance."""
    found = highest_rate(lambda rate: rate <= capacity, first=first)
    assert capacity / 1.051 <= found.rate <= capacity
    assert [held for rate, held in found.probes if rate == found.rate][-2:] == [True, True]


def test_a_lucky_run_is_no_capacity():
    """With noise, what is reported holds again and again."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found = highest_rate(lambda rate: rate * rng.normal(1, 0.1) <= 1_000, first=100)  # noqa: B023
        assert 600 < found.rate < 1_150
        assert [held for _, held in found.probes[-2:]] == [True, True]


def test_a_server_that_never_holds_has_no_rate():
    """0, after a bounded number of runs."""
    found = highest_rate(lambda _: False, first=1_000)
    assert found.rate == 0
    assert len(found.probes) < 15


def test_a_server_without_a_limit_ends_the_search():
    """At the most that is asked for, confirmed."""
    found = highest_rate(lambda _: True, first=100, most=5_000)
    assert found.rate == 5_000
