"""Schedules of arrivals: seeded, ascending, and of the process that they claim to be."""

import numpy as np
import pytest

from stubtail_bench import arrivals
from stubtail_bench.errors import LoadError


def rng(seed: int = 7) -> np.random.Generator:
    """A generator that no other test has used."""
    return np.random.default_rng(seed)


def test_constant_arrivals_have_equal_gaps():
    """Ten a second for two seconds, the first at once."""
    due_s = arrivals.constant(10, 2)
    assert len(due_s) == 20
    assert due_s[0] == 0
    assert np.allclose(np.diff(due_s), 0.1)


def test_poisson_gaps_are_exponential():
    """Mean and spread of the gaps are both 1 / rate, and no gap knows the one before."""
    due_s = arrivals.poisson(1_000, 200, rng())
    gaps = np.diff(due_s)
    assert abs(len(due_s) - 200_000) < 5 * np.sqrt(200_000)
    assert gaps.mean() == pytest.approx(1e-3, rel=0.02)
    assert gaps.std() == pytest.approx(1e-3, rel=0.02)
    assert (gaps > 2e-3).mean() == pytest.approx(np.exp(-2), rel=0.05)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.02


def test_poisson_counts_vary_as_much_as_their_mean():
    """The variance of the number of calls in a second is its mean, unlike with equal gaps."""
    due_s = arrivals.poisson(100, 2_000, rng())
    counts = np.histogram(due_s, bins=2_000, range=(0, 2_000))[0]
    assert counts.var() == pytest.approx(counts.mean(), rel=0.15)


def test_a_seed_is_a_schedule():
    """The same seed gives the same times, another one others."""
    assert np.array_equal(arrivals.poisson(50, 10, rng(1)), arrivals.poisson(50, 10, rng(1)))
    assert not np.array_equal(arrivals.poisson(50, 10, rng(1)), arrivals.poisson(50, 10, rng(2)))


@pytest.mark.parametrize("even", [False, True])
def test_steps_keep_the_rate_of_each_step(even: bool):
    """400, then 4,000, then 400 calls a second."""
    due_s = arrivals.steps([(400, 10), (4_000, 5), (400, 10)], rng(), even=even)
    counts = [
        ((due_s >= low) & (due_s < high)).sum() for low, high in [(0, 10), (10, 15), (15, 25)]
    ]
    for count, expected in zip(counts, (4_000, 20_000, 4_000), strict=True):
        assert abs(count - expected) <= (1 if even else 5 * np.sqrt(expected))
    assert (np.diff(due_s) >= 0).all()


@pytest.mark.parametrize(("first", "last"), [(0, 1_000), (1_000, 0), (200, 800), (500, 500)])
def test_a_ramp_goes_evenly_from_one_rate_to_the_other(first: float, last: float):
    """In each tenth there are as many calls as its mean rate says."""
    due_s = arrivals.ramp(first, last, 100, rng())
    counts = np.histogram(due_s, bins=10, range=(0, 100))[0]
    middles = first + (last - first) * (np.arange(10) + 0.5) / 10
    assert (np.abs(counts - middles * 10) <= 5 * np.sqrt(middles * 10)).all()
    assert 0 <= due_s[0] <= due_s[-1] <= 100


def test_an_even_ramp_has_gaps_that_shrink():
    """Without chance the gaps of a rising ramp only become shorter."""
    due_s = arrivals.ramp(10, 100, 10, rng(), even=True)
    assert len(due_s) == 550
    assert (np.diff(np.diff(due_s)) < 1e-9).all()


def test_no_rate_has_no_calls():
    """Nothing comes of a rate of zero."""
    assert len(arrivals.constant(0, 5)) == 0
    assert len(arrivals.poisson(0, 5, rng())) == 0
    assert len(arrivals.steps([(1e-9, 5)], rng())) == 0


@pytest.mark.parametrize("factor", [0.25, 1.0, 2.5, 4.0])
def test_a_scaled_trace_keeps_its_bursts(factor: float):
    """So many times the calls, each copy within half a second of a recorded one."""
    recorded = np.sort(np.concatenate([np.full(500, 3.0), rng().uniform(20, 40, 1_500)]))
    found = arrivals.scaled(recorded, factor, rng(3), until_s=60)
    assert len(found) == pytest.approx(2_000 * factor, rel=0.1)
    burst = ((found >= 2.5) & (found <= 3.5)).sum()
    assert burst == pytest.approx(500 * factor, rel=0.2)
    assert not ((found > 3.6) & (found < 19.4)).any()
    assert (np.diff(found) >= 0).all()


def test_a_trace_scaled_by_one_is_the_trace():
    """Nothing is moved, left out or added."""
    recorded = np.sort(rng().uniform(0, 60, 500))
    assert np.array_equal(arrivals.scaled(recorded, 1.0, rng(3), until_s=60), recorded)


@pytest.mark.parametrize("length_s", [0.1, 0.3, 10.0])
def test_copies_at_the_ends_of_a_trace_are_no_burst(length_s: float):
    """Nothing comes at one instant that was not recorded at one; the rate at the ends stays."""
    recorded = np.sort(rng().uniform(0, length_s, 50))
    found = arrivals.scaled(recorded, 200, rng(3), until_s=length_s)
    assert len(found) == 10_000
    assert (np.diff(found) == 0).sum() < 10
    assert found[0] >= 0
    assert found[-1] <= length_s


@pytest.mark.parametrize(
    "draw",
    [
        lambda: arrivals.constant(1e9, 3600),
        lambda: arrivals.poisson(1e9, 3600, rng()),
        lambda: arrivals.ramp(0, 1e9, 3600, rng()),
        lambda: arrivals.scaled(np.arange(10.0), 1e9, rng(), until_s=10),
    ],
)
def test_more_calls_than_fit_into_memory_are_refused(draw):
    """Before the memory is asked for."""
    with pytest.raises(LoadError, match="take a lower rate"):
        draw()
