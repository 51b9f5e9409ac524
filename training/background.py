"""The rows that an explanation compares with: a small, faithful sample of the training rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.features import Matrix

ROWS: Final = 64
ROWS_MIN: Final = 16
ROWS_MAX: Final = 128


def explanation(
    rows: Matrix,
    scores: npt.NDArray[np.floating[Any]],
    seed: int,
    *,
    count: int = ROWS,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The `explanation` object of model.json: a background for Shapley values.

    A contribution says how far a feature moves the score away from the mean score of the
    background (interventional Shapley values: Strumbelj, Kononenko, 2014; Lundberg, Lee, 2017),
    so this mean should be that of all rows. The rows are put in order of their score and cut into
    `count` equal parts; one row is drawn of each (systematic sampling): the mean of 64 such rows
    is as close as that of thousands drawn at random.

    Args:
        rows: training rows as the graph takes them, [rows, features].
        scores: the main score of each of them, [rows].
        seed: of the draws.
        count: of background rows, 16 to 128.
        groups: names of groups with their features, which are switched together; for models with
            more than 40 features. Features in no group stand for themselves.

    Raises:
        ValueError: there are fewer rows than `count`, or `count` is out of range.
    """
    if not ROWS_MIN <= count <= min(ROWS_MAX, len(rows)):
        raise ValueError(f"{count} background rows of {len(rows)}; 16 to 128 are allowed")
    random = np.random.default_rng(seed)
    order = np.argsort(scores, kind="stable")
    drawn = np.array([random.choice(part) for part in np.array_split(order, count)])
    found: dict[str, Any] = {"background": [_listed(row) for row in rows[drawn]], "rows": count}
    if groups:
        found["groups"] = {name: list(features) for name, features in groups.items()}
    return found


def _listed(row: Matrix) -> list[float | None]:
    """The shortest numbers that are these float32 again; missing is null, as JSON has no NaN."""
    return [None if np.isnan(value) else float(str(value)) for value in row]
