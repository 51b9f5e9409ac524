"""Reasons on the shipped kind of background agree with TreeSHAP on the native LightGBM model."""

import lightgbm
import numpy as np
import pytest
from scipy.stats import spearmanr

from stubtail.endpoints.shapley import make_planner
from training import background, churn, classifier, native_trees
from training.libraries import LIGHTGBM
from training.trees import missing_first

ROWS = 200


@pytest.mark.parametrize(("leaves", "rate", "rounds"), [(4, 0.6, 12), (8, 0.1, 60)])
def test_reasons_rank_as_tree_shap_does(leaves, rate, rounds):
    """Rank correlation of 0.97 and more, row by row, of log-odds; and the sums are exact.

    The two are not quite the same quantity: TreeSHAP takes what a tree expects along its paths
    (Lundberg et al., Nature Machine Intelligence 2, 2020), the server real background rows.
    """
    task = churn.TASK
    seen, holdout = classifier.split(task, task.load())
    data = lightgbm.Dataset(missing_first(seen.rows).astype(np.float64), seen.labels)
    booster = lightgbm.train(LIGHTGBM.parameters(leaves, rate, 1), data, rounds)
    model = native_trees.of_lightgbm(booster)
    listed = background.explanation(seen.rows, model.scores(seen.rows), 1)["background"]
    table = np.array([[np.nan if v is None else v for v in row] for row in listed], np.float32)
    rows = holdout.rows[:ROWS]

    planner = make_planner(table, [[index] for index in range(rows.shape[1])])
    plan = planner.plan(rows)
    base = model.scores(table)
    reasons = planner.contributions(plan, model.scores(planner.expand(plan)), base)

    native = booster.predict(missing_first(rows).astype(np.float64), pred_contrib=True)[:, :-1]
    ranks = [spearmanr(*pair).statistic for pair in zip(reasons, native, strict=True)]
    assert np.mean(ranks) >= 0.97
    assert np.quantile(ranks, 0.05) >= 0.9
    total = model.scores(rows) - planner.base(base)
    np.testing.assert_allclose(reasons.sum(axis=1), total, atol=1e-12)
