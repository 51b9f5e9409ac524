"""The detectors of a bundle: what each fits on rows without labels, and how it scores a row.

A forest sees rows that are easily told apart (Liu, Ting and Zhou, 2008), the nearest see rows that
lie where no others do (Ramaswamy, Rastogi and Shim, 2000; that a few hundred others are enough:
Sugiyama and Borgwardt, 2013), and the covariance sees values that do not go together (Mahalanobis,
1936). Tails say how rare a value is by itself (after ECOD: Li et al., 2022); they give reasons.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest

from training.features import Matrix
from training.trees import Node, Split

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

TREES: Final = 200
TREE_ROWS: Final = 256
BINS: Final = 64  # of a tail: more tell no more apart than sampling noise does
NEAREST: Final = 10  # others whose mean distance counts
REFERENCES: Final = 512  # rows that distances are taken to: 0.5 MB of distances for 256 rows
DISTANCE_FLOOR: Final = 1e-3  # of a squared distance: smaller ones are float32's rounding
CHUNK_ROWS: Final = 4096  # whose distances are held at once while fitting: 16 MB
MIDDLE: Final = (0.05, 0.95)  # the quantiles that a width is taken from
NORMAL: Final = 3.29  # their distance in a normal distribution, in standard deviations
RIDGE: Final = 0.01  # of the variances, for columns that are sums of others


@dataclass(frozen=True, slots=True)
class Forest:
    """An isolation forest as plain trees whose sum is the logarithm of the score."""

    trees: tuple[Node, ...]
    fitted: Any

    @classmethod
    def fit(cls, rows: Matrix, seed: int) -> Self:
        """Grows the trees."""
        size = min(TREE_ROWS, len(rows))
        fitted = IsolationForest(n_estimators=TREES, max_samples=size, random_state=seed)
        fitted.fit(rows)
        share = -np.log(2.0) / (len(fitted.estimators_) * float(_path(np.array([size]))[0]))
        trees = tuple(
            _depths(tree.tree_, columns, share)
            for tree, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True)
        )
        return cls(trees, fitted)

    def scores(self, rows: Matrix) -> Numbers:
        """2 to the power of minus the relative depth, [rows], as the library computes it."""
        return np.asarray(-self.fitted.score_samples(rows), np.float64)


@dataclass(frozen=True, slots=True)
class Tails:
    """For each feature how rare values are below and above: steps of -ln of a share of rows.

    Attributes:
        edges: of each feature, ascending: a value above edge k is in bin k + 1.
        left, right: of each bin, -ln of the share of rows at or below, and at or above.
    """

    edges: tuple[Numbers, ...]
    left: tuple[Numbers, ...]
    right: tuple[Numbers, ...]

    @classmethod
    def fit(cls, rows: Matrix) -> Self:
        """Counts."""
        count = len(rows)
        parts = np.linspace(0, 1, BINS // 2 + 1)[1:-1]
        fine = np.logspace(np.log10(0.5 / count), np.log10(parts[0]), BINS // 4)
        parts = np.unique(np.concatenate((fine, parts, 1 - fine)))
        edges, left, right = [], [], []
        for column in rows.T.astype(np.float64):
            ordered = np.sort(column)
            some = np.unique(
                np.quantile(ordered, parts, method="inverted_cdf").astype(np.float32)
            ).astype(np.float64)
            some = np.concatenate(([np.nextafter(np.float32(ordered[0]), -np.inf)], some))
            below = np.searchsorted(ordered, some, side="right")  # rows at or below each edge
            at_or_below = np.concatenate((below, [count]))
            at_or_above = count - np.concatenate(([0], below))
            edges.append(some)
            left.append(-np.log((at_or_below + 0.5) / (count + 1.0)))
            right.append(-np.log((at_or_above + 0.5) / (count + 1.0)))
        return cls(tuple(edges), tuple(left), tuple(right))

    def both(self, rows: Matrix) -> tuple[Numbers, Numbers]:
        """Left and right of each value, [rows, features] each."""
        bins = [
            np.searchsorted(edges, column, side="left")
            for edges, column in zip(self.edges, rows.T.astype(np.float64), strict=True)
        ]
        left = [steps[at] for steps, at in zip(self.left, bins, strict=True)]
        right = [steps[at] for steps, at in zip(self.right, bins, strict=True)]
        return np.stack(left, axis=1), np.stack(right, axis=1)


@dataclass(frozen=True, slots=True)
class Softened:
    """Values by their distance from the middle, in widths, beyond the first one as a logarithm.

    Nothing far out makes everything else alike, which it does to the standard deviation.
    """

    middles: Numbers
    widths: Numbers

    @classmethod
    def fit(cls, rows: Matrix) -> Self:
        """Takes quantiles; a column that is mostly one value has its standard deviation."""
        low, high = np.quantile(rows, MIDDLE, axis=0)
        widths = (high - low) / NORMAL
        deviations = rows.std(axis=0, dtype=np.float64)
        least = 1e-9 * (1 + np.abs(rows).max(axis=0).astype(np.float64))
        widths = np.where(widths > least, widths, np.where(deviations > least, deviations, 1.0))
        return cls(np.median(rows, axis=0).astype(np.float64), widths)

    def __call__(self, rows: Matrix) -> Numbers:
        """[rows, features]."""
        away = (rows - self.middles) / self.widths
        return np.asarray(np.sign(away) * np.log1p(np.abs(away)))


@dataclass(frozen=True, slots=True)
class Nearest:
    """Rows that are taken for usual; what is far from the nearest of them is not.

    Attributes:
        references: softened, [references, features].
        count: how many of them count.
    """

    references: Numbers
    count: int

    @classmethod
    def fit(cls, softened: Numbers, usual: Places, seed: int) -> tuple[Self, Places]:
        """Draws some of the usual rows.

        Returns:
            The detector, and which of its references each row is, -1 for none, [rows].
        """
        size = min(REFERENCES, len(usual))
        drawn = np.random.default_rng(seed).choice(usual, size, replace=False)
        own = np.full(len(softened), -1, np.intp)
        own[drawn] = np.arange(size)
        return cls(softened[drawn], max(min(NEAREST, size // 2), 1)), own

    def scores(self, softened: Numbers, own: Places | None = None) -> Numbers:
        """The mean distance to the nearest references, [rows].

        Args:
            softened: [rows, features].
            own: the reference that each row is itself, which does not count; -1 for none.
        """
        norms = (self.references**2).sum(axis=1)
        found = []
        for first in range(0, len(softened), CHUNK_ROWS):
            some = softened[first : first + CHUNK_ROWS]
            squares = norms - 2.0 * some @ self.references.T
            if own is not None:
                mine = own[first : first + CHUNK_ROWS]
                squares[mine >= 0, mine[mine >= 0]] = np.inf
            nearest = np.partition(squares, self.count - 1, axis=1)[:, : self.count]
            nearest = nearest + (some**2).sum(axis=1, keepdims=True)
            found.append(np.sqrt(np.maximum(nearest, DISTANCE_FLOOR)).mean(axis=1))
        return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Covariance:
    """An ellipsoid in standardised units: centre and the inverse of the covariance."""

    centre: Numbers
    precision: Numbers

    @classmethod
    def fit(cls, usual: Numbers) -> Self:
        """Takes the moments of standardised rows that are taken for usual."""
        found = np.asarray(np.cov(usual.T), np.float64).reshape(usual.shape[1], -1)
        ridge = RIDGE * np.diag(np.diag(found)) + 1e-6 * np.eye(len(found))
        return cls(usual.mean(axis=0), np.asarray(np.linalg.inv(found + ridge), np.float64))

    def factor(self) -> Numbers:
        """A matrix [features, features] whose product with a deviation has its distance."""
        return np.asarray(np.linalg.cholesky(self.precision))

    def scores(self, standard: Numbers) -> Numbers:
        """The squared Mahalanobis distance, [rows]."""
        off = (standard - self.centre) @ self.factor()
        return np.asarray((off**2).sum(axis=1))

    def apart(self, standard: Numbers) -> Numbers:
        """How far each value is from what the others foretell, in standard units, [rows, F]."""
        off = (standard - self.centre) @ self.precision
        return np.asarray(off / np.diag(self.precision))


def _path(sizes: npt.NDArray[Any]) -> Numbers:
    """The mean depth of a failed search among so many rows (Liu et al., 2008), [n]."""
    sizes = np.asarray(sizes, np.float64)
    safe = np.maximum(sizes - 1.0, 1.0)
    long = 2.0 * (np.log(safe) + np.euler_gamma) - 2.0 * safe / np.maximum(sizes, 1.0)
    return np.where(sizes <= 1, 0.0, np.where(sizes == 2, 1.0, long))


def _depths(tree: Any, columns: npt.NDArray[np.intp], share: float) -> Node:
    """One tree of the library with `share` of the depth of each leaf in it."""
    extra = _path(tree.n_node_samples)

    def node(at: int, depth: int) -> Node:
        if tree.children_left[at] < 0:
            return share * (depth + float(extra[at]))
        # The library goes left at `value <= threshold` on float32; the graph asks for `>`.
        threshold = np.float32(tree.threshold[at])
        if float(threshold) > tree.threshold[at]:
            threshold = np.nextafter(threshold, np.float32(-np.inf))
        return Split(
            int(columns[tree.feature[at]]),
            float(threshold),
            node(int(tree.children_right[at]), depth + 1),
            node(int(tree.children_left[at]), depth + 1),
        )

    return node(0, 0)
