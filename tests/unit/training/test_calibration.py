"""Platt scaling finds the pair that was used to draw the outcomes."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from training import calibration


def test_fit_finds_the_pair_behind_the_outcomes():
    """Outcomes drawn with slope 0.5 and intercept -1 give these back, within chance."""
    random = np.random.default_rng(0)
    log_odds = random.normal(0, 3, 20_000)
    truth = calibration.Platt(0.5, -1.0).probabilities(log_odds)

    platt = calibration.fit(log_odds, (random.random(20_000) < truth).astype(np.int8))

    assert platt.slope == pytest.approx(0.5, abs=0.02)
    assert platt.intercept == pytest.approx(-1.0, abs=0.05)


def test_fit_agrees_with_logistic_regression():
    """Platt scaling is a logistic regression on one column, without a penalty."""
    random = np.random.default_rng(1)
    log_odds = random.normal(0, 2, 1000)
    labels = (random.random(1000) < calibration.sigmoid(log_odds)).astype(np.int8)
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], labels)

    platt = calibration.fit(log_odds, labels)

    assert platt.slope == pytest.approx(model.coef_[0, 0], abs=1e-5)
    assert platt.intercept == pytest.approx(model.intercept_[0], abs=1e-5)


def test_fit_refuses_scores_that_separate_the_outcomes():
    """No slope is best then: each steeper one is better, and every probability would be 0 or 1."""
    with pytest.raises(ValueError, match="separate"):
        calibration.fit(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1], dtype=np.int8))


def test_sigmoid_does_not_overflow():
    """Log-odds of a thousand are certain, not an error (warnings are errors here)."""
    found = calibration.sigmoid(np.array([-1000.0, 0.0, 1000.0]))

    assert found.tolist() == [0.0, 0.5, 1.0]
