"""The pieces of a forecast: seasons, trend, filling, quantiles, weights, intervals."""

import numpy as np
import pytest

from stubtail.forecasting import auto, blending, conformal, levels, naive, smoothing
from stubtail.forecasting.backtest import origins_of
from stubtail.forecasting.frequency import parse
from stubtail.forecasting.history import HISTORY_MAX, prepare
from stubtail.forecasting.members import SMOOTHING, Past
from stubtail.forecasting.profile import take_apart
from stubtail.forecasting.regression import covariate_effect
from stubtail.forecasting.seasons import detect
from stubtail.forecasting.task import NAIVE, TREES, ZERO_SHOT, SeriesError
from stubtail.forecasting.tree_features import NAMES, tree_rows
from stubtail.forecasting.trend import recent_slope
from tests.unit.forecasting.series import hours, months


def test_seasons_are_found_where_they_are():
    """Seasons are found where they are."""
    assert set(detect(hours(1000), (24, 168))) == {24, 168}
    assert detect(hours(300, noise=2.0)) == (24,)
    assert detect(months(120), (12,)) == (12,)
    assert detect(months(120)) == (12,)


@pytest.mark.parametrize("length", [7, 12, 24, 48])
def test_many_repeats_do_not_hide_a_season(length):
    """A hundred days of hours have a season of a day, and not of three or of thirteen."""
    rng = np.random.default_rng(length)
    steps = np.arange(length * 100)
    values = 100 + 20 * np.sin(2 * np.pi * steps / length) + rng.normal(0, 2, len(steps))
    assert detect(values) == (length,)


def test_a_part_of_a_season_is_none():
    """Two bumps a day, of which one is high, repeat by the day."""
    steps = np.arange(24 * 60)
    bumps = 10 * (steps % 24 == 8) + 3 * (steps % 24 == 20)
    assert detect(bumps + np.random.default_rng(1).normal(0, 0.3, len(steps))) == (24,)


def test_no_season_is_found_in_noise():
    """No season is found in noise."""
    rng = np.random.default_rng(3)
    found = [detect(rng.normal(size=400), (24, 168)) for _ in range(50)]
    assert sum(map(bool, found)) <= 2
    walks = [detect(np.cumsum(rng.normal(size=400)), (24,)) for _ in range(50)]
    assert sum(map(bool, walks)) <= 5


@pytest.mark.parametrize("noise", [0.1, 1.0, 4.0])
@pytest.mark.parametrize(("step", "day"), [("min", 1440), ("5min", 288), ("h", 24)])
def test_a_slow_season_is_found_on_the_calendar(step, day, noise):
    """Its steps are far smaller than its swing, as those of a random walk are."""
    frequency = parse(step)
    assert frequency is not None
    rng = np.random.default_rng(9)
    steps = np.arange(5 * day)
    values = 100 + 10 * np.sin(2 * np.pi * steps / day) + rng.normal(0, noise, len(steps))
    assert detect(values, frequency.cycles()) == (day,)


def test_a_wandering_level_hides_no_season_and_makes_none():
    """The season is in the steps; a random walk of two weeks has none, whatever its length."""
    rng = np.random.default_rng(10)
    walk = np.cumsum(rng.normal(0, 1.0, 24 * 40))
    season = 4 * np.sin(2 * np.pi * np.arange(24 * 40) / 24)
    assert 24 in detect(10 * walk + 10 * season, (24, 168))
    walks = [detect(np.cumsum(rng.normal(size=2000)), (12, 288)) for _ in range(50)]
    assert sum(map(bool, walks)) <= 5


def test_the_slope_interval_holds_the_slope():
    """In 95 of 100 series, about; the errors follow each other."""
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(200):
        shocks = rng.normal(size=200)
        noise = np.zeros(200)
        for at in range(1, 200):
            noise[at] = 0.5 * noise[at - 1] + shocks[at]
        _, low, high = recent_slope(0.1 * np.arange(200) + noise, 1)
        inside += low <= 0.1 <= high
    assert 0.88 <= inside / 200 <= 1.0


def test_missing_values_take_those_of_the_season_before():
    """Missing values take those of the season before."""
    values = np.tile([1.0, 5.0, 9.0], 6)
    values[10] = np.nan
    history = prepare(values, 3)
    assert history.values[10] == 5.0
    assert history.missing == 1


def test_only_the_newest_values_are_kept():
    """Only the newest values are kept."""
    history = prepare(np.arange(HISTORY_MAX + 10.0))
    assert (len(history.values), history.cut, history.values[-1]) == (
        HISTORY_MAX, 10, HISTORY_MAX + 9.0,
    )  # fmt: skip


@pytest.mark.parametrize(("values", "field"), [([np.nan], "values"), ([1, np.inf], "values[1]")])
def test_what_is_no_series_is_refused(values, field):
    """What is no series is refused."""
    with pytest.raises(SeriesError) as caught:
        prepare(np.array(values, float))
    assert caught.value.field == field


def test_quantiles_of_a_normal_distribution_come_back():
    """Quantiles of a normal distribution come back."""
    deciles = levels.normal_deciles(np.zeros(2), np.ones(2))
    found = levels.at_levels(deciles, np.array([0.025, 0.3, 0.5, 0.95]))
    np.testing.assert_allclose(found[:, 0], [-1.96, -0.5244, 0, 1.645], atol=0.01)


def test_quantiles_never_cross():
    """Quantiles never cross."""
    rng = np.random.default_rng(5)
    deciles = np.sort(rng.normal(size=(9, 20)), axis=0)
    found = levels.at_levels(deciles, np.linspace(0.01, 0.99, 40))
    assert (np.diff(found, axis=0) >= 0).all()


def test_smoothing_continues_growth_and_season():
    """Smoothing continues growth and season."""
    values = months(120)
    found = smoothing.forecasts(values[:96], 12, [96], 24)[0]
    error = np.abs(found - values[96:]).mean()
    rival = np.abs(naive.seasonal_naive(values[:96], 12, 24) - values[96:]).mean()
    assert error < 0.4 * rival


def test_smoothing_knows_nothing_of_the_future():
    """Smoothing knows nothing of the future."""
    values = months(120)
    early = smoothing.forecasts(values, 12, [60, 96], 12)
    alone = smoothing.forecasts(values[:60], 12, [60], 12)
    np.testing.assert_allclose(early[0], alone[0], rtol=1e-9)


def test_a_profile_adds_up_to_its_series():
    """A profile adds up to its series."""
    values = hours(240)
    profile = take_apart(values, 24)
    shape = profile.shape[np.arange(-240, 0) % 24]
    np.testing.assert_allclose(profile.rest + shape, values)


def test_tree_rows_do_not_depend_on_the_unit():
    """Tree rows do not depend on the unit."""
    values = hours(600)
    one = tree_rows(values, (24, 168), 48, 3600.0, 0.0)
    other = tree_rows(values * 1000 - 77, (24, 168), 48, 3600.0, 0.0)
    assert one.features.shape == (48, len(NAMES))
    np.testing.assert_allclose(one.features, other.features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(other.base, one.base * 1000 - 77, rtol=1e-6)


def test_a_better_past_weighs_more():
    """A better past weighs more."""
    errors = {
        ZERO_SHOT: np.array([1.0, 1.0, 1.0]),
        SMOOTHING: np.array([4.0, 4.0, 4.0]),
        NAIVE: np.array([2.0, 2.0, 2.0]),
    }
    names = list(errors)
    weights = blending.weights_of(errors, names)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > weights[2] > weights[1]
    assert blending.shares_of(names, weights, errors)[0].relative_mae == pytest.approx(0.5)


def test_without_a_past_the_usual_weights_hold():
    """Without a past the usual weights hold."""
    weights = blending.weights_of({}, [ZERO_SHOT, TREES, NAIVE])
    assert weights[1] > weights[2] > 0


def test_intervals_widen_to_what_the_backtest_saw():
    """Intervals widen to what the backtest saw."""
    rng = np.random.default_rng(6)
    wide = [np.abs(rng.normal(0, 4.0, 48)) / 1.2816 for _ in range(3)]
    right = [np.abs(rng.normal(0, 1.0, 48)) / 1.2816 for _ in range(3)]
    assert conformal.factor_of(wide, 3) > 1.2 * conformal.factor_of(right, 3)
    assert conformal.factor_of([], 0) == conformal.USUAL_FACTOR
    one, all_of_them = conformal.factor_of(wide, 1), conformal.factor_of(wide, 3)
    assert conformal.USUAL_FACTOR < one < all_of_them  # a part of a backtest tells a part


def test_widths_follow_the_origins_that_had_the_same_models():
    """A model that was asked at the newest origin alone widens by what was seen there."""
    values = np.random.default_rng(13).normal(10.0, 1.0, 600)
    past, horizon, those = gathered(values)
    sure = {ZERO_SHOT: np.linspace(9.9, 10.1, 9)[:, None].repeat(horizon, axis=1)}
    for course in those.courses[-2:]:
        course.update(sure)
    found = auto.weigh(past, horizon, those)
    assert len(found.ratios) == 1
    assert found.origins == 3
    del those.courses[-2][ZERO_SHOT]  # no time for it: what the others saw has to do
    assert len(auto.weigh(past, horizon, those).ratios) == 3


def test_sparse_series_have_a_width():
    """Mostly the same value, and no model that tells of the rest: the past as a whole does."""
    values = np.zeros(600)
    values[np.random.default_rng(14).choice(500, 20, replace=False)] = 50.0
    deciles = auto.weigh(*gathered(values)).deciles
    assert (np.diff(deciles, axis=0) > 0).all()
    assert (np.diff(np.ptp(deciles, axis=0)) >= 0).all()
    assert np.ptp(deciles, axis=0).max() < 50.0


def test_bursts_move_neither_the_point_nor_the_width():
    """What one model follows alone is not the blend's; errors of a few steps are not the usual."""
    calm = np.array([10.0, 10.5, 9.5, 10.2])
    weights = np.array([0.3, 0.3, 0.2, 0.2])
    alike = blending.middle_mean(np.tile(calm[:, None], 3), weights)
    assert (calm.min() < alike).all()
    assert (alike < calm.max()).all()
    burst = np.tile(calm[:, None], 3)
    burst[3] = 1e6
    assert (blending.middle_mean(burst, weights) < calm.max()).all()
    rng = np.random.default_rng(11)
    values = rng.normal(10.0, 1.0, 600)
    quiet = auto.weigh(*gathered(values)).deciles
    values[50::97] += 1e6
    loud = auto.weigh(*gathered(values)).deciles
    assert np.ptp(loud, axis=0).max() < 3 * np.ptp(quiet, axis=0).max()


def gathered(values: np.ndarray) -> tuple[Past, int, auto.Gathered]:
    """What a model that says 10 has to say of a series from three origins and from its end."""
    origins = origins_of(len(values), 1, 24)
    courses = [{NAIVE: np.full((1, 24), 10.0)} for _ in range(4)]
    return Past(values, ()), 24, auto.Gathered(courses, origins, ())


def test_the_effect_of_a_covariate_is_found():
    """The effect of a covariate is found."""
    rng = np.random.default_rng(7)
    prices = rng.uniform(1, 3, 224)
    values = 50 + hours(200, noise=0.5) - 8 * prices[:200]
    effect = covariate_effect(values, prices[None], (24,))
    assert effect is not None
    slope = np.polyfit(prices[200:], effect[200:], 1)[0]
    assert slope == pytest.approx(-8, abs=0.5)
    assert covariate_effect(values[:6], prices[None, :30], ()) is None


@pytest.mark.parametrize("count", [1, 2, 5, 7, 9, 30, 31, 200])
@pytest.mark.parametrize("season", [1, 12])
def test_origins_lie_within_the_series(count, season):
    """Origins lie within the series."""
    origins = origins_of(count, season, 24)
    assert all(0 < end < count and end + origins.steps <= count for end in origins.ends)
    assert list(origins.ends) == sorted(set(origins.ends))
