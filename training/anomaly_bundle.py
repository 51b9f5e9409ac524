"""Detectors that vote: rank-normalised, combined, calibrated to p-values, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from training.anomaly_members import Covariance, Forest, Nearest, Softened, Tails
from training.anomaly_steps import Curves, surprise_curves
from training.features import Matrix

Numbers = npt.NDArray[np.float64]

PIECES: Final = 64  # of the curve of a detector
REASON_PIECES: Final = 24  # of the curve of a feature
REASON_STEP: Final = 1e-3  # standard deviations: less is rounding, where a column is one value
BAND: Final = (0.01, 0.99)  # of what is expected of a feature
LN10: Final = float(np.log(10.0))
MEMBERS: Final = ("isolation_forest", "nearest", "covariance")
# The forest is the only one that is good on all labelled sets that were tried: half of the votes
# are its own (ARCHITECTURE, 62).
WEIGHTS: Final = np.array([2.0, 1.0, 1.0]) / 4.0
USUAL: Final = 0.9  # of the rows; nobody has cleaned them, so the rest may be what is looked for
ROUNDS: Final = 2  # of telling what is usual by what was taken for usual before


@dataclass(frozen=True, slots=True)
class Bundle:
    """A fitted ensemble.

    Attributes:
        means, deviations: of the features, [features].
        softened: the scale that distances are taken on.
        forest, nearest, covariance: the detectors.
        tails: of the features, for reasons.
        ranks: from the score of each detector to -ln of the share of rows at or above it.
        calibration: from the combined surprise to -ln of a p-value, learned from other rows.
        reasons: from how far a feature is from what the others foretell to -ln of a share.
        band: the lower and upper end of that distance for usual rows, in units of the feature.
    """

    means: Numbers
    deviations: Numbers
    softened: Softened
    forest: Forest
    nearest: Nearest
    covariance: Covariance
    tails: Tails
    ranks: Curves
    calibration: Curves
    reasons: Curves
    band: tuple[Numbers, Numbers]

    @classmethod
    def fit(cls, rows: Matrix, calibration_rows: Matrix, seed: int) -> Self:
        """Fits the detectors to rows, and calibrates on rows that they have not seen.

        Distances and covariances are spoilt by the anomalies that they are to find. So they are
        fitted to the rows that are the most usual to what was fitted before.

        Args:
            rows: float32 [rows, features], finite; a few of them may be anomalies.
            calibration_rows: others of the same kind.
            seed: of every draw.
        """
        means = rows.mean(axis=0, dtype=np.float64)
        deviations = rows.std(axis=0, dtype=np.float64)
        deviations = np.where(deviations > 1e-9 * (1 + np.abs(means)), deviations, 1.0)
        standard = (rows - means) / deviations
        softened = Softened.fit(rows)
        soft = softened(rows)
        forest = Forest.fit(rows, seed)
        depths = forest.scores(rows)
        covariance = Covariance.fit(standard)
        surprise = _surprise(np.stack((depths, covariance.scores(standard)), axis=1)).mean(axis=1)
        for _ in range(ROUNDS):
            usual = np.flatnonzero(surprise <= np.quantile(surprise, USUAL))
            nearest, own = Nearest.fit(soft, usual, seed)
            covariance = Covariance.fit(standard[usual])
            distances = nearest.scores(soft, own), covariance.scores(standard)
            members = np.stack((depths, *distances), axis=1)
            surprise = _surprise(members) @ WEIGHTS
        unused = Curves(np.zeros(1), np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
        none = np.zeros(len(means))
        made = cls(
            means, deviations, softened, forest, nearest, covariance, Tails.fit(rows),
            surprise_curves(members, PIECES), unused, unused, (none, none),
        )  # fmt: skip
        combined = made.ranks(made.member_scores(calibration_rows)) @ WEIGHTS
        away = covariance.apart((calibration_rows - means) / deviations)
        return replace(
            made,
            calibration=surprise_curves(combined[:, None], PIECES),
            reasons=surprise_curves(np.abs(away), REASON_PIECES, REASON_STEP),
            band=tuple(np.quantile(away * deviations, BAND, axis=0)),
        )

    def member_scores(self, rows: Matrix) -> Numbers:
        """What each detector says of rows that are no references, in its own units, [rows, 3]."""
        standard = (rows - self.means) / self.deviations
        return np.stack(
            [
                self.forest.scores(rows),
                self.nearest.scores(self.softened(rows)),
                self.covariance.scores(standard),
            ],
            axis=1,
        )

    def outputs(self, rows: Matrix) -> Mapping[str, Numbers]:
        """All outputs of the graph, in double precision."""
        combined = (self.ranks(self.member_scores(rows)) @ WEIGHTS)[:, None]
        surprise = self.calibration(combined)
        standard = (rows - self.means) / self.deviations
        away = self.covariance.apart(standard)
        left, right = self.tails.both(rows)
        alone = np.maximum(left, right) - np.log(2.0)
        together = self.reasons(np.abs(away))
        expected = rows - away * self.deviations
        return {
            "score": combined / (1.0 + combined),
            "p_value": np.minimum(np.exp(-surprise), 1.0),
            "contribution": np.maximum(np.maximum(alone, together), 0.0) / LN10,
            "lower": expected + self.band[0],
            "upper": expected + self.band[1],
            "taken": rows.astype(np.float64),
        }


def _surprise(columns: Numbers) -> Numbers:
    """-ln of the share of rows at or above each value, [rows, columns]."""
    count = len(columns)
    ordered = np.sort(columns, axis=0)
    above = [
        count - np.searchsorted(order, column, side="left")
        for order, column in zip(ordered.T, columns.T, strict=True)
    ]
    return np.asarray(-np.log(np.stack(above, axis=1) / count))
