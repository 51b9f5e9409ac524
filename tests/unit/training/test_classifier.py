"""The steps of a yes/no training on invented rows: parts apart, parity, a record that is read."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stubtail.models.manifest import Manifest
from training import boosting, classifier
from training.boosting import Candidate
from training.classifier import Levels, Task
from training.datasets import Dataset
from training.export import Trained, export
from training.features import Category, Number
from training.libraries import CATBOOST, LIGHTGBM

ROWS = 1500
TASK = Task(
    name="invented",
    description="An invented outcome.",
    meaning="calibrated probability of yes",
    classes=("no", "yes"),
    features=(
        Number(name="size", description="any number", missing="allow"),
        Category(name="kind", description="one of two", categories=("a", "b")),
    ),
    load=lambda: dataset(grouped=False),
    seed=3,
    levels=Levels(
        names=("low", "high"), thresholds=lambda share, _: (share,), rule="high from the mean"
    ),
    members=(LIGHTGBM, CATBOOST),
)


def dataset(*, grouped: bool) -> Dataset:
    """Rows with holes and a category; 300 groups of five, if they shall have any."""
    random = np.random.default_rng(1)
    size, kind = random.normal(0, 1, ROWS), random.integers(0, 2, ROWS)
    happened = size + kind + random.normal(0, 1.5, ROWS) > 0.7
    size[random.random(ROWS) < 0.1] = np.nan
    return Dataset(
        name="invented",
        title="Invented",
        package="none",
        package_version="1",
        frame=pd.DataFrame({"size": size, "kind": np.array(["a", "b"], object)[kind]}),
        labels=happened.astype(np.int8),
        groups=np.arange(ROWS) // 5 if grouped else None,
        grouped_by="five in a row" if grouped else "",
    )


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    """One setting and few budgets: the steps are what matters here."""
    monkeypatch.setattr(boosting, "CANDIDATES", (Candidate(4, 0.4),))
    monkeypatch.setattr(boosting, "BUDGETS", range(20, 29, 4))


@pytest.fixture
def trained() -> Trained:
    """The model of the task."""
    return classifier.train(TASK, lambda _: None)


def test_the_record_is_published_and_read(trained, tmp_path):
    """Parity over all held-out rows, and the server's reader accepts every part."""
    exported = export(trained, "1", tmp_path)

    manifest = Manifest.parse((exported.folder / "model.json").read_text(), "model.json")
    assert exported.parity <= 1e-6
    assert manifest.output is not None
    assert manifest.output.classes == ("no", "yes")
    assert len(trained.holdout) == ROWS / 5
    assert np.isnan(trained.holdout).any()
    assert [one["algorithm"] for one in trained.document["training"]["members"]] == [
        "LightGBM",
        "CatBoost",
    ]


def test_levels_follow_from_the_training_rows(trained):
    """The threshold is the share of positives among them, as the task says."""
    found = trained.document["output"]["levels"]
    seen = trained.document["statistics"]

    assert found["names"] == ["low", "high"]
    assert found["thresholds"] == [seen["positives"] / seen["rows"]]


def test_training_twice_gives_the_same(trained):
    """Graph and record."""
    again = classifier.train(TASK, lambda _: None)

    assert again.graph == trained.graph
    assert again.document == trained.document


def test_held_out_rows_are_those_that_were_measured(trained):
    """A test that measures again gets the same rows, and what happened."""
    rows, truths = classifier.held_out(TASK)

    np.testing.assert_array_equal(rows, trained.holdout)
    assert int(truths["score"].sum()) == trained.document["metrics"]["positives"]


def test_groups_are_never_on_both_sides():
    """A fifth of the groups is held out; the record says what a group is."""
    task = replace(TASK, load=lambda: dataset(grouped=True))

    seen, holdout = classifier.split(task, task.load())

    assert seen.groups is not None
    assert holdout.groups is not None
    assert not set(seen.groups) & set(holdout.groups)
    assert len(holdout.labels) == pytest.approx(ROWS / 5, rel=0.05)
    record = classifier.train(task, lambda _: None).document["training"]
    assert record["holdout"]["grouped_by"] == "five in a row"
