"""The shipped lead scores: honest about the future, in range, and fed by the client's features."""

import csv
import json
from importlib.util import find_spec
from itertools import chain

import numpy as np
import pytest

from stubtail_client.transactions import transaction_features
from training import cdnow, intervals, lead, lead_record
from training.__main__ import REPOSITORY
from training.export import open_session
from training.lead_graph import OUTPUTS
from training.lead_models import HORIZON_DAYS
from training.transaction_columns import about

FOLDER = REPOSITORY / "exported_models" / "lead" / "1"
DOCUMENT = json.loads((FOLDER / "model.json").read_text())
EXAMPLES = REPOSITORY / "training" / "examples"


@pytest.fixture(scope="module")
def session():
    """The shipped graph."""
    return open_session((FOLDER / "model.onnx").read_bytes())


@pytest.fixture(scope="module")
def held():
    """The held-out date: every customer, and what happened after it."""
    if find_spec("lifetimes") is None:
        pytest.skip("the purchases come with the package lifetimes")
    return cdnow.panel(cdnow.purchases(), lead.HELD_OUT, HORIZON_DAYS)


@pytest.fixture(scope="module")
def scores(session, held):
    """What the shipped graph says of them, by output."""
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {"features": held.rows})
    return {name: values.ravel() for name, values in zip(names, found, strict=True)}


def examples(name):
    """Rows of an example file as dicts."""
    with (EXAMPLES / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_no_outcome_of_training_reaches_the_held_out_date():
    """Neither those that the trees learned from nor those that the intervals were calibrated on."""
    ends = [np.datetime64(date) + HORIZON_DAYS for date in lead.DATES]

    assert max(ends) <= np.datetime64(lead.HELD_OUT)
    assert DOCUMENT["training"]["dates"] == list(lead.DATES)


def test_features_of_the_record_are_those_of_the_client():
    """The same names in the same order, each described; at least 100, in groups."""
    found = transaction_features(["a"], ["2026-01-01"], [1.0], [1], "2026-02-01")

    assert [feature["name"] for feature in DOCUMENT["features"]] == list(found.names)
    assert len(found.names) >= 100
    assert all(about(name) for name in found.names)
    groups = DOCUMENT["explanation"]["groups"]
    assert len(groups) == 6
    assert sorted(chain.from_iterable(groups.values())) == sorted(found.names)
    assert all(set(found.groups[name]) == set(groups[name]) for name in list(groups)[:-1])


def test_a_feature_without_a_description_is_noticed():
    """Rather than published without words."""
    with pytest.raises(KeyError, match="shoe_size"):
        about("shoe_size")


def test_the_example_rows_come_from_the_example_purchases():
    """`examples/lead.csv` is `examples/purchases.csv` through the client's function."""
    bought = examples("purchases.csv")
    columns = ([row[name] for row in bought] for name in ("customer", "date", "value", "items"))
    who, when, paid, items = columns
    found = transaction_features(
        who, when, np.array(paid, float), np.array(items, float), "2026-06-01"
    )

    for name in ("lead.csv", "ltv.csv"):
        rows = examples(name)
        assert [row["customer"] for row in rows] == found.customers.tolist()
        table = [[float(row[f] or "nan") for f in found.names] for row in rows]
        np.testing.assert_allclose(np.array(table, np.float32), found.rows, rtol=1e-5)


@pytest.mark.parametrize("name", OUTPUTS)
def test_coverage_through_the_shipped_graph(scores, held, name):
    """On the held-out date, within two points of what was asked."""
    some = lead_record.about(name, held)
    interval = next(one["interval"] for one in DOCUMENT["outputs"] if one["name"] == name)
    here = {key: values[some] for key, values in scores.items()}

    found = intervals.measure(interval, here, name, lead_record.truth_of(held)[name][some])

    for one in found["coverages"]:
        assert abs(one["measured"] - one["nominal"]) <= intervals.COVERAGE_TOLERANCE, one


def test_scores_are_in_range_and_agree(scores, held):
    """Chances are chances, days lie in the horizon, and who is likely to buy soon is not lost."""
    for name in lead_record.CHANCES:
        assert ((scores[name] >= 0) & (scores[name] <= 1)).all()
    assert ((scores["timing"] >= 0) & (scores["timing"] <= HORIZON_DAYS)).all()
    assert (scores["budget"] > 0).all()
    assert (scores["conversion"][held.column("purchases") > 1] == 1).all()
    assert np.corrcoef(scores["intent"], scores["churn_risk"])[0, 1] < -0.8
    assert np.corrcoef(scores["intent"], scores["engagement"])[0, 1] > 0.8


def test_the_measures_beat_no_model_at_all():
    """Each dimension is closer to the truth than its own mean is."""
    for name, found in DOCUMENT["metrics"]["outputs"].items():
        measure = "log_loss" if name in lead_record.CHANCES else "rmse"
        assert found["model"][measure] < found["baselines"]["mean"][measure], name


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_readme_shows_the_committed_measures(name):
    """A training with other results has to bring its table along."""
    page = (REPOSITORY / "training" / "README.md").read_text()
    found = DOCUMENT["metrics"]["outputs"][name]
    measure = "auc" if name in lead_record.CHANCES else "rmse"
    digits = 4 if measure == "auc" else 2
    coverage = ", ".join(
        f"{one['measured']:.1%}".rstrip("%") for one in found["coverage"]["coverages"]
    )
    rivals = (found["baselines"][key] for key in ("recency_frequency_value", "mean"))
    last = " | ".join(f"{rival[measure]:.{digits}f}" for rival in rivals)

    (line,) = [
        line for line in page.splitlines() if line.startswith(f"| {name} | ") and "%" in line
    ]
    assert f" | {found['model'][measure]:.{digits}f} | " in line
    assert line.endswith(f" | {last} | {coverage} % |")
