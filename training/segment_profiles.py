"""The segments in words and figures: names, profiles for people, measures, and a map."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from training import clustering, plots
from training.cdnow import Panel
from training.clustering import Choice, Clusters
from training.features import Matrix

Numbers = npt.NDArray[np.float64]
Some = npt.NDArray[np.bool_]

LAPSED_DAYS: Final = 180
LOYAL_PURCHASES: Final = 2.0  # mean purchases within the last 180 days
MAP_POINTS: Final = 40  # of each segment
TOLD: Final = (
    "recency_days",
    "active_days",
    "purchases",
    "purchases_last_180d",
    "value_mean",
    "items_mean",
    "spend_total",
    "spend_last_365d",
)


def names(clusters: Clusters, panel: Panel, rows: Matrix, seen: Some) -> tuple[str, ...]:
    """A name for each segment, from the medians of its customers; no two are the same."""
    nearest = clusters.nearest(rows)
    usual = float(np.median(panel.column("value_mean")[seen]))
    found: list[str] = []
    for at in range(len(clusters.centres)):
        some = seen & (nearest == at)
        name = _name(panel, some, usual)
        count = sum(other.rsplit(" ", 1)[0] == name or other == name for other in found)
        found.append(name if not count else f"{name} {count + 1}")
    return tuple(name.replace(" ", "_") for name in found)


def profiles(
    clusters: Clusters, titles: tuple[str, ...], panel: Panel, rows: Matrix, seen: Some
) -> dict[str, Any]:
    """One readable object for each segment: who they are, and what they did next."""
    nearest = clusters.nearest(rows)
    strength = clusters.membership(rows).max(axis=1)
    spend = panel.column("spend_total")
    found = []
    for at, title in enumerate(titles):
        some = seen & (nearest == at)
        medians = {name: _plain(np.median(panel.column(name)[some])) for name in TOLD}
        share, of_spend = some.sum() / seen.sum(), spend[some].sum() / spend[seen].sum()
        buyers, ahead = float((panel.visits[some] > 0).mean()), float(panel.spend[some].mean())
        found.append(
            {
                "segment": at,
                "name": title,
                "text": f"{share:.0%} of customers, {of_spend:.0%} of all spend. Medians:"
                f" {medians['purchases']:g} purchases of {medians['value_mean']:.0f} dollars, the"
                f" last {medians['recency_days']:.0f} days ago. In the 90 days after,"
                f" {buyers:.0%} bought; {ahead:.2f} dollars each, those who did not included.",
                "customers": int(some.sum()),
                "share_of_customers": round(float(share), 4),
                "share_of_spend": round(float(of_spend), 4),
                "medians": medians,
                "mean_strength": round(float(strength[some].mean()), 4),
                "next_90_days": {"buyers": round(buyers, 4), "mean_spend": round(ahead, 2)},
            }
        )
    return {"as_of": str(panel.as_of), "segments": found}


def metrics(
    clusters: Clusters,
    chosen: Choice,
    panel: Panel,
    rows: Matrix,
    voted: Numbers,
    held: Some,
) -> dict[str, Any]:
    """The segments against simpler ways to cut the customers, on those held out."""
    nearest = clusters.nearest(rows)
    points = clusters.standard(rows[held])
    count = len(clusters.centres)
    belongs = clusters.membership(rows[held])
    best = belongs.argmax(axis=1)
    agreed = voted[held][np.arange(int(held.sum())), best]
    won = next(one for one in chosen.tried if one["clusters"] == count)
    rivals = {
        "quantiles_of_spend": _quantiles(panel.column("spend_total"), count),
        "rfm_points": _quantiles(_rfm_points(panel), count),
    }
    return {
        "rows": int(held.sum()),
        "headline": ["silhouette", "future_spend_explained"],
        "model": {
            **_measures(points, nearest[held], panel.spend[held]),
            "stability": won["stability"],
            "mean_strength": round(float(belongs.max(axis=1).mean()), 4),
            "mean_vote_for_the_same": round(float(agreed.mean()), 4),
            "mean_gap_of_strength_and_votes": round(
                float(np.abs(belongs.max(axis=1) - agreed).mean()), 4
            ),
        },
        "baselines": {
            name: _measures(points, groups[held], panel.spend[held])
            for name, groups in rivals.items()
        },
    }


def pictures(clusters: Clusters, titles: tuple[str, ...], rows: Matrix) -> list[dict[str, Any]]:
    """The segments on the two directions in which customers differ most."""
    flat = PCA(2, svd_solver="full").fit_transform(clusters.standard(rows))
    nearest = clusters.nearest(rows)
    series = []
    for at, title in enumerate(titles):
        some = flat[nearest == at][:MAP_POINTS]
        series.append(plots.line(title, some[:, 0], some[:, 1], "points"))
    axes = "first principal component", "second principal component"
    return [plots.plot("Map of the segments", *axes, series)]


def _name(panel: Panel, some: Some, usual: float) -> str:
    def median(name: str) -> float:
        return float(np.median(panel.column(name)[some]))

    if median("purchases") == 1:
        return "one small purchase" if median("value_mean") <= usual else "one large purchase"
    if median("recency_days") > LAPSED_DAYS:
        return "lapsed"
    often = float(panel.column("purchases_last_180d")[some].mean())
    return "loyal" if often >= LOYAL_PURCHASES else "occasional"


def _measures(points: Numbers, groups: npt.NDArray[np.int64], ahead: Numbers) -> dict[str, float]:
    """Silhouette, and the share of the variance of future spend that lies between the groups."""
    means = np.array([ahead[groups == one].mean() for one in np.unique(groups)])
    sizes = np.array([(groups == one).sum() for one in np.unique(groups)])
    between = float((sizes * (means - ahead.mean()) ** 2).sum() / ahead.size)
    return {
        "silhouette": round(clustering.silhouette(points, groups), 4),
        "future_spend_explained": round(between / float(ahead.var()), 4),
    }


def _quantiles(values: Numbers, count: int) -> npt.NDArray[np.int64]:
    edges = np.unique(np.quantile(values, np.arange(1, count) / count))
    return np.digitize(values, edges)


def _rfm_points(panel: Panel) -> Numbers:
    """The sum of one to five points for recency, frequency and spend, as is customary."""
    recent = 4 - _quantiles(panel.column("recency_days"), 5)
    rest = (_quantiles(panel.column(name), 5) for name in ("purchases", "spend_total"))
    return np.asarray(recent + sum(rest), np.float64)


def _plain(value: Any) -> float:
    return float(f"{float(value):.4g}")
