"""Detectors that vote: rank-normalised, combined, calibrated to p-values, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from training.anomaly_members import Autoencoder, Covariance, Forest, Tails
from training.anomaly_steps import Curves, surprise_curves
from training.features import Matrix

Numbers = npt.NDArray[np.float64]

PIECES: Final = 64  # of the curve of a detector
REASON_PIECES: Final = 24  # of the curve of a feature
BAND: Final = (0.01, 0.99)  # of what is expected of a feature
LN10: Final = float(np.log(10.0))
MEMBERS: Final = ("forest", "tails", "covariance", "autoencoder")
# On labelled sets that nothing is measured on, the network said least (benchmarks/README.md).
WEIGHTS: Final = np.array([4.0, 4.0, 4.0, 1.0]) / 13.0


@dataclass(frozen=True, slots=True)
class Bundle:
    """A fitted ensemble.

    Attributes:
        means, deviations: of the features, [features].
        forest, tails, covariance, autoencoder: the detectors.
        ranks: from the score of each detector to -ln of the share of rows at or above it.
        calibration: from the combined surprise to -ln of a p-value, learned from other rows.
        reasons: from how far a feature is from what the others foretell to -ln of a share.
        band: the lower and upper end of that distance for usual rows, in units of the feature.
    """

    means: Numbers
    deviations: Numbers
    forest: Forest
    tails: Tails
    covariance: Covariance
    autoencoder: Autoencoder
    ranks: Curves
    calibration: Curves
    reasons: Curves
    band: tuple[Numbers, Numbers]

    @classmethod
    def fit(cls, rows: Matrix, calibration_rows: Matrix, seed: int) -> Self:
        """Fits the detectors to rows, and calibrates on rows that they have not seen.

        Args:
            rows: float32 [rows, features], finite; a few of them may be anomalies.
            calibration_rows: others of the same kind.
            seed: of every draw.
        """
        means = rows.mean(axis=0, dtype=np.float64)
        deviations = rows.std(axis=0, dtype=np.float64)
        deviations = np.where(deviations > 1e-9 * (1 + np.abs(means)), deviations, 1.0)
        standard = (rows - means) / deviations
        forest = Forest.fit(rows, seed)
        tails = Tails.fit(rows)
        covariance = Covariance.fit(standard, seed)
        autoencoder = Autoencoder.fit(standard, seed)
        unused = Curves(np.zeros(1), np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
        none = np.zeros(len(means))
        made = cls(
            means, deviations, forest, tails, covariance, autoencoder,
            unused, unused, unused, (none, none),
        )  # fmt: skip
        ranks = surprise_curves(made.member_scores(rows), PIECES)
        combined = ranks(made.member_scores(calibration_rows)) @ WEIGHTS
        away = covariance.apart((calibration_rows - means) / deviations)
        return cls(
            means, deviations, forest, tails, covariance, autoencoder,
            ranks,
            surprise_curves(combined[:, None], PIECES),
            surprise_curves(np.abs(away), REASON_PIECES),
            tuple(np.quantile(away * deviations, BAND, axis=0)),
        )  # fmt: skip

    def member_scores(self, rows: Matrix) -> Numbers:
        """What each detector says, in its own units, [rows, MEMBERS]."""
        standard = (rows - self.means) / self.deviations
        return np.stack(
            [
                self.forest.scores(rows),
                self.tails.scores(rows),
                self.covariance.scores(standard),
                self.autoencoder.scores(standard),
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
