"""Pricing: how many cartons a shop sells of a brand at a price, orange juice in 83 shops."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import helper, numpy_helper

from training import (
    background,
    graph,
    growing,
    intervals,
    pricing_data,
    pricing_record,
    pricing_slopes,
    trees,
)
from training.export import Trained
from training.features import Matrix, as_json, describe, statistics
from training.growing import Grown, Setting
from training.pricing_rows import FEATURES, GROUPS, NAMES, Rows, build
from training.pricing_slopes import Slopes

Numbers = npt.NDArray[np.float64]

SEED: Final = 1989
PARITY_TOLERANCE: Final = 2e-5  # relative: exp() turns the last bits of a sum into a share
STEPS: Final = 5
LAST_SEEN: Final = 140  # the last week to train on, as is usual with these data
LAST_FITTED: Final = 120  # weeks after it choose the number of trees
ROUNDS_MAX: Final = 100
SPREAD_ROUNDS: Final = 40
BLOCKS: Final = 5  # of consecutive weeks; each is scored by trees of the others
SPREAD_FLOOR: Final = 0.05  # of log cartons; nobody knows sales better
UNSEEN: Final = ("cost",)
COVERAGES: Final = (0.8, 0.9, 0.95)
DESCRIPTION: Final = (
    "How many cartons of a brand of orange juice a shop sells in a week at a price."
)
LIBRARIES: Final = ("lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "rdata", "scipy")

# price over usual price is computed inside the graph, so that a what-if has one price to change
BRAND_NAMES: Final = tuple(name for name, _ in pricing_data.BRANDS.values())
_RATIO: Final = (NAMES.index("price"), NAMES.index("usual_price"))
_MONOTONE: Final = [-1 if name == "price" else 0 for name in NAMES] + [-1]
DEMAND: Final = Setting(
    objective="l2",
    num_leaves=31,
    feature_fraction=0.8,
    more={"monotone_constraints": _MONOTONE, "monotone_constraints_method": "advanced"},
)
SPREAD: Final = Setting(objective="l1", num_leaves=8, feature_fraction=0.8, min_data_in_leaf=200)


def train(step: Callable[[str], None]) -> Trained:
    """Fits on weeks up to 140, judges on the 20 weeks after.

    Args:
        step: called with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data cannot be had or are not what they were.
    """
    rows = build(pricing_data.orange_juice())
    seen, held = rows.where(rows.week <= LAST_SEEN), rows.where(rows.week > LAST_SEEN)
    early, late = seen.where(seen.week <= LAST_FITTED), seen.where(seen.week > LAST_FITTED)
    step("rows")
    slopes = pricing_slopes.fit(early)
    rounds = _rounds(early, late, slopes)
    step("chose the number of trees")
    left_out = _left_out(seen, slopes, rounds)
    error = np.abs(seen.logs - left_out)
    spread = _grow_spread(seen.rows, error)
    level = _level(seen.logs, left_out)
    step("learned the size of errors")
    scored = np.exp(left_out + level)
    interval = intervals.normalised(
        scored,
        np.exp(seen.logs),
        _in_cartons(scored, _errors_left_out(seen, error)),
        scale="spread",
        meaning="cartons a week that the true number lies between",
        minimum=0.0,
        coverages=COVERAGES,
    )
    demand = _grow(seen, slopes, rounds)
    step("fitted")
    cartons = np.exp(demand(held.rows) + level)
    expected = {"cartons": cartons, "spread": _spread(held.rows, cartons, spread)}
    found, pictures = pricing_record.metrics(seen, held, demand, level)
    found["coverage"] = intervals.measure(interval, expected, "cartons", np.exp(held.logs))
    document: dict[str, Any] = {
        **_rows_seen(seen, np.exp(demand(seen.rows) + level)),
        **_meaning(interval, level),
        "training": _record(rows, seen, held, slopes, rounds),
        "metrics": found,
        "report": {"plots": pictures},
    }
    made = _graph(demand, spread, level)
    step("measured")
    return Trained(
        name="pricing",
        description=DESCRIPTION,
        graph=made,
        holdout=held.rows,
        expected=expected,
        reference="LightGBM, the slopes and the level, computed in double precision",
        document=document,
        tolerance=PARITY_TOLERANCE,
    )


def _rows_seen(seen: Rows, cartons: Numbers) -> dict[str, Any]:
    """The features, what they were like in training, and some rows to compare with."""
    return {
        "features": as_json(FEATURES, seen.rows),
        "explanation": background.explanation(seen.rows, cartons, SEED, count=16, groups=GROUPS),
        "statistics": {
            "rows": len(seen.rows),
            "features": statistics(FEATURES, seen.rows),
            "score": describe(cartons.astype(np.float32)),
        },
    }


def _meaning(interval: dict[str, Any], level: float) -> dict[str, Any]:
    """The score and how its level was found, as model.json names them."""
    return {
        "output": {
            "score": "cartons",
            "meaning": "expected cartons sold in a week in this shop; falls or stays as the price"
            " rises. An association in past data: prices were not set at random",
            "unit": "cartons",
            "interval": interval,
        },
        "calibration": {
            "method": "a factor on the level, so that cartons, not their logs, are right on average"
            f" in {BLOCKS} blocks of weeks, each scored by trees of the other blocks",
            "log_factor": level,
        },
    }


def _learned(rows: Matrix) -> Matrix:
    """The features and price over usual price, without those that the trees must not see."""
    kept = rows.copy()
    kept[:, [NAMES.index(name) for name in UNSEEN]] = 0
    price, usual = (rows[:, column] for column in _RATIO)
    return np.column_stack([kept, price / usual])


@dataclass(frozen=True, slots=True)
class Demand:
    """Log cartons: a slope in the log of price over usual price, and trees for the rest."""

    slopes: Slopes
    grown: Grown

    def __call__(self, rows: Matrix) -> Numbers:
        """Log cartons without the level, [rows, features] to [rows]."""
        return self.slopes.start(rows) + self.grown.raw(_learned(rows))


def _grow(rows: Rows, slopes: Slopes, rounds: int) -> Demand:
    start = slopes.start(rows.rows)
    grown = growing.grow(_learned(rows.rows), rows.logs, DEMAND, rounds, SEED, start)
    return Demand(slopes, grown)


def _rounds(early: Rows, late: Rows, slopes: Slopes) -> int:
    """The number of trees, by the weeks after those that they were fitted on."""
    return growing.best_rounds(
        (_learned(early.rows), early.logs, slopes.start(early.rows)),
        (_learned(late.rows), late.logs, slopes.start(late.rows)),
        DEMAND,
        ROUNDS_MAX,
        SEED,
    )


def _left_out(rows: Rows, slopes: Slopes, rounds: int) -> Numbers:
    """Log cartons of each row by trees that had not seen its block of weeks, [rows]."""
    block, found = _blocks(rows), np.empty(len(rows.logs))
    for one in range(BLOCKS):
        others, mine = rows.where(block != one), block == one
        found[mine] = _grow(others, slopes, rounds)(rows.rows[mine])
    return found


def _errors_left_out(rows: Rows, error: Numbers) -> Numbers:
    """The expected error of each row by trees that had not seen its block of weeks, [rows]."""
    block, found = _blocks(rows), np.empty(len(error))
    for one in range(BLOCKS):
        others, mine = block != one, block == one
        found[mine] = _grow_spread(rows.rows[others], error[others]).raw(_learned(rows.rows[mine]))
    return found


def _blocks(rows: Rows) -> npt.NDArray[np.int64]:
    """The block of consecutive weeks of each row, [rows]."""
    edges = np.quantile(rows.week, np.arange(1, BLOCKS) / BLOCKS)
    return np.asarray(np.digitize(rows.week, edges))


def _grow_spread(rows: Matrix, error: Numbers) -> Grown:
    return growing.grow(_learned(rows), error, SPREAD, SPREAD_ROUNDS, SEED)


def _level(logs: Numbers, predicted: Numbers) -> float:
    """What to add to predicted logs so that the cartons are right in sum."""
    return round(float(np.log(np.exp(logs).sum() / np.exp(predicted).sum())), 6)


def _spread(rows: Matrix, cartons: Numbers, spread: Grown) -> Numbers:
    """The expected size of the error in cartons, [rows]."""
    return _in_cartons(cartons, spread.raw(_learned(rows)))


def _in_cartons(cartons: Numbers, error: Numbers) -> Numbers:
    """The expected error of log cartons as one of cartons, [rows]."""
    return cartons * np.maximum(error, SPREAD_FLOOR)


def _graph(demand: Demand, spread: Grown, level: float) -> bytes:
    """`features` [rows, features] to `cartons` and `spread`, [rows, 1] each."""
    grown = demand.grown.ensemble
    levelled = trees.Ensemble(grown.trees, grown.base + level)
    node = helper.make_node
    nodes = [
        node("Gather", [graph.INPUT, "price_column"], ["price"], axis=1),
        node("Gather", [graph.INPUT, "usual_column"], ["usual"], axis=1),
        node("Div", ["price", "usual"], ["price_to_usual"]),
        node("Concat", [graph.INPUT, "price_to_usual"], ["learned"], axis=1),
        graph.tree_node(
            [trees.exact(levelled), trees.exact(spread.ensemble)], "learned", "sums", name="trees"
        ),
        node("Split", ["sums"], ["rest", "share"], axis=1),
        node("Gather", [graph.INPUT, "brand_column"], ["brand"], axis=1),
        node("Cast", ["brand"], ["brand_code"], to=7),  # 7 is int64
        node("Gather", ["slopes", "brand_code"], ["slope"], axis=0),
        node("Log", ["price_to_usual"], ["log_ratio"]),
        node("Mul", ["slope", "log_ratio"], ["sloped"]),
        node("Add", ["rest", "sloped"], ["log_cartons"]),
        node("Exp", ["log_cartons"], ["cartons"]),
        node("Max", ["share", "least_share"], ["some_share"]),
        node("Mul", ["cartons", "some_share"], ["spread"]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "price_column": np.array([_RATIO[0]], np.int64),
        "usual_column": np.array([_RATIO[1]], np.int64),
        "brand_column": np.array([NAMES.index("brand")], np.int64),
        "slopes": np.array(demand.slopes.by_brand, np.float32),
        "least_share": np.array([SPREAD_FLOOR], np.float32),
    }
    return graph.model(
        nodes,
        len(NAMES),
        {"cartons": 1, "spread": 1},
        name="pricing",
        notes=DESCRIPTION,
        metadata={"features": ",".join(NAMES)},
        constants=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _record(rows: Rows, seen: Rows, held: Rows, slopes: Slopes, rounds: int) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": {
            "name": "orangeJuice",
            "title": "weekly sales of 11 orange juices in 83 Dominick's shops, 1990 to 1992",
            "package": f"{pricing_data.PACKAGE} (Debian)",
            "rows": pricing_data.ROWS,
            "rows_with_a_past": len(rows.rows),
        },
        "holdout": {
            "weeks": f"{LAST_SEEN + 1} to {int(held.week.max())}",
            "rows": len(held.rows),
            "rule": "what describes the past of a row comes from earlier weeks of its shop and"
            " brand; nothing is fitted, chosen or calibrated with held-out weeks",
        },
        "rows": len(seen.rows),
        "seed": SEED,
        "algorithm": "a slope in the log of price over usual price by brand; LightGBM, falling"
        " or flat in the own price, on what it leaves of log cartons",
        "slopes": dict(zip(BRAND_NAMES, slopes.by_brand, strict=True)),
        "rounds": rounds,
        "rounds_chosen_by": f"the least loss on weeks {LAST_FITTED + 1} to {LAST_SEEN}, of trees"
        " fitted on the weeks before",
        "parameters": DEMAND.parameters(SEED),
        "spread": {"rounds": SPREAD_ROUNDS, "parameters": SPREAD.parameters(SEED)},
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
