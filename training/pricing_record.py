"""How good the pricing model is: errors against baselines, elasticities, and curves of demand."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training import plots, regression
from training.features import Matrix
from training.pricing_data import BRANDS
from training.pricing_rows import NAMES, Rows

Numbers = npt.NDArray[np.float64]
Predict = Callable[[Matrix], Numbers]
Design = Callable[[Rows], Numbers]  # columns of a regression, [rows, columns]

STEP: Final = 0.1  # elasticities are between prices a tenth below and a tenth above
CURVE: Final = np.linspace(0.7, 1.3, 13)  # of the price that was asked
PRICE: Final = NAMES.index("price")


def metrics(
    seen: Rows, held: Rows, predict: Predict, level: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The model against its baselines on the held-out weeks, and plots of demand.

    Args:
        seen: the rows to train on.
        held: the rows to measure on.
        predict: log cartons of any rows, [rows, features] to [rows].
        level: what to add to them so that the cartons are right on average.

    Returns:
        `metrics` and `report.plots` of model.json.
    """
    lines = log_log(seen)
    rivals = {}
    for name, own, design in (
        ("log_log_regression", lines, _design),
        ("log_log_regression_from_usual", fit_lines(seen, from_usual), from_usual),
    ):
        past, ahead = _on_lines(seen, own, design), _on_lines(held, own, design)
        line_level = float(np.log(np.exp(seen.logs).sum() / np.exp(past).sum()))
        rivals[name] = _measures(held, ahead, line_level)
    usual = held.rows[:, NAMES.index("usual_cartons")].astype(np.float64)
    last = held.rows[:, NAMES.index("last_cartons")].astype(np.float64)
    logs = predict(held.rows)
    found = {
        "rows": len(held.rows),
        "headline": ["r2_log", "mae"],
        "model": _measures(held, logs, level),
        "baselines": {
            **rivals,
            "usual_cartons": _measures(held, np.log(usual), 0.0),
            "last_week": _measures(held, np.log(last), 0.0),
        },
        "elasticity": elasticities(held, lines, predict),
        "price_rises_raise_demand": _rises(held, predict),
    }
    return found, _pictures(held, np.exp(logs + level), predict, level)


def log_log(rows: Rows) -> dict[int, Numbers]:
    """Least squares of log cartons on 1, log price, deal and feat, one line for each brand.

    Returns:
        By brand the four coefficients; the second is the own-price elasticity.
    """
    return fit_lines(rows, _design)


def fit_lines(rows: Rows, design: Design) -> dict[int, Numbers]:
    """Least squares of log cartons on some columns, one line for each brand."""
    columns = design(rows)
    return {
        int(brand): np.linalg.lstsq(columns[rows.brand == brand], rows.logs[rows.brand == brand])[0]
        for brand in np.unique(rows.brand)
    }


def from_usual(rows: Rows) -> Numbers:
    """1, log of price over usual price, deal, feat, log of usual cartons: the model's own past."""
    columns = rows.rows.astype(np.float64)
    price, usual, cartons, deal, feat = (
        columns[:, NAMES.index(name)]
        for name in ("price", "usual_price", "usual_cartons", "deal", "feat")
    )
    return np.column_stack(
        [np.ones(len(price)), np.log(price / usual), deal, feat, np.log(cartons)]
    )


def elasticities(held: Rows, lines: dict[int, Numbers], predict: Predict) -> dict[str, Any]:
    """Own-price elasticity by brand: of the model on held-out rows, and of the log-log lines.

    The model's is the mean change of log cartons between a price 10 % below and 10 % above, over
    the change of log price, all else as it was.
    """
    low, high = (predict(_priced(held, 1 + side)) for side in (-STEP, STEP))
    slope = (high - low) / np.log((1 + STEP) / (1 - STEP))
    return {
        name: {
            "model": round(float(slope[held.brand == brand].mean()), 2),
            "log_log_regression": round(float(lines[brand][1]), 2),
        }
        for brand, (name, _) in BRANDS.items()
    }


def _design(rows: Rows) -> Numbers:
    columns = rows.rows.astype(np.float64)
    price, deal, feat = (columns[:, NAMES.index(name)] for name in ("price", "deal", "feat"))
    return np.column_stack([np.ones(len(price)), np.log(price), deal, feat])


def _on_lines(rows: Rows, lines: dict[int, Numbers], design: Design) -> Numbers:
    own = np.array([lines[brand] for brand in rows.brand])
    return np.asarray((own * design(rows)).sum(axis=1))


def _measures(held: Rows, logs: Numbers, level: float) -> dict[str, float]:
    """Errors of logs without the level, and of cartons with it."""
    error = held.logs - logs
    r2 = 1 - float((error**2).mean() / held.logs.var())
    return {"r2_log": round(r2, 4), **regression.measures(np.exp(held.logs), np.exp(logs + level))}


def _priced(held: Rows, factor: float) -> Matrix:
    changed = held.rows.copy()
    changed[:, PRICE] *= np.float32(factor)
    return changed


def _rises(held: Rows, predict: Predict) -> int:
    """In how many steps of the curves a higher price raises demand; the trees promise none."""
    logs = np.array([predict(_priced(held, factor)) for factor in CURVE])
    return int((np.diff(logs, axis=0) > 1e-9).sum())


def _pictures(held: Rows, cartons: Numbers, predict: Predict, level: float) -> list[dict[str, Any]]:
    curves = np.array([np.exp(predict(_priced(held, factor)) + level) for factor in CURVE])
    series = [
        plots.line(
            name,
            CURVE,
            curves[:, held.brand == brand].sum(axis=1) / cartons[held.brand == brand].sum(),
        )
        for brand, (name, _) in BRANDS.items()
    ]
    parts = np.array_split(np.argsort(cartons, kind="stable"), 20)
    truth = np.exp(held.logs)
    stated = [float(cartons[part].mean()) for part in parts]
    seen = [float(truth[part].mean()) for part in parts]
    return [
        plots.plot(
            "Demand by price",
            "price over the price that was asked",
            "cartons over those at the price that was asked",
            series,
        ),
        plots.plot(
            "Level",
            "expected cartons, mean of a twentieth of the rows",
            "sold cartons",
            [
                plots.line("ideal", [0.0, max(stated)], [0.0, max(stated)], "dashed"),
                plots.line("pricing", stated, seen, "points"),
            ],
        ),
    ]
