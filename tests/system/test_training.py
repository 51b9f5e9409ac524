"""The real training, run twice: same bytes, parity, worth more than its baselines, as committed."""

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest

from stubtail.models.manifest import Manifest
from training import churn
from training.calls import p50_us
from training.export import Trained, export, open_session
from training.records import shipped

REPOSITORY = Path(__file__).resolve().parents[2]
COMMITTED = REPOSITORY / "exported_models" / "churn" / "1"
FILES = ("model.onnx", "model.json")
BUSY_S = 300.0  # a training takes 10 s, and many times that beside others
pytestmark = pytest.mark.timeout(2 * BUSY_S)


@pytest.fixture(scope="module")
def steps() -> list[str]:
    """What the training in this process reported."""
    return []


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Popen[str], Path]]:
    """The command, which trains churn while this process does so too, and where it publishes."""
    out = tmp_path_factory.mktemp("second")
    command = [sys.executable, "-m", "training", "churn", "--out", str(out)]
    with Popen(command, cwd=REPOSITORY, stdout=PIPE, stderr=PIPE, text=True) as process:
        yield process, out
        process.kill()


@pytest.fixture(scope="module")
def trained(launched: tuple[Popen[str], Path], steps: list[str]) -> Trained:
    """Churn, trained in this process."""
    return churn.train(steps.append)


@pytest.fixture(scope="module")
def first(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version folder of the training in this process."""
    return export(trained, "1", tmp_path_factory.mktemp("first")).folder


@pytest.fixture(scope="module")
def command(launched: tuple[Popen[str], Path]) -> tuple[Path, str]:
    """The version folder that the command published, and what it printed."""
    process, out = launched
    printed, errors = process.communicate(timeout=BUSY_S)
    assert process.returncode == 0, errors
    return out / "churn" / "1", printed


def scores_of(folder: Path, rows: np.ndarray) -> np.ndarray:
    """The scores of a published graph, [rows]."""
    session = open_session((folder / "model.onnx").read_bytes())
    (scores,) = session.run(["score"], {"features": rows})
    return np.asarray(scores)[:, 0]


def test_training_twice_gives_the_same_bytes(first, command):
    """In another process and another folder, graph and record are the same to the byte."""
    second, _ = command

    assert [(first / name).read_bytes() for name in FILES] == [
        (second / name).read_bytes() for name in FILES
    ]
    assert sorted(path.name for path in second.iterdir()) == sorted(FILES)


def test_the_command_shows_the_model_against_its_baselines(command):
    """The last lines say what a person wants to know before the model goes live."""
    _, shown = command

    for text in ("majority", "logistic regression", "AUC", "parity", "one row: p50", "intervals"):
        assert text in shown


def test_graph_agrees_with_the_trained_model_on_every_held_out_row(trained, first):
    """Parity to 1e-6 with the three libraries, their mean and Platt, over all rows."""
    found = scores_of(first, trained.holdout)

    assert trained.holdout.shape == (1409, 19)
    assert np.abs(found - trained.expected["score"]).max() <= 1e-6


def test_a_row_scores_the_same_alone_and_among_others(trained, first):
    """Batching cannot be seen in a score."""
    session = open_session((first / "model.onnx").read_bytes())
    alone = [session.run(None, {"features": row[None, :]})[0][0, 0] for row in trained.holdout]

    np.testing.assert_array_equal(scores_of(first, trained.holdout), np.array(alone))


def test_held_out_rows_have_missing_values_too(trained):
    """The rows set aside contain customers without a first bill, so that parity covers them."""
    assert np.isnan(trained.holdout).any()


def test_the_model_is_worth_its_keep(first):
    """Better than the majority in every measure of probability, and at least a fair AUC."""
    metrics = json.loads((first / "model.json").read_text())["metrics"]
    model, majority = metrics["model"], metrics["baselines"]["majority"]

    assert model["auc"] > 0.83
    assert model["average_precision"] > majority["average_precision"] + 0.3
    assert model["log_loss"] < majority["log_loss"] - 0.1
    assert model["brier"] < majority["brier"] - 0.04
    assert model["accuracy"] > majority["accuracy"]
    assert model["expected_calibration_error"] < 0.05
    assert model["auc"] > metrics["baselines"]["logistic_regression"]["auc"] - 0.005


def test_the_record_is_one_that_the_server_reads(first):
    """All 19 features in order, with the rules of the task."""
    manifest = Manifest.parse((first / "model.json").read_text(), "model.json")

    assert [feature.name for feature in manifest.features] == [f.name for f in churn.FEATURES]
    assert manifest.features[-1].missing == "allow"
    assert manifest.output is not None
    assert manifest.output.classes == ("stay", "leave")


def test_every_step_is_reported(trained, steps):
    """A progress bar that is told the number of steps ends full."""
    assert len(steps) == churn.STEPS


def test_the_committed_model_is_what_training_gives(first):
    """With the same library versions, training again gives the files in exported_models."""
    committed = json.loads((COMMITTED / "model.json").read_text())["training"]
    fresh = json.loads((first / "model.json").read_text())["training"]
    here = {**fresh["libraries"], "platform": fresh["platform"]}
    there = {**committed["libraries"], "platform": committed["platform"]}
    if here != there:
        other = {name: (there[name], here[name]) for name in there if there[name] != here[name]}
        pytest.skip(f"trained with other versions, (committed, here): {other}")
    for name in ("catboost", "lightgbm", "onnx"):
        assert fresh["libraries"][name] == version(name)

    for name in FILES:
        assert (first / name).read_bytes() == (COMMITTED / name).read_bytes(), name


def test_a_call_to_every_shipped_model_can_be_timed():
    """A server, a client and one row at a time: what the table in training/README.md measures."""
    models = REPOSITORY / "exported_models"
    records = [one for one in shipped(models) if "explanation" in one.document]

    found = p50_us(models, records, calls=20)

    assert set(found) == {record.name for record in records}
    assert all(0 < time_us < 1e6 for time_us in found.values())
