"""Plots as data: what model.json keeps of a curve, so that the report can draw it anywhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from training.evaluate import Scores
from training.features import Labels

POINTS_MAX: Final = 41  # of a curve: model.json travels to callers, an eye sees no more
DIGITS: Final = 4  # significant
BINS: Final = 10

Style = Literal["line", "steps", "points", "dashed"]


def plot(title: str, x: str, y: str, series: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One picture for the list `report.plots` of model.json.

    Args:
        title: above it.
        x: what the horizontal axis shows, with the unit.
        y: what the vertical axis shows, with the unit.
        series: of `line`, in drawing order.
    """
    return {"title": title, "x": x, "y": y, "series": list(series)}


def line(
    name: str, x: Sequence[float] | Scores, y: Sequence[float] | Scores, style: Style = "line"
) -> dict[str, Any]:
    """One curve, or one cloud of points, with its name in the legend; x and y are [points]."""
    return {"name": name, "style": style, "x": _short(x), "y": _short(y)}


def of_classifier(labels: Labels, models: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """Calibration, lift, ROC and precision-recall on held-out rows.

    Args:
        labels: 0 or 1, [rows].
        models: probabilities by the name of a model, [rows] each; the first is the model itself.
    """
    share = float(labels.mean())
    whole = [0.0, 1.0]
    dots = {name: _reliability(labels, scores) for name, scores in models.items()}
    most = max(float(max(x.max(), y.max())) for x, y in dots.values())
    curves = {name: _ranked(labels, scores) for name, scores in models.items()}
    return [
        plot(
            "Calibration",
            "stated probability",
            "share of positives",
            [
                line("ideal", [0.0, most], [0.0, most], "dashed"),
                *(line(name, x, y, "points") for name, (x, y) in dots.items()),
            ],
        ),
        plot(
            "Cumulative lift",
            "share of rows contacted, highest score first",
            "positives found, compared with chance",
            [
                line("chance", whole, [1.0, 1.0], "dashed"),
                *(line(n, c["chosen"][1:], c["lift"][1:]) for n, c in curves.items()),
            ],
        ),
        plot(
            "ROC",
            "false positive rate",
            "true positive rate",
            [
                line("chance", whole, whole, "dashed"),
                *(line(n, c["false"], c["found"]) for n, c in curves.items()),
            ],
        ),
        plot(
            "Precision and recall",
            "recall",
            "precision",
            [
                line("chance", whole, [share, share], "dashed"),
                *(line(n, c["found"][1:], c["precision"][1:]) for n, c in curves.items()),
            ],
        ),
    ]


def _reliability(labels: Labels, probabilities: Scores) -> tuple[Scores, Scores]:
    """Mean probability and share of positives in ten parts of equal size, by probability."""
    parts = np.array_split(np.argsort(probabilities, kind="stable"), BINS)
    stated = np.array([probabilities[part].mean() for part in parts])
    return stated, np.array([labels[part].mean() for part in parts])


def _ranked(labels: Labels, scores: Scores) -> dict[str, npt.NDArray[np.float64]]:
    """What choosing the highest scores finds, at some sizes of the choice, from none to all."""
    hits = np.concatenate([[0.0], np.cumsum(labels[np.argsort(-scores, kind="stable")])])
    sizes = np.unique(np.linspace(0, labels.size, POINTS_MAX).round().astype(int))
    found, chosen = hits[sizes], sizes.astype(np.float64)
    positives, rows = float(labels.sum()), float(labels.size)
    precision = found / np.maximum(chosen, 1.0)
    return {
        "chosen": chosen / rows,
        "found": found / positives,
        "false": (chosen - found) / (rows - positives),
        "precision": precision,
        "lift": precision * rows / positives,
    }


def _short(values: Sequence[float] | Scores) -> list[float]:
    return [float(f"{float(value):.{DIGITS}g}") for value in values]
