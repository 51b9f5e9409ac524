"""Every model on good and on odd series, with the shipped graphs."""

import time
from importlib.util import find_spec

import numpy as np
import pytest

from stubtail.forecasting.engine import Engine
from stubtail.forecasting.graphs import GraphChangedError
from stubtail.forecasting.members import SMOOTHING
from stubtail.forecasting.pace import Rate
from stubtail.forecasting.smoothing import STEPS_MAX, steps_of
from stubtail.forecasting.task import (
    AUTO,
    ETS,
    MODELS,
    NAIVE,
    THETA,
    TREES,
    ZERO_SHOT,
    GraphFile,
    SeriesError,
    Task,
    TooSlowError,
)
from tests.unit.forecasting.series import hours, months, shipped

GRAPHS = shipped()
LEVELS = np.array([0.1, 0.5, 0.9])
ODD = {
    "one value": [5.0],
    "two values": [1.0, 2.0],
    "flat": [3.0] * 60,
    "zeros": [0.0] * 60,
    "gaps": [np.nan, 1, np.nan, 2, 3, 4, np.nan, np.nan, 7, 8, 9, np.nan],
    "large": (1e140 * np.sin(np.arange(80.0))).tolist(),
    "small": (1e-140 * np.sin(np.arange(80.0))).tolist(),
    "one spike": [0.0] * 40 + [1e9] + [0.0] * 40,
    "negative": (-(np.arange(40.0) ** 2)).tolist(),
}
needs_statsmodels = pytest.mark.skipif(
    find_spec("statsmodels") is None, reason="ets and theta need the extra forecasting"
)


@pytest.fixture(scope="module")
def engine():
    """One for all tests."""
    made = Engine(time.monotonic, cached_fits_max=8)
    yield made
    made.close()


def task(values, model, **more):
    """A task for a model, with the shipped graphs."""
    return Task(np.asarray(values, float), more.pop("horizon", 24), LEVELS, model,
                graphs=GRAPHS, **more)  # fmt: skip


@needs_statsmodels
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("model", MODELS)
def test_odd_series_get_sensible_answers(engine, model, name):
    """Odd series get sensible answers."""
    values = np.array(ODD[name], float)
    answer = engine.forecast(task(values, model, horizon=7))
    assert np.isfinite(answer.point).all()
    assert np.isfinite(answer.quantiles).all()
    assert (np.diff(answer.quantiles, axis=0) >= 0).all()
    assert answer.reason
    if name in {"flat", "zeros"}:
        np.testing.assert_allclose(answer.point, values[0], atol=1e-4)
    if name in {"one value", "two values"}:
        assert (answer.point == values[-1]).all()
        assert answer.model == NAIVE


@pytest.mark.parametrize("model", [ZERO_SHOT, ETS, THETA])
def test_who_could_not_answer_is_not_named(engine, model):
    """The answer is another one's, and says why."""
    answer = engine.forecast(task([1.0, 4.0, 2.0, 3.0], model))
    assert (answer.model, answer.shares[0].model) == (NAIVE, NAIVE)
    assert model in answer.reason


@needs_statsmodels
@pytest.mark.parametrize("model", [AUTO, ZERO_SHOT, TREES, ETS, THETA])
def test_every_model_beats_naive_on_noisy_days(engine, model):
    """Every model beats naive on noisy days."""
    values = hours(672, noise=4.0)
    quiet = hours(672, noise=0.0)[624:]
    answer = engine.forecast(task(values[:624], model, horizon=48, step_s=3600.0))
    rival = engine.forecast(task(values[:624], NAIVE, horizon=48, step_s=3600.0))
    assert np.abs(answer.point - quiet).mean() < np.abs(rival.point - quiet).mean()
    assert 24.0 in answer.season_lengths


def test_auto_says_what_it_did(engine):
    """Auto says what it did."""
    answer = engine.forecast(task(months(96), AUTO))
    assert answer.origins == 3
    assert sum(share.weight for share in answer.shares) == pytest.approx(1)
    assert answer.backtest_mase > 0
    assert "rolling origins" in answer.reason
    assert answer.slope[1] <= answer.slope[0] <= answer.slope[2]


def test_auto_leaves_out_what_does_not_fit_into_its_time(engine):
    """It answers with what is quick, and says so."""
    engine.forecast(task(hours(600), AUTO))  # now it knows how long a run takes
    soon = time.monotonic() + 1e-4
    late = Engine(lambda: soon - 1e-4, cached_fits_max=0)  # a clock that stands still
    answer = late.forecast(task(hours(600), AUTO, deadline_s=soon))
    late.close()
    assert ZERO_SHOT not in [share.model for share in answer.shares]
    assert any("deadline" in note for note in answer.notes)


def test_what_is_too_late_is_not_begun(engine):
    """What is too late is not begun."""
    with pytest.raises(TooSlowError):
        engine.forecast(task(hours(100), AUTO, deadline_s=time.monotonic() - 1))


def test_auto_without_graphs_does_without(engine):
    """Auto without graphs does without."""
    answer = engine.forecast(Task(months(96), 12, LEVELS, AUTO))
    assert np.isfinite(answer.point).all()
    assert any("not served" in note for note in answer.notes)


def test_counts_are_whole_and_not_negative(engine):
    """Counts are whole and not negative."""
    values = np.random.default_rng(8).poisson(0.4, 200)
    answer = engine.forecast(task(values, AUTO, non_negative=True, integer=True))
    assert (answer.quantiles >= 0).all()
    assert (answer.quantiles == np.rint(answer.quantiles)).all()


def test_covariates_move_the_forecast(engine):
    """Covariates move the forecast."""
    rng = np.random.default_rng(9)
    promotion = (rng.random(224) < 0.2).astype(float)
    values = hours(200, noise=0.5) + 30 * promotion[:200]
    answer = engine.forecast(task(values, AUTO, covariates=promotion[None], step_s=3600.0))
    on = promotion[200:] > 0
    assert answer.point[on].mean() - answer.point[~on].mean() == pytest.approx(30, abs=8)


def test_long_horizons_are_rolled_on(engine):
    """Long horizons are rolled on."""
    answer = engine.forecast(task(hours(400), ZERO_SHOT, horizon=100))
    assert answer.point.shape == (100,)


@needs_statsmodels
def test_a_fit_is_kept_for_the_same_series(engine):
    """A fit is kept for the same series."""
    fits = engine._fits
    before = fits.hits
    for _ in range(2):
        engine.forecast(task(months(60), ETS))
    engine.forecast(task(months(61), ETS))
    assert fits.hits == before + 1


def test_a_graph_that_has_changed_is_not_run(engine):
    """A graph that has changed is not run."""
    wrong = GraphFile(TREES, "1", GRAPHS[TREES].path, "0" * 64)
    with pytest.raises(GraphChangedError):
        engine.forecast(Task(months(60), 5, LEVELS, TREES, graphs={TREES: wrong}))


def test_what_is_beyond_all_numbers_is_the_callers_to_change(engine):
    """A future covariate that is larger by 300 digits than any before is refused, not NaN."""
    covariate = np.random.default_rng(2).random(112) * 1e-200
    calm = engine.forecast(task(hours(100), AUTO, horizon=12, covariates=covariate[None]))
    assert np.isfinite(calm.point).all()
    assert np.isfinite(calm.quantiles).all()
    covariate[105] = 1e150
    with pytest.raises(SeriesError, match="scale them"), np.errstate(all="ignore"):
        engine.forecast(task(hours(100), AUTO, horizon=12, covariates=covariate[None]))


def test_auto_keeps_to_its_part_of_the_time_of_a_call(engine):
    """The others wait: what would take too long for its part is left out, with all time left."""
    now = time.monotonic()
    still = Engine(lambda: now, cached_fits_max=0)
    part = task(hours(600), AUTO, deadline_s=now + 100.0, due_s=now + 1e-5)
    answer = still.forecast(part)
    still.close()
    assert {share.model for share in answer.shares}.isdisjoint({ZERO_SHOT, SMOOTHING})
    assert answer.origins == 0
    assert sum("the deadline is too near" in note for note in answer.notes) == 1


def test_the_recursion_of_smoothing_is_bounded():
    """However long a season is."""
    assert steps_of(2016, [8000, 8100]) <= STEPS_MAX + 100
    assert steps_of(300, [8000]) == STEPS_MAX
    assert steps_of(24, [8000]) == 400


def test_a_rate_follows_what_is_measured_but_for_pauses():
    """A pause of the machine is no pace, and is forgiven where there is no time to find out."""
    rate = Rate(1e-3)
    rate.learn(50.0)
    assert rate.each_s < 2e-3
    for _ in range(100):
        rate.left_out()
    assert rate.each_s == pytest.approx(1e-3)
