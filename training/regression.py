"""How good predicted amounts are: measures of error, of rank and of level."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from training.evaluate import DIGITS

Numbers = npt.NDArray[np.floating[Any]]


def measures(truth: Numbers, predicted: Numbers) -> dict[str, float]:
    """Everything that model.json reports about predicted amounts on held-out rows, [rows] each.

    `mean_ratio` is the mean prediction over the mean truth: 1 where the level is right.
    """
    error = predicted.astype(np.float64) - truth
    return {
        "mae": round(float(np.abs(error).mean()), DIGITS),
        "rmse": round(float(np.sqrt((error**2).mean())), DIGITS),
        "r2": round(1 - float((error**2).mean() / np.var(truth)), DIGITS),
        "spearman": round(spearman(truth, predicted), DIGITS),
        "mean_ratio": round(float(predicted.mean() / truth.mean()), DIGITS),
    }


def spearman(first: Numbers, second: Numbers) -> float:
    """The rank correlation, ties with their mean rank; 0 where one of the two is constant."""
    ranks = [rankdata(values) for values in (first, second)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
