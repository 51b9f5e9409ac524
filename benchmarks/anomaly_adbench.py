"""Five labelled sets of ADBench: our bundles, served, against a plain isolation forest."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SHARE: Final = 0.7  # of each class is fitted on, without labels; the rest is judged
CALIBRATION: Final = 0.2  # of the rows that are fitted on
ROWS_A_CALL: Final = 10_000
AS_FOUND: Final = "as_found"  # the anomalies among the rows to fit on stay there: nobody knows them
CLEANED: Final = "cleaned"  # they were taken out: ADBench's semi-supervised setting
PROTOCOLS: Final = (AS_FOUND, CLEANED)

Found = Mapping[str, list[dict[str, float]]]  # measures by set, one for each seed


@dataclass(frozen=True, slots=True)
class Subject:
    """One set, split by a seed, to be fitted on as `protocol` says."""

    set_name: str
    protocol: str
    fitted: NDArray[np.float32]
    judged: NDArray[np.float32]
    labels: NDArray[np.int8]
    seed: int

    @property
    def model(self) -> str:
        """The name of its bundle."""
        return f"{self.set_name}_{self.protocol}_{self.seed}"


def read(folder: Path, seed: int) -> Iterator[Subject]:
    """All sets of the folder, each split by the seed, in every protocol."""
    for path in sorted(folder.glob("*.npz")):
        content = np.load(path)
        rows, labels = content["X"].astype(np.float32), content["y"].ravel().astype(np.int8)
        rng = np.random.default_rng(seed)
        some = [rng.permutation(np.flatnonzero(labels == kind)) for kind in (0, 1)]
        fitted = np.concatenate([places[: int(SHARE * len(places))] for places in some])
        rest = np.setdiff1d(np.arange(len(rows)), fitted)
        fitted = rng.permutation(fitted)
        name = path.stem.partition("_")[2]
        usual = fitted[labels[fitted] == 0]
        for protocol, places in zip(PROTOCOLS, (fitted, usual), strict=True):
            yield Subject(name, protocol, rows[places], rows[rest], labels[rest], seed)


def development(names: Collection[str]) -> set[str]:
    """The sets that the detectors were chosen on: by the SHA-256 of the name, so nobody picks them.

    The others were looked at once when that was done, and the forest then got half of the votes.
    """
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(order[: len(order) // 2])


def publish(subject: Subject, models: Path) -> None:
    """Trains a bundle and puts it into the models folder."""
    from training.anomaly import bundle_of_rows  # noqa: PLC0415 - takes scikit-learn
    from training.export import export  # noqa: PLC0415 - as above

    count = int(CALIBRATION * len(subject.fitted))
    rows, calibration = subject.fitted[count:], subject.fitted[:count]
    proof = subject.judged[:200]
    export(bundle_of_rows(subject.model, rows, calibration, proof, subject.seed), "1", models)


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


def gains(ours: Found, theirs: Found) -> dict[str, dict[str, float]]:
    """How much the means are above the forest's: of each half of the sets, and of all."""
    chosen_on = development(ours)
    parts = {"development": chosen_on, "others": set(ours) - chosen_on, "all": set(ours)}
    return {
        part: {
            key: round(_mean(ours, names, key) - _mean(theirs, names, key), 4)
            for key in ("auroc", "ap")
        }
        for part, names in parts.items()
    }


def _mean(found: Found, names: Collection[str], key: str) -> float:
    """The mean over sets of the mean over seeds."""
    return float(np.mean([np.mean([one[key] for one in found[name]]) for name in sorted(names)]))
