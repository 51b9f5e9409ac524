"""Five labelled sets of ADBench: our bundles, served, against a plain isolation forest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARE = 0.7  # of each class is fitted on, without labels; the rest is judged
CALIBRATION = 0.2  # of the rows that are fitted on
ROWS_A_CALL = 10_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One set, split: a few of the rows to fit on are anomalies, as nobody has cleaned them."""

    name: str
    fitted: NDArray[np.float32]
    judged: NDArray[np.float32]
    labels: NDArray[np.int8]
    seed: int


def read(folder: Path, seed: int) -> Iterator[Subject]:
    """All sets of the folder, each split by the seed."""
    for path in sorted(folder.glob("*.npz")):
        content = np.load(path)
        rows, labels = content["X"].astype(np.float32), content["y"].ravel().astype(np.int8)
        rng = np.random.default_rng(seed)
        some = [rng.permutation(np.flatnonzero(labels == kind)) for kind in (0, 1)]
        fitted = np.concatenate([places[: int(SHARE * len(places))] for places in some])
        rest = np.setdiff1d(np.arange(len(rows)), fitted)
        name = path.stem.partition("_")[2]
        yield Subject(name, rows[rng.permutation(fitted)], rows[rest], labels[rest], seed)


def publish(subject: Subject, models: Path) -> str:
    """Trains a bundle and puts it into the models folder; its name."""
    from training.anomaly import bundle_of_rows  # noqa: PLC0415 - takes scikit-learn
    from training.export import export  # noqa: PLC0415 - as above

    name = f"{subject.name}_{subject.seed}"
    count = int(CALIBRATION * len(subject.fitted))
    trained = bundle_of_rows(
        name, subject.fitted[count:], subject.fitted[:count], subject.judged[:200], subject.seed
    )
    export(trained, "1", models)
    return name


def forest_scores(subject: Subject) -> NDArray[np.float64]:
    """A plain isolation forest with the same seed, on the same rows."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - as above

    forest: Any = IsolationForest(random_state=subject.seed).fit(subject.fitted)
    return np.asarray(-forest.score_samples(subject.judged))


def measures(labels: NDArray[np.int8], scores: NDArray[Any]) -> dict[str, float]:
    """Area under the ROC curve and average precision."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 - as above

    return {
        "auroc": float(roc_auc_score(labels, scores)),
        "ap": float(average_precision_score(labels, scores)),
    }


def mean_of(found: Mapping[str, list[dict[str, float]]], key: str) -> float:
    """The mean over sets of the mean over seeds."""
    return float(np.mean([np.mean([one[key] for one in many]) for many in found.values()]))
