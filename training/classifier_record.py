"""What model.json tells of a yes/no model: how it was made, how good it is, compared with what."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from training import (
    background,
    baselines,
    boosting,
    calibration,
    evaluate,
    graph,
    intervals,
    plots,
)
from training.datasets import Dataset
from training.evaluate import Scores
from training.features import Part, as_json, describe, statistics
from training.trees import Ensemble

if TYPE_CHECKING:
    from training.classifier import Task

LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn")
HEADLINE: Final = ("auc", "average_precision", "lift_top_decile", "brier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Everything that training has found out.

    Attributes:
        task: what was trained.
        seen: the rows to train on.
        holdout: the rows to measure on.
        folds: of the training rows.
        choice: the members and their settings.
        platt: the calibration.
        threshold: from which a row belongs to the second class.
        levels: thresholds of the levels.
        interval: for model.json.
        out_of_fold: calibrated probabilities of the training rows, [rows].
        expected: probabilities of the held-out rows, [rows].
        members: likewise for each member alone, without calibration.
    """

    task: "Task"
    seen: Part
    holdout: Part
    folds: boosting.Folds
    choice: boosting.Choice
    platt: calibration.Platt
    threshold: float
    levels: tuple[float, ...]
    interval: dict[str, Any]
    out_of_fold: Scores
    expected: Scores
    members: Sequence[Scores]


def document(judged: Judged, dataset: Dataset, ensemble: Ensemble) -> dict[str, Any]:
    """The parts of model.json that follow from training.

    Args:
        judged: what training has found out.
        dataset: where the rows came from.
        ensemble: all trees, as they are in the graph.
    """
    task, seen = judged.task, judged.seen
    metrics, report = _metrics(judged)
    return {
        "features": as_json(task.features, seen.rows),
        "output": _output(judged),
        "explanation": background.explanation(
            seen.rows, ensemble.scores(seen.rows), task.seed, groups=task.groups
        ),
        "calibration": _calibration(judged),
        "training": _training(judged, dataset, ensemble),
        "statistics": {
            **_size(seen),
            "features": statistics(task.features, seen.rows),
            "score": describe(judged.out_of_fold.astype(np.float32)),
        },
        "metrics": metrics,
        "report": report,
    }


def _size(part: Part) -> dict[str, int]:
    """How many rows and how many of them positive."""
    return {"rows": int(part.labels.size), "positives": int(part.labels.sum())}


def reference(task: "Task") -> str:
    """What the graph is compared with."""
    names = [library.title for library in task.members]
    *others, last = names
    joined = f"{', '.join(others)} and {last}, their log-odds averaged," if others else last
    return f"{joined} and Platt scaling, computed by the libraries themselves"


def _output(judged: Judged) -> dict[str, Any]:
    """The main score: meaning, label, levels, interval."""
    task = judged.task
    return {
        "score": graph.OUTPUT,
        "meaning": task.meaning,
        "unit": "probability",
        "classes": list(task.classes),
        "threshold": judged.threshold,
        "levels": {"names": list(task.levels.names), "thresholds": list(judged.levels)},
        "interval": judged.interval,
    }


def _metrics(judged: Judged) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model against its baselines on the held-out rows, and the same as plots."""
    task, seen, labels = judged.task, judged.seen, judged.holdout.labels
    linear, linear_threshold = baselines.logistic_regression(
        task.features, seen, judged.folds, judged.holdout.rows
    )
    expected = judged.expected
    found = {
        **_size(judged.holdout),
        "headline": list(HEADLINE),
        "model": evaluate.measures(labels, expected, judged.threshold),
        "baselines": {
            "majority": baselines.majority(seen.labels, labels),
            "logistic_regression": evaluate.measures(labels, linear, linear_threshold),
        },
        "auc_over_logistic_regression": evaluate.auc_gain(labels, expected, linear, task.seed),
        "members": {
            member.library.name: evaluate.measures(labels, scores, judged.threshold)
            for member, scores in zip(judged.choice.members, judged.members, strict=True)
        },
        "cross_validation": _cross_validation(judged),
        "levels": _levels(judged),
        "coverage": intervals.measure(
            judged.interval, {graph.OUTPUT: expected}, graph.OUTPUT, labels
        ),
        "coverage_of_positives": intervals.measure(
            judged.interval,
            {graph.OUTPUT: expected[labels == 1]},
            graph.OUTPUT,
            labels[labels == 1],
        ),
    }
    models = {task.name: expected, "logistic regression": linear}
    return found, {"plots": plots.of_classifier(labels, models)}


def _calibration(judged: Judged) -> dict[str, Any]:
    """What calibration changed, on the out-of-fold scores that it was fitted on."""
    labels, after = judged.seen.labels, judged.out_of_fold
    before = calibration.sigmoid(judged.choice.out_of_fold)
    values = {
        "log_loss_before": evaluate.log_loss(labels, before),
        "log_loss_after": evaluate.log_loss(labels, after),
        "calibration_error_before": evaluate.calibration_error(labels, before),
        "calibration_error_after": evaluate.calibration_error(labels, after),
    }
    return {
        "method": "Platt scaling of out-of-fold log-odds, folded into the leaves of the trees",
        **asdict(judged.platt),
        "threshold_rule": "the best F1 out of fold, in steps of 0.01",
        "levels_rule": judged.task.levels.rule,
        "interval_rows": "every training row, scored by the model that had not seen it",
        **{name: round(value, evaluate.DIGITS) for name, value in values.items()},
    }


def _training(judged: Judged, dataset: Dataset, ensemble: Ensemble) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    task, choice, rows = judged.task, judged.choice, judged.holdout.labels.size
    return {
        "dataset": {
            "name": dataset.name,
            "title": dataset.title,
            "package": dataset.package,
            "package_version": dataset.package_version,
            "rows": int(dataset.labels.size),
            "positives": int(dataset.labels.sum()),
        },
        "holdout": {
            "rows": int(rows),
            "share": round(rows / dataset.labels.size, 2),
            "stratified": True,
            **({"grouped_by": dataset.grouped_by} if dataset.grouped_by else {}),
        },
        "folds": boosting.FOLDS,
        "seed": task.seed,
        "algorithm": "soft voting in log-odds: the mean of the members",
        "members": [
            {
                "algorithm": member.library.title,
                "rounds": member.rounds,
                "parameters": member.parameters(task.seed),
            }
            for member in choice.members
        ],
        "trees": len(ensemble.trees),
        "budget": choice.budget,
        "chosen_by": (
            "least work a row (comparisons in each member) within"
            f" {boosting.TOLERANCE} of the best out-of-fold log loss of the vote"
        ),
        "log_loss_by_budget": choice.tried,
        "libraries": dict(
            sorted(
                {
                    **{name: version_of(name) for name in LIBRARIES},
                    **{library.name: library.version for library in task.members},
                }.items()
            )
        ),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }


def _cross_validation(judged: Judged) -> dict[str, Any]:
    """The members and their vote on the training rows, out of fold; all on the same folds.

    The settings were chosen on these very folds: all figures flatter a little, by the same rule.
    """
    labels, choice, folds = judged.seen.labels, judged.choice, judged.folds
    mean = np.mean([calibration.sigmoid(member.out_of_fold) for member in choice.members], axis=0)
    return {
        "folds": len(folds),
        "rows": int(labels.size),
        "members": {
            member.library.name: boosting.fold_measures(labels, member.out_of_fold, folds)
            for member in choice.members
        },
        "ensemble": boosting.fold_measures(labels, choice.out_of_fold, folds),
        "mean_of_probabilities": {
            "log_loss": round(evaluate.log_loss(labels, mean), evaluate.DIGITS),
        },
    }


def _levels(judged: Judged) -> dict[str, dict[str, float]]:
    """For each level, its share of the held-out rows and the share of positives in it."""
    labels = judged.holdout.labels
    where = np.digitize(judged.expected, judged.levels)
    return {
        name: {
            "share": round(float((where == level).mean()), 4),
            "positives": round(float(labels[where == level].mean()), 4)
            if (where == level).any()
            else 0.0,
        }
        for level, name in enumerate(judged.task.levels.names)
    }
