"""The detectors of a bundle: what each fits on rows without labels, and how it scores a row.

A forest sees rows that are easily told apart (Liu, Ting and Zhou, 2008), tails see values that are
rare by themselves (after ECOD: Li et al., 2022), the covariance sees values that do not go together
(minimum covariance determinant: Rousseeuw and Van Driessen, 1999), and the autoencoder sees rows
that do not lie where the others do.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.neural_network import MLPRegressor

from training.features import Matrix
from training.trees import Node, Split

Numbers = npt.NDArray[np.float64]

TREES: Final = 200
TREE_ROWS: Final = 256
BINS: Final = 64  # of a tail: more tell no more apart than sampling noise does
COVARIANCE_ROWS_MAX: Final = 4000  # the determinant is searched among these
NETWORK_ROWS_MAX: Final = 8000
NETWORK_ROUNDS: Final = 60
CLIP: Final = 8.0  # deviations; beyond, a network knows nothing and a covariance all
STUCK: Final = 0.4  # of the rows have one value of a column
RIDGE: Final = 0.01  # of the variances, for columns that are sums of others


@dataclass(frozen=True, slots=True)
class Forest:
    """An isolation forest as plain trees whose leaves are depths, and the mean depth expected."""

    trees: tuple[Node, ...]
    usual_depth: float
    fitted: Any

    @classmethod
    def fit(cls, rows: Matrix, seed: int) -> Self:
        """Grows the trees."""
        size = min(TREE_ROWS, len(rows))
        fitted = IsolationForest(n_estimators=TREES, max_samples=size, random_state=seed)
        fitted.fit(rows)
        share = 1.0 / len(fitted.estimators_)
        trees = tuple(
            _depths(tree.tree_, columns, share)
            for tree, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True)
        )
        return cls(trees, float(_path(np.array([size]))[0]), fitted)

    def scores(self, rows: Matrix) -> Numbers:
        """2 to the power of minus the relative depth, [rows], as the library computes it."""
        return np.asarray(-self.fitted.score_samples(rows), np.float64)


@dataclass(frozen=True, slots=True)
class Tails:
    """For each feature how rare values are below and above: steps of -ln of a share of rows.

    Attributes:
        edges: of each feature, ascending: a value above edge k is in bin k + 1.
        left, right: of each bin, -ln of the share of rows at or below, and at or above.
        skewed: whether the feature's long tail is the left one.
    """

    edges: tuple[Numbers, ...]
    left: tuple[Numbers, ...]
    right: tuple[Numbers, ...]
    skewed: npt.NDArray[np.bool_]

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
        centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
        return cls(tuple(edges), tuple(left), tuple(right), (centred**3).mean(axis=0) < 0)

    def both(self, rows: Matrix) -> tuple[Numbers, Numbers]:
        """Left and right of each value, [rows, features] each."""
        bins = [
            np.searchsorted(edges, column, side="left")
            for edges, column in zip(self.edges, rows.T.astype(np.float64), strict=True)
        ]
        left = [steps[at] for steps, at in zip(self.left, bins, strict=True)]
        right = [steps[at] for steps, at in zip(self.right, bins, strict=True)]
        return np.stack(left, axis=1), np.stack(right, axis=1)

    def scores(self, rows: Matrix) -> Numbers:
        """The largest of three sums: of left tails, of right tails, of long tails, [rows]."""
        left, right = self.both(rows)
        longer = np.where(self.skewed, left, right)
        return np.asarray(np.max([left.sum(1), right.sum(1), longer.sum(1)], axis=0))


@dataclass(frozen=True, slots=True)
class Covariance:
    """A robust ellipsoid in standardised units: centre and the inverse of the covariance."""

    centre: Numbers
    precision: Numbers

    @classmethod
    def fit(cls, standard: Numbers, seed: int) -> Self:
        """Finds the half of the rows that lies closest together."""
        rng = np.random.default_rng(seed)
        some = standard
        if len(some) > COVARIANCE_ROWS_MAX:
            some = some[rng.choice(len(some), COVARIANCE_ROWS_MAX, replace=False)]
        # Ties make determinants of 0: noise far below any difference that matters.
        some = some + 1e-3 * rng.normal(size=some.shape)
        fitted = MinCovDet(random_state=seed).fit(some)
        found, centre = fitted.covariance_, fitted.location_
        # Of a column that is mostly one value, the densest half says that nothing else is usual.
        stuck = np.array([_most_common(column) > STUCK for column in standard.T])
        spread = np.where(stuck, np.sqrt(np.maximum(1.0 / np.diag(found), 1.0)), 1.0)
        found = found * spread[:, None] * spread[None, :]
        centre = np.where(stuck, 0.0, centre)
        ridge = RIDGE * np.diag(np.diag(found)) + 1e-6 * np.eye(len(found))
        return cls(centre, np.linalg.inv(found + ridge))

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


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """A small network through a bottleneck: weights and biases of each layer, tanh between."""

    weights: tuple[Numbers, ...]
    biases: tuple[Numbers, ...]

    @classmethod
    def fit(cls, standard: Numbers, seed: int) -> Self:
        """Learns to give back clipped standardised rows."""
        some = standard
        if len(some) > NETWORK_ROWS_MAX:
            rng = np.random.default_rng(seed)
            some = some[rng.choice(len(some), NETWORK_ROWS_MAX, replace=False)]
        some = np.clip(some, -CLIP, CLIP)
        width = standard.shape[1]
        outer, inner = max(2 * width // 3, 4), max(width // 3, 2)
        network = MLPRegressor(
            hidden_layer_sizes=(outer, inner, outer),
            activation="tanh",
            max_iter=NETWORK_ROUNDS,
            tol=0.0,
            n_iter_no_change=NETWORK_ROUNDS,
            random_state=seed,
        )
        with _quiet():
            network.fit(some, some)
        return cls(tuple(network.coefs_), tuple(network.intercepts_))

    def scores(self, standard: Numbers) -> Numbers:
        """The squared error of what comes back, [rows]."""
        taken = np.clip(standard, -CLIP, CLIP)
        found = taken
        for at, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            found = found @ weights + biases
            if at + 1 < len(self.weights):
                found = np.tanh(found)
        return np.asarray(((found - taken) ** 2).sum(axis=1))


def _most_common(column: Numbers) -> float:
    """The share of the most common value."""
    return float(np.unique(column, return_counts=True)[1].max()) / len(column)


def _quiet() -> Any:
    """The network has as many rounds as it has: that it could learn on is no warning."""
    import warnings  # noqa: PLC0415 - used once

    return warnings.catch_warnings(action="ignore")


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
