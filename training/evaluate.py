"""How good probabilities are: measures of rank, of error and of honesty, and a fair threshold."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.features import Labels

Scores = npt.NDArray[np.float64]

CALIBRATION_BINS: Final = 10
THRESHOLDS: Final = np.arange(1, 100) / 100  # finer steps would be noise
RESAMPLES: Final = 500
DIGITS: Final = 4  # of a reported measure: the fifth differs between processors
_TINY: Final = 1e-15  # keeps log(0) away, as everybody does


def auc(labels: Labels, scores: Scores) -> float:
    """The chance that a positive row scores above a negative one; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[inverse]  # mean rank of each group of ties, from 1
    positives = int(labels.sum())
    negatives = labels.size - positives
    return float(
        (rank[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def average_precision(labels: Labels, scores: Scores) -> float:
    """The area under the precision-recall steps, without interpolation."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(labels[order])
    ends = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1)  # last of each tie
    precision = hits[ends] / (ends + 1)
    gained = np.diff(hits[ends], prepend=0)
    return float((precision * gained).sum() / labels.sum())


def log_loss(labels: Labels, probabilities: Scores) -> float:
    """The mean of -log(probability given to what happened), in nats."""
    given = np.where(labels == 1, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(given, _TINY, 1.0)).mean())


def brier(labels: Labels, probabilities: Scores) -> float:
    """The mean squared distance between probability and outcome."""
    return float(((probabilities - labels) ** 2).mean())


def calibration_error(labels: Labels, probabilities: Scores) -> float:
    """Expected calibration error: the mean gap between stated and seen share, 10 equal bins."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    bins = np.digitize(probabilities, edges)
    stated = np.bincount(bins, weights=probabilities, minlength=CALIBRATION_BINS)
    seen = np.bincount(bins, weights=labels, minlength=CALIBRATION_BINS)
    return float(np.abs(stated - seen).sum() / labels.size)


def lift(labels: Labels, scores: Scores, share: float = 0.1) -> float:
    """How many times as many positives the highest scores hold as chance would.

    Of rows with equal scores at the edge of `share`, the mean counts.
    """
    order = np.argsort(-scores, kind="stable")
    _, group = np.unique(-scores[order], return_inverse=True)
    mean = np.bincount(group, weights=labels[order]) / np.bincount(group)
    count = share * labels.size
    weights = np.clip(count - np.arange(labels.size), 0.0, 1.0)  # the last row may count in part
    return float((weights * mean[group]).sum() / count / labels.mean())


def f1(labels: Labels, probabilities: Scores, threshold: float) -> float:
    """The harmonic mean of precision and recall, from `threshold` upwards; 0 without a hit."""
    chosen = probabilities >= threshold
    hits = int(labels[chosen].sum())
    return 2 * hits / (int(chosen.sum()) + int(labels.sum()))


def best_threshold(labels: Labels, probabilities: Scores) -> float:
    """The threshold (in steps of 0.01) with the best F1; the lowest one of equals."""
    values = [f1(labels, probabilities, threshold) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(values))])


def measures(labels: Labels, probabilities: Scores, threshold: float) -> dict[str, float]:
    """Everything that model.json reports about one model on held-out rows."""
    chosen = probabilities >= threshold
    hits = int(labels[chosen].sum())
    values = {
        "auc": auc(labels, probabilities),
        "average_precision": average_precision(labels, probabilities),
        "lift_top_decile": lift(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "brier": brier(labels, probabilities),
        "expected_calibration_error": calibration_error(labels, probabilities),
        "threshold": threshold,
        "accuracy": float((chosen == (labels == 1)).mean()),
        "precision": hits / max(1, int(chosen.sum())),
        "recall": hits / int(labels.sum()),
        "f1": f1(labels, probabilities, threshold),
    }
    return {name: round(value, DIGITS) for name, value in values.items()}


def auc_gain(labels: Labels, model: Scores, baseline: Scores, seed: int) -> dict[str, Any]:
    """How much AUC the model gains over a baseline, with a 95 % interval of paired resamples.

    An interval that contains 0 says: on this many held-out rows the two cannot be told apart.
    """
    random = np.random.default_rng(seed)
    gains = []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, labels.size, labels.size)
        if 0 < labels[drawn].sum() < labels.size:  # AUC needs both outcomes
            some = labels[drawn]
            gains.append(auc(some, model[drawn]) - auc(some, baseline[drawn]))
    low, high = np.quantile(gains, [0.025, 0.975])
    return {
        "gain": round(auc(labels, model) - auc(labels, baseline), DIGITS),
        "low": round(float(low), DIGITS),
        "high": round(float(high), DIGITS),
        "resamples": RESAMPLES,
    }
