"""Finds clusters: how many by silhouette and stability, how firm by the votes of resamples."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from training.features import Matrix

Numbers = npt.NDArray[np.float64]

COUNTS: Final = (3, 4, 5, 6, 7, 8)
STARTS: Final = 4  # of k-means; the best is taken
RESAMPLES: Final = 8  # halves of the rows, to see whether the same clusters come out
STABLE: Final = 0.95  # adjusted Rand index, 1 is the same clusters
VOTERS: Final = 20
SILHOUETTE_ROWS: Final = 4000
SHARPNESSES: Final = np.geomspace(0.25, 64.0, 65)
DIGITS: Final = 6  # significant, of centres and scales: the same on every processor
CLOSE: Final = 0.01  # of silhouette; finer segments tell more, where nothing speaks against them
RULE: Final = (
    f"the most clusters that {RESAMPLES} halves of the rows agree on (mean adjusted Rand index of"
    f" at least {STABLE}) and whose silhouette is within {CLOSE} of the best of those"
)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centres among standardised logs.

    Attributes:
        means: of log(1 + feature), [features].
        deviations: likewise, [features].
        centres: [clusters, features].
        sharpness: how fast membership falls with squared distance.
    """

    means: Numbers
    deviations: Numbers
    centres: Numbers
    sharpness: float = 1.0

    def standard(self, rows: Matrix) -> Numbers:
        """The rows as distances see them, [rows, features]; below 0 there is no less."""
        known = np.maximum(rows.astype(np.float64), 0.0)
        return (np.log1p(known) - self.means) / self.deviations

    def distances(self, rows: Matrix) -> Numbers:
        """Of each row to each centre, [rows, clusters]."""
        apart = self.standard(rows)[:, None, :] - self.centres[None, :, :]
        return np.asarray(np.sqrt((apart**2).sum(axis=2)))

    def membership(self, rows: Matrix) -> Numbers:
        """Of each row in each cluster, summing to 1, [rows, clusters]."""
        closeness = -self.sharpness * self.distances(rows) ** 2
        shares = np.exp(closeness - closeness.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def nearest(self, rows: Matrix) -> npt.NDArray[np.int64]:
        """The cluster of each row, [rows]."""
        return np.asarray(self.distances(rows).argmin(axis=1))


@dataclass(frozen=True, slots=True)
class Choice:
    """The clusters that won, and what was tried, for model.json."""

    clusters: Clusters
    tried: list[dict[str, float]]


def choose(rows: Matrix, seed: int) -> Choice:
    """Tries each number of clusters; RULE says which is taken."""
    logs = np.log1p(rows.astype(np.float64))
    scale = Clusters(_short(logs.mean(axis=0)), _short(logs.std(axis=0)), np.empty((0, 0)))
    points = scale.standard(rows)
    random = np.random.default_rng(seed)
    sample = random.choice(len(points), min(SILHOUETTE_ROWS, len(points)), replace=False)
    tried, models = [], []
    for count in COUNTS:
        model = _fit(points, count, seed)
        agreed = [_agreement(model, points, count, seed + 1 + run) for run in range(RESAMPLES)]
        models.append(model)
        tried.append(
            {
                "clusters": count,
                "silhouette": round(silhouette(points[sample], model.labels_[sample]), 4),
                "stability": round(float(np.mean(agreed)), 4),
                "least_stability": round(float(np.min(agreed)), 4),
            }
        )
    stable = [one for one in tried if one["stability"] >= STABLE] or tried
    least = max(one["silhouette"] for one in stable) - CLOSE
    best = max(
        (one for one in stable if one["silhouette"] >= least), key=lambda one: one["clusters"]
    )
    centres = _short(models[tried.index(best)].cluster_centers_)
    return Choice(replace(scale, centres=centres), tried)


def silhouette(points: Numbers, labels: npt.NDArray[Any]) -> float:
    """How much nearer points are to their own cluster than to the next, -1 to 1."""
    return float(silhouette_score(points, labels))


def ordered(clusters: Clusters, value: Numbers, rows: Matrix) -> Clusters:
    """The same clusters, those of the lowest mean value first."""
    nearest = clusters.nearest(rows)
    means = [float(value[nearest == at].mean()) for at in range(len(clusters.centres))]
    return replace(clusters, centres=clusters.centres[np.argsort(means, kind="stable")])


def votes(clusters: Clusters, seen: Matrix, rows: Matrix, seed: int) -> Numbers:
    """The share of clusterings, each of another half of `seen`, that put a row in each cluster.

    Their clusters are matched with ours by the distances of centres, [rows, clusters].
    """
    points, asked = clusters.standard(seen), clusters.standard(rows)
    count = len(clusters.centres)
    found = np.zeros((len(rows), count))
    for run in range(VOTERS):
        model = _half(points, count, seed + 100 + run)
        apart = model.cluster_centers_[:, None, :] - clusters.centres[None, :, :]
        theirs, ours = linear_sum_assignment((apart**2).sum(axis=2))
        matched = np.empty(count, np.int64)
        matched[theirs] = ours
        found[np.arange(len(rows)), matched[model.predict(asked)]] += 1
    return found / VOTERS


def sharpened(clusters: Clusters, rows: Matrix, voted: Numbers) -> Clusters:
    """The clusters with the sharpness whose membership is closest to the votes (cross-entropy)."""
    losses = []
    for sharpness in SHARPNESSES:
        given = replace(clusters, sharpness=float(sharpness)).membership(rows)
        losses.append(-float((voted * np.log(np.maximum(given, 1e-12))).sum(axis=1).mean()))
    best = float(SHARPNESSES[int(np.argmin(losses))])
    return replace(clusters, sharpness=float(f"{best:.3g}"))


def _fit(points: Numbers, count: int, seed: int) -> Any:
    with threadpool_limits(1):  # sums of several threads differ in their last bits
        return KMeans(count, n_init=STARTS, random_state=seed).fit(points)


def _half(points: Numbers, count: int, seed: int) -> Any:
    some = np.random.default_rng(seed).choice(len(points), len(points) // 2, replace=False)
    return _fit(points[some], count, seed)


def _agreement(model: Any, points: Numbers, count: int, seed: int) -> float:
    other = _half(points, count, seed)
    return float(adjusted_rand_score(model.labels_, other.predict(points)))


def _short(values: Numbers) -> Numbers:
    short = [float(f"{value:.{DIGITS}g}") for value in values.ravel()]
    return np.array(short).reshape(values.shape)
