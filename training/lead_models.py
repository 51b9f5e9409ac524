"""The predictions by trees behind the lead scores: aims, fits, calibration and blend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from training import calibration, growing, trees
from training.calibration import Platt, sigmoid
from training.cdnow import Panel, folds
from training.features import Matrix
from training.growing import Setting
from training.lead_second import Line
from training.trees import Ensemble

Numbers = npt.NDArray[np.float64]

SOON_DAYS: Final = 30
HORIZON_DAYS: Final = 90
ROUNDS_MAX: Final = 40
FOLDS: Final = 2
RATE: Final = 0.2  # few trees: a row costs the server half of what 80 at 0.1 do
CENTRE_DAYS: Final = 82.0  # about the mean; trees of small sums lose less to float32
SPEND_START: Final = "spend_decayed_90d"
SPEND_FLOOR: Final = 1.0  # dollars; the start of a customer who has long spent nothing
BLEND_DIGITS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One of the four predictions.

    Attributes:
        name: of its output.
        setting: of LightGBM.
        truth: what happened, from a panel, [customers].
        starts: whether it multiplies recent spend (`start_of`).
    """

    name: str
    setting: Setting
    truth: Callable[[Panel], Numbers]
    starts: bool = False


_TWEEDIE: Final = {"tweedie_variance_power": 1.5}
INTENT: Final = Target(
    name="intent",
    setting=Setting(objective="binary", learning_rate=RATE),
    truth=lambda panel: (panel.wait < SOON_DAYS).astype(np.float64),
)
CHURN: Final = Target(
    name="churn_risk",
    setting=Setting(objective="binary", learning_rate=RATE),
    truth=lambda panel: (panel.wait >= HORIZON_DAYS).astype(np.float64),
)
TIMING: Final = Target(
    name="timing",
    setting=Setting(objective="l2", learning_rate=RATE, more={"boost_from_average": False}),
    truth=lambda panel: panel.wait - CENTRE_DAYS,
)
BUDGET: Final = Target(
    name="budget",
    setting=Setting(objective="tweedie", learning_rate=RATE, more=_TWEEDIE),
    truth=lambda panel: panel.spend,
    starts=True,
)
TARGETS: Final = (INTENT, CHURN, TIMING, BUDGET)  # as the graph splits them


def engaged(panel: Panel) -> Numbers:
    """1 for customers who buy on two days or more within the horizon, [customers]."""
    return (panel.visits >= 2).astype(np.float64)


def start_of(rows: Matrix, column: int) -> Numbers:
    """The log of the spend that the trees of `budget` multiply, [rows]."""
    return np.log(np.maximum(rows[:, column].astype(np.float64), 0.0) + SPEND_FLOOR)


@dataclass(frozen=True, slots=True)
class Fitted:
    """One target's trees with the calibration in them.

    Attributes:
        target: what it predicts.
        rounds: the number of trees.
        ensemble: as the graph gets it; the sum is log-odds, days, or the log of a factor.
        raw: the same sum by LightGBM and the calibration in double precision, [rows].
        slope: of the calibration.
        intercept: of the calibration.
    """

    target: Target
    rounds: int
    ensemble: Ensemble
    raw: Callable[[Matrix], Numbers]
    slope: float
    intercept: float


def fit(target: Target, panels: Sequence[Panel], seed: int) -> tuple[Fitted, Numbers]:
    """Chooses the number of trees ahead in time, calibrates out of fold, fits on all panels.

    Args:
        target: what to predict.
        panels: ascending in time; the outcomes of all are known by the held-out date. The number
            of trees is judged on the last, with trees of those whose outcomes end before it.
        seed: of the folds and of LightGBM.

    Returns:
        The fitted target, and its calibrated sums for all rows of the last panel from models that
        had not seen the customer on any date, [customers].
    """
    last = panels[-1]
    early = [panel for panel in panels if panel.as_of + HORIZON_DAYS <= last.as_of]
    rounds = growing.best_rounds(
        _stacked(target, early), _stacked(target, [last]), target.setting, ROUNDS_MAX, seed
    )
    out_of_fold = np.empty(len(last.rows))
    for fold in range(FOLDS):
        rows, truth, start = _stacked(target, panels, fold, seed)
        grown = growing.grow(rows, truth, target.setting, rounds, seed, start)
        mine = folds(last.known.customers, FOLDS, seed) == fold
        out_of_fold[mine] = grown.raw(last.rows[mine])
    slope, intercept = _calibration(target, last, out_of_fold)
    rows, truth, start = _stacked(target, panels)
    grown = growing.grow(rows, truth, target.setting, rounds, seed, start)
    fitted = Fitted(
        target=target,
        rounds=rounds,
        ensemble=trees.fold(grown.ensemble, Platt(slope, intercept)),
        raw=lambda asked: slope * grown.raw(asked) + intercept,
        slope=slope,
        intercept=intercept,
    )
    return fitted, slope * out_of_fold + intercept


@dataclass(frozen=True, slots=True)
class Blend:
    """Engagement: sigmoid(weights * (log-odds of intent, of churn risk, log budget) + constant)."""

    weights: tuple[float, float, float]
    constant: float


def blend(sums: Mapping[str, Numbers], rows: Matrix, names: Sequence[str], truth: Numbers) -> Blend:
    """The weights of log-odds and log budget that best tell who comes back twice, and a constant.

    Logistic regression on out-of-fold sums, so that the blend is calibrated by construction.

    Args:
        sums: calibrated, by target, [rows] each.
        rows: the features, [rows, features].
        names: of the features.
        truth: of `engaged`, [rows].
    """
    budget = start_of(rows, names.index(SPEND_START)) + sums["budget"]
    mixed = np.column_stack([sums["intent"], sums["churn_risk"], budget])
    model = LogisticRegression(C=1e6, max_iter=1000).fit(mixed, truth)
    a, b, c, constant = (
        round(float(value), BLEND_DIGITS) for value in (*model.coef_[0], model.intercept_[0])
    )
    return Blend((a, b, c), constant)


def scores(
    sums: Mapping[str, Numbers], rows: Matrix, names: Sequence[str], second: Line, mix: Blend
) -> dict[str, Numbers]:
    """The six scores, and what their intervals need, from calibrated sums: what the graph gives.

    Args:
        sums: by target, [rows] each.
        rows: the features, [rows, features].
        names: of the features.
        second: of conversion.
        mix: the blend of engagement.
    """
    start = start_of(rows, names.index(SPEND_START))
    wait = np.clip(sums["timing"] + CENTRE_DAYS, 0.0, HORIZON_DAYS)
    budget = np.exp(start + sums["budget"])
    a, b, c = mix.weights
    mixed = a * sums["intent"] + b * sums["churn_risk"] + c * np.log(budget) + mix.constant
    return {
        "intent": sigmoid(sums["intent"]),
        "timing": wait,
        "budget": budget,
        "conversion": second.chance(rows, names),
        "conversion_standing": second.standing(rows, names),
        "churn_risk": sigmoid(sums["churn_risk"]),
        "engagement": sigmoid(mixed),
        "timing_spread": 1 - wait / (HORIZON_DAYS + 1),
        "budget_spread": np.sqrt(budget + 1),
    }


def _stacked(
    target: Target,
    panels: Sequence[Panel],
    without: int | None = None,
    seed: int = 0,
) -> tuple[Matrix, Numbers, Numbers | None]:
    """Rows, truth and start of some panels, `without` the customers of a fold."""
    parts = []
    for panel in panels:
        some = folds(panel.known.customers, FOLDS, seed) != without
        parts.append((panel.rows[some], target.truth(panel)[some]))
    rows, truth = (np.concatenate(column) for column in zip(*parts, strict=True))
    names = panels[0].known.names
    start = start_of(rows, names.index(SPEND_START)) if target.starts else None
    return rows, truth, start


def _calibration(target: Target, panel: Panel, sums: Numbers) -> tuple[float, float]:
    """Slope and intercept that make out-of-fold sums of the last panel honest."""
    truth, given = target.truth(panel), sums
    if target.setting.objective == "binary":
        platt = calibration.fit(given, truth.astype(np.int8))
        return platt.slope, platt.intercept
    if target.starts:
        start = start_of(panel.rows, panel.known.names.index(SPEND_START))
        return 1.0, round(float(np.log(truth.mean() / np.exp(start + given).mean())), 6)
    slope, intercept = np.polyfit(given, truth, 1)
    return round(float(slope), 6), round(float(intercept), 6)
