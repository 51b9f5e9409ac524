"""The shipped lifetime values: intervals that hold on customers who were held out."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from training import cdnow, intervals, ltv
from training.__main__ import REPOSITORY
from training.export import open_session

FOLDER = REPOSITORY / "exported_models" / "ltv" / "1"
DOCUMENT = json.loads((FOLDER / "model.json").read_text())


def test_coverage_through_the_shipped_graph():
    """On the held-out fifth of the customers, within two points of what was asked."""
    if find_spec("lifetimes") is None:
        pytest.skip("the purchases come with the package lifetimes")
    panel = cdnow.panel(cdnow.purchases(), ltv.AS_OF, ltv.HORIZON_DAYS)
    held = cdnow.folds(panel.known.customers, ltv.FOLDS, ltv.SEED) == 0
    session = open_session((FOLDER / "model.onnx").read_bytes())
    value, spread = session.run(["value", "spread"], {"features": panel.rows[held]})

    outputs = {"value": value, "spread": spread}
    found = intervals.measure(DOCUMENT["output"]["interval"], outputs, "value", panel.spend[held])

    assert found["rows"] == DOCUMENT["metrics"]["rows"]
    for one in found["coverages"]:
        assert abs(one["measured"] - one["nominal"]) <= intervals.COVERAGE_TOLERANCE, one
    assert value.mean() == pytest.approx(panel.spend[held].mean(), rel=0.1)


def test_the_horizon_is_the_second_half_of_the_data():
    """39 weeks from the date, and the earlier rows end on it."""
    date, days = ltv.EARLIER

    assert ltv.HORIZON_DAYS == 39 * 7
    assert np.datetime64(ltv.AS_OF) + ltv.HORIZON_DAYS == np.datetime64("1998-07-01")
    assert np.datetime64(date) + days == np.datetime64(ltv.AS_OF)


@pytest.mark.parametrize("part", [DOCUMENT["metrics"], DOCUMENT["metrics"]["out_of_fold"]])
def test_not_worse_than_the_classic_models(part):
    """In squared error and in rank, on the held-out customers and on the others out of fold."""
    classic = part["baselines"]["bg_nbd_gamma_gamma_rescaled"]

    assert part["model"]["rmse"] <= classic["rmse"]
    assert part["model"]["spearman"] >= classic["spearman"]


@pytest.mark.parametrize("part", [DOCUMENT["metrics"], DOCUMENT["metrics"]["out_of_fold"]])
def test_the_readme_shows_the_committed_measures(part):
    """A training with other results has to bring its table along."""
    page = (REPOSITORY / "training" / "README.md").read_text()

    for found in (part["model"], part["baselines"]["bg_nbd_gamma_gamma_rescaled"]):
        cells = (found["rmse"], found["mae"]), (found["spearman"],), (found["mean_ratio"],)
        digits = (1, 3, 2)
        shown = [f"{v:.{d}f}" for group, d in zip(cells, digits, strict=True) for v in group]
        assert f"| {' | '.join(shown)} |" in page
