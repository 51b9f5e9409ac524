"""BG/NBD and Gamma-Gamma find what their papers found, and their forecasts agree."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.bgnbd import BgNbd, GammaGamma, Summary

WEEK = 7.0  # the papers count in weeks, we in days


def published() -> Summary:
    """The 2,357 customers of both papers: 39 weeks of CDNOW."""
    found = importlib.util.find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the customers come with the package lifetimes")
    folder = Path(found.submodule_search_locations[0], "datasets")
    # the first line of the file is the name of its last columns
    frame = pd.read_csv(
        folder / "cdnow_customers_summary_with_transactions.csv", header=None, skiprows=1
    )
    *_, x, last, age, value = (frame[column].to_numpy(float) for column in frame.columns[:5])
    return Summary(x, last * WEEK, age * WEEK, np.where(x > 0, value, np.nan))


def test_bg_nbd_of_the_paper():
    """Table 2 of Fader, Hardie, Lee 2005: r 0.243, alpha 4.414 weeks, a 0.793, b 2.426."""
    model = BgNbd.fit(published())

    assert (model.r, model.alpha / WEEK) == pytest.approx((0.243, 4.414), rel=2e-3)
    assert (model.a, model.b) == pytest.approx((0.793, 2.426), rel=2e-3)


def test_gamma_gamma_of_the_paper():
    """Fader, Hardie 2013: p 6.25, q 3.74, gamma 15.44, for the same customers."""
    model = GammaGamma.fit(published())

    assert (model.p, model.q, model.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=5e-3)


@pytest.fixture
def customers() -> Summary:
    """Four of a kind: silent since the first, lively, long gone, new."""
    return Summary(
        repeats=np.array([0.0, 8.0, 8.0, 0.0]),
        last=np.array([0.0, 340.0, 100.0, 0.0]),
        age=np.array([350.0, 350.0, 350.0, 5.0]),
        value=np.array([np.nan, 30.0, 30.0, np.nan]),
    )


MODEL = BgNbd(r=0.243, alpha=30.9, a=0.793, b=2.426)


def test_forecasts_agree(customers):
    """Chances lie between 0 and 1 and grow; purchases are no fewer than chances; waits follow."""
    day, month, year = (MODEL.buys(customers, days) for days in (1, 30, 365))

    assert ((day > 0) & (day < month) & (month < year) & (year < 1)).all()
    assert (MODEL.expected_purchases(customers, 30) >= month).all()
    # within a single day a second purchase is rare: both say the same
    np.testing.assert_allclose(
        MODEL.expected_purchases(customers, 0.01), MODEL.buys(customers, 0.01), rtol=0.02
    )
    wait = MODEL.expected_wait(customers, 90)
    np.testing.assert_allclose(wait, 90 - sum(MODEL.buys(customers, d) for d in range(90)))
    assert wait[1] == wait.min()


def test_silence_after_many_purchases_means_gone(customers):
    """Who bought often and stopped is less alive than who bought often until now."""
    alive = MODEL.alive(customers)

    assert alive[0] == alive[3] == 1  # the model lets nobody leave before a repeat
    assert alive[2] < 0.05
    assert alive[1] > 0.9


def test_a_simulated_world_is_forecast():
    """50,000 customers that live as the model says: their purchases are as many as expected."""
    random = np.random.default_rng(1)
    n, age, ahead = 50_000, 200.0, 90.0
    rate = random.gamma(MODEL.r, 1 / MODEL.alpha, n)
    leave = random.beta(MODEL.a, MODEL.b, n)
    repeats, last, future = np.zeros(n), np.zeros(n), np.zeros(n)
    now, alive = np.zeros(n), np.ones(n, bool)
    for _ in range(400):
        now = now + random.exponential(1 / rate)
        before, later = alive & (now <= age), alive & (now > age) & (now <= age + ahead)
        repeats, last = repeats + before, np.where(before, now, last)
        future = future + later
        alive = alive & (now <= age + ahead) & (random.random(n) >= leave)
        if not alive.any():
            break
    known = Summary(repeats, last, np.full(n, age), np.full(n, np.nan))

    assert MODEL.expected_purchases(known, ahead).mean() == pytest.approx(future.mean(), rel=0.05)
    assert MODEL.buys(known, ahead).mean() == pytest.approx((future > 0).mean(), rel=0.05)
    fitted = BgNbd.fit(known)
    assert (fitted.r, fitted.alpha) == pytest.approx((MODEL.r, MODEL.alpha), rel=0.15)
