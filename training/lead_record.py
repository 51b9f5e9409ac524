"""What model.json tells of the lead scores: words, intervals, and measures against baselines."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training import cdnow, evaluate, intervals, lead_models, lead_second, regression
from training.bgnbd import BgNbd, GammaGamma
from training.cdnow import Panel
from training.lead_models import FOLDS, HORIZON_DAYS, SOON_DAYS, Fitted, Numbers

# Below 0.9 an interval of dollars has nothing to leave out: six of seven customers spend nothing.
COVERAGES: Final = (0.9, 0.95)
LIBRARIES: Final = ("lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy")
CHANCES: Final = ("intent", "conversion", "churn_risk", "engagement")
OUTCOME: Final = (
    "upper reaches 1 where the event may happen and lower reaches 0 where it may not; with the"
    " given coverage the true one is inside, for those to whom it happens and for the others alike"
)
DIMENSIONS: Final[dict[str, dict[str, Any]]] = {
    "intent": {
        "meaning": f"calibrated probability of a purchase within {SOON_DAYS} days",
        "unit": "probability",
        "levels": {"names": ["cold", "warm", "hot"], "thresholds": [0.05, 0.2]},
    },
    "timing": {
        "meaning": f"expected days to the next purchase, where silence for {HORIZON_DAYS} days"
        f" counts as {HORIZON_DAYS}",
        "unit": "days",
    },
    "budget": {
        "meaning": f"expected spend within {HORIZON_DAYS} days, those who buy nothing included",
        "unit": "dollars",
    },
    "conversion": {
        "meaning": "calibrated probability that a customer with one purchase makes a second within"
        f" {HORIZON_DAYS} days; 1 for customers with more, who have made it",
        "unit": "probability",
    },
    "churn_risk": {
        "meaning": f"calibrated probability of no purchase within {HORIZON_DAYS} days",
        "unit": "probability",
        "levels": {
            "names": ["low", "medium", "high", "critical"],
            "thresholds": [0.4, 0.7, 0.9],
        },
    },
    "engagement": {
        "meaning": "readiness to engage: calibrated probability of purchases on two days or more"
        f" within {HORIZON_DAYS} days, blended from intent, churn_risk and budget",
        "unit": "probability",
        "levels": {"names": ["cold", "warm", "hot"], "thresholds": [0.05, 0.2]},
    },
}


def truth_of(panel: Panel) -> dict[str, Numbers]:
    """What happened, for each dimension, [customers] each."""
    found = {target.name: target.truth(panel) for target in lead_models.TARGETS}
    return {
        **found,
        "timing": panel.wait,
        "conversion": (panel.wait < HORIZON_DAYS).astype(np.float64),
        "engagement": lead_models.engaged(panel),
    }


def about(name: str, panel: Panel) -> npt.NDArray[np.bool_]:
    """The customers whom a dimension is measured on, [customers]."""
    return lead_second.single(panel) if name == "conversion" else np.ones(len(panel.rows), bool)


def intervals_of(last: Panel, scores: Mapping[str, Numbers]) -> dict[str, dict[str, Any]]:
    """The conformal interval of each dimension, from out-of-fold scores of the last date."""
    truth, found = truth_of(last), {}
    for name in DIMENSIONS:
        some = about(name, last)
        if name == "conversion":
            standing, labels = scores["conversion_standing"][some], truth[name][some]
            found[name] = lead_second.interval(standing, labels.astype(np.int8), OUTCOME, COVERAGES)
        elif name in CHANCES:
            found[name] = intervals.outcome(
                scores[name][some],
                truth[name][some].astype(np.int8),
                meaning=OUTCOME,
                coverages=COVERAGES,
            )
        else:
            found[name] = intervals.normalised(
                scores[name],
                truth[name],
                scores[f"{name}_spread"],
                scale=f"{name}_spread",
                meaning=f"{DIMENSIONS[name]['unit']} that the true value lies between",
                minimum=0.0,
                maximum=float(HORIZON_DAYS) if name == "timing" else None,
                coverages=COVERAGES,
            )
    return found


def metrics(
    last: Panel,
    held: Panel,
    out_of_fold: Mapping[str, Numbers],
    scores: Mapping[str, Numbers],
    conformal: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Each dimension against its baselines on the held-out date, and the coverage there."""
    truth, past = truth_of(held), truth_of(last)
    rivals = _rivals(last, held)
    outputs: dict[str, Any] = {}
    for name in DIMENSIONS:
        here, before = about(name, held), about(name, last)
        y = truth[name][here]
        if name in CHANCES:
            labels = y.astype(np.int8)
            threshold = evaluate.best_threshold(
                past[name][before].astype(np.int8), out_of_fold[name][before]
            )
            model = evaluate.measures(labels, scores[name][here], threshold)
            others = {
                rival: evaluate.measures(labels, predicted[here], threshold)
                for rival, predicted in rivals[name].items()
            }
            headline = ["auc", "log_loss"]
        else:
            model = regression.measures(y, scores[name][here])
            others = {r: regression.measures(y, p[here]) for r, p in rivals[name].items()}
            headline = ["rmse", "mae"]
        outputs[name] = {
            "rows": int(here.sum()),
            "truth_mean": round(float(y.mean()), evaluate.DIGITS),
            "score_mean": round(float(scores[name][here].mean()), evaluate.DIGITS),
            "headline": headline,
            "model": model,
            "baselines": others,
            "coverage": intervals.measure(
                conformal[name], {key: value[here] for key, value in scores.items()}, name, y
            ),
        }
    return {"rows": len(held.rows), "outputs": outputs}


def _rivals(last: Panel, held: Panel) -> dict[str, dict[str, Numbers]]:
    """What simple rules and BG/NBD say of the held-out date, by dimension and baseline.

    The rules are fitted on the last training date; BG/NBD, which needs no outcomes, on all
    purchases before the held-out date.
    """
    truth, known = truth_of(last), held.summary()
    found: dict[str, dict[str, Numbers]] = {}
    for name in DIMENSIONS:
        some, y = about(name, last), truth[name]
        mean = np.full(len(held.rows), float(y[some].mean()))
        chance = name in CHANCES
        model = LogisticRegression(max_iter=1000) if chance else LinearRegression()
        line = make_pipeline(StandardScaler(), model).fit(_rfm(last)[some], y[some])
        given = line.predict_proba(_rfm(held))[:, 1] if chance else line.predict(_rfm(held))
        found[name] = {"mean": mean, "recency_frequency_value": given}
    counts, money = BgNbd.fit(known), GammaGamma.fit(known)
    found["intent"]["bg_nbd"] = counts.buys(known, SOON_DAYS)
    found["conversion"]["bg_nbd"] = counts.buys(known, HORIZON_DAYS)
    found["churn_risk"]["bg_nbd"] = 1 - counts.buys(known, HORIZON_DAYS)
    found["timing"]["bg_nbd"] = counts.expected_wait(known, HORIZON_DAYS)
    found["budget"]["last_90_days"] = held.column("spend_last_90d")
    expected = counts.expected_purchases(known, HORIZON_DAYS)
    found["budget"]["bg_nbd_gamma_gamma"] = expected * money.expected_value(known)
    return found


def _rfm(panel: Panel) -> Numbers:
    names = ("recency_days", "tenure_days", "purchases", "spend_total")
    return np.column_stack([np.log1p(panel.column(name)) for name in names])


def training(
    fitted: Mapping[str, Fitted], rows: int, dates: Sequence[str], held_out: str, seed: int
) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": cdnow.described(rows),
        "holdout": {
            "as_of": held_out,
            "outcomes": f"the {HORIZON_DAYS} days from {held_out}",
            "rule": "features look only at purchases before their date; the outcomes of every"
            f" training date end by {held_out}; nothing is chosen, calibrated or fitted with"
            " later purchases",
        },
        "dates": list(dates),
        "folds": f"{FOLDS}, by customer, so that no customer is in two",
        "rounds_chosen_by": "the least loss on the last date, of trees fitted on dates whose"
        " outcomes end before it",
        "seed": seed,
        "algorithm": "LightGBM, an ensemble for each of four targets, in one node; for conversion a"
        " line in logs",
        "targets": {
            name: {"rounds": one.rounds, "parameters": one.target.setting.parameters(seed)}
            for name, one in fitted.items()
        },
        "libraries": {
            **{name: version_of(name) for name in LIBRARIES},
        },
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
