"""Histograms: the error that they promise, exact counts, and sums over processes."""

import math

import numpy as np
import pytest

from stubtail_bench.histogram import (
    BUCKETS,
    ERROR,
    Histogram,
    buckets_of,
    dense,
    quantiles_s,
    sparse,
    values_s,
)


def test_every_value_is_within_the_promised_error():
    """From a microsecond to minutes, ends of buckets included."""
    values = np.concatenate([np.geomspace(1e-6, 260, 100_000), 2.0 ** np.arange(0, 28) / 1e6])
    back = values_s(buckets_of(values))
    assert (np.abs(back / values - 1) <= ERROR + 1e-9).all()


def test_buckets_ascend_and_end():
    """Larger values never have smaller buckets; what is too large has the last."""
    found = buckets_of(np.geomspace(1e-6, 1e4, 10_000))
    assert (np.diff(found) >= 0).all()
    assert found[0] == 0
    assert found[-1] == BUCKETS - 1
    assert buckets_of(np.array([0.0, 1e-9])).tolist() == [0, 0]


@pytest.mark.parametrize("part", [0.0, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_quantiles_agree_with_those_of_the_values(part: float):
    """Within the error, for a long tail."""
    values = np.random.default_rng(1).lognormal(-7, 1.2, 50_000)
    histogram = Histogram()
    histogram.add(values)
    exact = float(np.quantile(values, part, method="inverted_cdf"))
    assert histogram.quantile_s(part) == pytest.approx(exact, rel=2 * ERROR)


def test_the_ends_and_the_mean_are_exact():
    """The largest latency is never rounded."""
    histogram = Histogram()
    histogram.add(np.array([0.0123456, 0.5, 0.25]))
    assert histogram.quantile_s(1.0) == 0.5
    assert histogram.quantile_s(0.0) == 0.0123456
    assert histogram.mean_s == pytest.approx((0.0123456 + 0.5 + 0.25) / 3)


def test_no_values_have_no_quantile():
    """NaN, which keeps no bound."""
    assert math.isnan(Histogram().quantile_s(0.5))
    assert math.isnan(Histogram().mean_s)
    assert Histogram().document()["max_us"] is None


def test_windows_and_processes_add_up():
    """Two halves merged are the whole."""
    rng = np.random.default_rng(2)
    values, windows = rng.exponential(0.01, 1_000), rng.integers(0, 5, 1_000)
    whole, first, second = Histogram(5), Histogram(5), Histogram(5)
    whole.add(values, windows)
    first.add(values[:300], windows[:300])
    second.add(values[300:], windows[300:])
    first.merge(second)
    assert np.array_equal(first.counts, whole.counts)
    assert whole.counts.sum(axis=1).tolist() == np.bincount(windows, minlength=5).tolist()
    assert (first.min_s, first.max_s, first.count) == (whole.min_s, whole.max_s, 1_000)


def test_a_rank_is_not_lost_to_rounding():
    """0.07 times 100 is a little more than 7, yet the seventh value is meant."""
    counts = np.zeros(BUCKETS, np.int64)
    counts[np.arange(100) * 10] = 1
    assert quantiles_s(counts, [0.07])[0] == values_s(np.array([60]))[0]


def test_json_loses_nothing():
    """Sparse pairs and back."""
    counts = np.zeros(BUCKETS, np.int64)
    counts[[3, 700, BUCKETS - 1]] = [5, 1, 2]
    assert sparse(counts) == [3, 5, 700, 1, BUCKETS - 1, 2]
    assert np.array_equal(dense(sparse(counts)), counts)
    assert dense([]).sum() == 0
