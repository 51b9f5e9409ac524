"""From rows with a yes/no outcome to a calibrated model with its record: the steps in order."""

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
from sklearn.model_selection import train_test_split

from training import baselines, boosting, calibration, evaluate, trees
from training.datasets import Dataset
from training.evaluate import Scores
from training.features import Feature, Labels, Matrix, Part, as_json, describe, encode, statistics

HOLDOUT_SHARE: Final = 0.2
LIBRARIES: Final = ("lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be predicted, from what, and in which words.

    Attributes:
        name: of the model.
        description: one sentence about it.
        meaning: one sentence about its score.
        classes: the labels of the outcomes 0 and 1.
        features: the columns, in the order of the graph's input.
        load: reads the data set.
        seed: of every draw.
    """

    name: str
    description: str
    meaning: str
    classes: tuple[str, str]
    features: tuple[Feature, ...]
    load: Callable[[], Dataset]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model ready for export, with rows to prove the export on.

    Attributes:
        task: what it predicts.
        graph: the model in ONNX, calibration included.
        holdout: rows that nothing was fitted, chosen or calibrated on, [rows, features].
        expected: their probabilities by LightGBM and Platt before any conversion, [rows].
        document: the parts of model.json that follow from training.
    """

    task: Task
    graph: bytes
    holdout: Matrix
    expected: Scores
    document: dict[str, Any]


def steps_of_training() -> int:
    """How often `train` calls its `step`."""
    return len(boosting.CANDIDATES) * boosting.FOLDS + 2


def train(task: Task, step: Callable[[str], None]) -> Trained:
    """Splits, chooses, calibrates, fits and judges.

    Args:
        task: what to predict.
        step: called after each piece of work with its name, `steps_of_training()` times.

    Raises:
        DataError: the data set is not what the task describes.
        ValueError: calibration or folding found no solution.
    """
    dataset = task.load()
    seen, holdout = _split(task, dataset)
    folds = boosting.folds_of(seen, task.seed)
    choice = boosting.choose(seen, folds, task.seed, step)
    platt = calibration.fit(choice.out_of_fold, seen.labels)
    out_of_fold = platt.probabilities(choice.out_of_fold)
    threshold = evaluate.best_threshold(seen.labels, out_of_fold)

    booster = boosting.fit(seen, choice, task.seed)
    log_odds = booster.predict(trees.missing_first(holdout.rows), raw_score=True)
    expected = platt.probabilities(log_odds)
    graph = _graph(task, booster, platt, threshold)
    step("calibrated")

    document = {
        "features": as_json(task.features, seen.rows),
        "output": {
            "score": trees.OUTPUT,
            "meaning": task.meaning,
            "classes": list(task.classes),
            "threshold": threshold,
        },
        "calibration": _calibration(platt, choice.out_of_fold, seen.labels),
        "training": _record(task, dataset, choice, holdout),
        "statistics": {
            **_size(seen),
            "features": statistics(task.features, seen.rows),
            "score": describe(out_of_fold.astype(np.float32)),
        },
        "metrics": _metrics(task, seen, folds, holdout, expected, threshold),
    }
    step("measured")
    return Trained(
        task=task, graph=graph, holdout=holdout.rows, expected=expected, document=document
    )


def _split(task: Task, dataset: Dataset) -> tuple[Part, Part]:
    """The rows to train on, and those to measure on, with the same share of positives."""
    rows = encode(dataset.frame, task.features)
    parts = train_test_split(
        np.arange(dataset.labels.size),
        test_size=HOLDOUT_SHARE,
        stratify=dataset.labels,
        random_state=task.seed,
    )
    seen, holdout = (Part(rows[index], dataset.labels[index]) for index in parts)
    return seen, holdout


def _size(part: Part) -> dict[str, int]:
    return {"rows": int(part.labels.size), "positives": int(part.labels.sum())}


def _graph(task: Task, booster: Any, platt: calibration.Platt, threshold: float) -> bytes:
    """The graph of booster and calibration; the booster carries the calibration afterwards."""
    return trees.to_onnx(
        booster,
        trees.fold(booster, platt),
        name=task.name,
        notes=f"{task.description} Output: {task.meaning}.",
        metadata={
            "classes": ",".join(task.classes),
            "features": ",".join(feature.name for feature in task.features),
            "threshold": f"{threshold:g}",
        },
    )


def _metrics(
    task: Task,
    seen: Part,
    folds: boosting.Folds,
    holdout: Part,
    expected: Scores,
    threshold: float,
) -> dict[str, Any]:
    """The model against its baselines, all on the held-out rows."""
    labels = holdout.labels
    linear, linear_threshold = baselines.logistic_regression(
        task.features, seen, folds, holdout.rows
    )
    return {
        **_size(holdout),
        "model": evaluate.measures(labels, expected, threshold),
        "baselines": {
            "majority": baselines.majority(seen.labels, labels),
            "logistic_regression": evaluate.measures(labels, linear, linear_threshold),
        },
        "auc_over_logistic_regression": evaluate.auc_gain(labels, expected, linear, task.seed),
    }


def _calibration(platt: calibration.Platt, log_odds: Scores, labels: Labels) -> dict[str, Any]:
    """What calibration changed, on the out-of-fold scores that it was fitted on."""
    before, after = calibration.sigmoid(log_odds), platt.probabilities(log_odds)
    values = {
        "log_loss_before": evaluate.log_loss(labels, before),
        "log_loss_after": evaluate.log_loss(labels, after),
        "calibration_error_before": evaluate.calibration_error(labels, before),
        "calibration_error_after": evaluate.calibration_error(labels, after),
    }
    return {
        "method": "Platt scaling of out-of-fold log-odds, folded into the leaves of the trees",
        **asdict(platt),
        "threshold_rule": "the best F1 out of fold, in steps of 0.01",
        **{name: round(value, evaluate.DIGITS) for name, value in values.items()},
    }


def _record(task: Task, dataset: Dataset, choice: boosting.Choice, holdout: Part) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": {
            "name": dataset.name,
            "title": dataset.title,
            "package": dataset.package,
            "package_version": dataset.package_version,
            "rows": int(dataset.labels.size),
            "positives": int(dataset.labels.sum()),
        },
        "holdout": {"rows": int(holdout.labels.size), "share": HOLDOUT_SHARE, "stratified": True},
        "folds": boosting.FOLDS,
        "seed": task.seed,
        "algorithm": "LightGBM",
        "parameters": choice.candidate.parameters(task.seed),
        "rounds": choice.rounds,
        "chosen_by": (
            f"least work a row within {boosting.TOLERANCE} of the best out-of-fold log loss"
        ),
        "log_loss_out_of_fold": round(choice.log_loss, evaluate.DIGITS),
        "candidates": choice.tried,
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
