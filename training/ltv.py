"""Customer lifetime value: what a customer will spend within the next 39 weeks."""

import platform
from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import helper, numpy_helper

from training import background, cdnow, graph, growing, intervals, plots, regression, trees
from training.bgnbd import BgNbd, GammaGamma
from training.cdnow import Panel
from training.export import Trained
from training.features import Matrix, as_json, describe, statistics
from training.growing import Grown, Setting
from training.transaction_columns import columns, explained

Numbers = npt.NDArray[np.float64]
Rows = tuple[Matrix, Numbers, Numbers]

SEED: Final = 39
HORIZON_DAYS: Final = 273  # 39 weeks
AS_OF: Final = "1997-10-01"  # 39 weeks after the first purchase of all
# A date half way, whose outcomes end on that date: more to learn from, scaled to 39 weeks.
EARLIER: Final = ("1997-04-01", 183)
FOLDS: Final = 5  # of customers; the first is held out
ROUNDS_MAX: Final = 150
START: Final = "spend_decayed_90d"
FLOOR: Final = 1.0  # dollars; the start of a customer who has long spent nothing
PARITY_TOLERANCE: Final = 1e-5  # relative: exp() turns the last bits of a sum into a share
STEPS: Final = 5
SETTING: Final = Setting(
    objective="tweedie",
    num_leaves=6,
    learning_rate=0.05,
    more={"tweedie_variance_power": 1.5},
)
DESCRIPTION: Final = "What a customer will spend within the next 39 weeks."
LIBRARIES: Final = ("lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "scipy")


def train(step: Callable[[str], None]) -> Trained:
    """Fits on four fifths of the customers, judges on the others, all on one date.

    Args:
        step: called with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data set is absent or not what it was.
        ValueError: BG/NBD or Gamma-Gamma found no solution.
    """
    bought = cdnow.purchases()
    panel = cdnow.panel(bought, AS_OF, HORIZON_DAYS)
    fold = cdnow.folds(panel.known.customers, FOLDS, SEED)
    rows, spend = panel.rows, panel.spend
    judge, held, seen = fold == 1, fold == 0, fold != 0
    step("features")
    past = cdnow.panel(bought, *EARLIER)
    early, later = _rows(panel, past, seen & ~judge), _part(panel, judge)
    rounds = growing.best_rounds(early, later, SETTING, ROUNDS_MAX, SEED)
    step("chose the number of trees")
    value = _out_of_fold(panel, past, fold, rounds)
    step("scored out of fold")
    level = round(float(np.log(spend[seen].mean() / value[seen].mean())), 6)
    value = value * np.exp(level)
    grown = _fit(_rows(panel, past, seen), rounds)
    value[held] = _value(grown, panel.known.names, rows[held]) * np.exp(level)
    interval = intervals.normalised(
        value[seen],
        spend[seen],
        _spread(value[seen]),
        scale="spread",
        meaning="dollars that the true value lies between",
        minimum=0.0,
    )
    expected = {"value": value[held], "spread": _spread(value[held])}
    step("fitted")
    rivals = {**_classics(panel, seen), "trees_that_saw_no_later_week": _earlier(panel, past)}
    found = {
        **_compared(spend, value, rivals, held),
        "out_of_fold": _compared(spend, value, rivals, seen),
        "coverage": intervals.measure(interval, expected, "value", spend[held]),
    }
    step("measured")
    document: dict[str, Any] = {
        **_rows_seen(panel, seen, value[seen]),
        **_meaning(interval, level),
        "training": _record(int(seen.sum()), int(held.sum()), rounds),
        "metrics": found,
        "report": {"plots": _pictures(spend[held], value[held], rivals, held)},
    }
    return Trained(
        name="ltv",
        description=DESCRIPTION,
        graph=_graph(grown, level, panel.known.names),
        holdout=rows[held],
        expected=expected,
        reference="LightGBM and the level, computed in double precision",
        document=document,
        tolerance=PARITY_TOLERANCE,
    )


def _rows_seen(panel: Panel, seen: npt.NDArray[np.bool_], value: Numbers) -> dict[str, Any]:
    """The features, what they were like in training, and some rows to compare with."""
    features, rows = columns(panel.known.names, (START,)), panel.rows[seen]
    return {
        "features": as_json(features, rows),
        "explanation": background.explanation(
            rows, value, SEED, count=16, groups=explained(panel.known.groups)
        ),
        "statistics": {
            "rows": len(rows),
            "features": statistics(features, rows),
            "score": describe(value.astype(np.float32)),
        },
    }


def _meaning(interval: dict[str, Any], level: float) -> dict[str, Any]:
    """The score and how its level was found, as model.json names them."""
    return {
        "output": {
            "score": "value",
            "meaning": "expected dollars spent within the next 39 weeks, those who buy nothing"
            " included",
            "unit": "dollars",
            "interval": interval,
        },
        "calibration": {
            "method": "a factor, so that out-of-fold values are right in sum",
            "log_factor": level,
        },
    }


def _start(names: tuple[str, ...], rows: Matrix) -> Numbers:
    """The log of recent spend, which the trees multiply, [rows]."""
    recent = rows[:, names.index(START)].astype(np.float64)
    return np.log(np.maximum(recent, 0.0) + FLOOR)


def _part(panel: Panel, some: npt.NDArray[np.bool_], scale: float = 1.0) -> Rows:
    """Features, truth (scaled to the horizon) and start of some customers."""
    rows = panel.rows[some]
    return rows, panel.spend[some] * scale, _start(panel.known.names, rows)


def _rows(panel: Panel, past: Panel, some: npt.NDArray[np.bool_]) -> Rows:
    """What to learn from: some customers of the panel, and the same on the earlier date."""
    early = np.isin(past.known.customers, panel.known.customers[some])
    rows, truth, start = _part(panel, some)
    more, before, other = _part(past, early, HORIZON_DAYS / EARLIER[1])
    return (
        np.concatenate([rows, more]),
        np.concatenate([truth, before]),
        np.concatenate([start, other]),
    )


def _fit(learned: Rows, rounds: int) -> Grown:
    rows, truth, start = learned
    return growing.grow(rows, truth, SETTING, rounds, SEED, start)


def _out_of_fold(panel: Panel, past: Panel, fold: npt.NDArray[np.int64], rounds: int) -> Numbers:
    """Values by trees that had not seen the customer; 0 for the held-out fold, [customers]."""
    value = np.zeros(len(fold))
    for one in range(1, FOLDS):
        grown = _fit(_rows(panel, past, (fold != 0) & (fold != one)), rounds)
        value[fold == one] = _value(grown, panel.known.names, panel.rows[fold == one])
    return value


def _value(grown: Grown, names: tuple[str, ...], rows: Matrix) -> Numbers:
    return np.exp(_start(names, rows) + grown.raw(rows))


def _spread(value: Numbers) -> Numbers:
    """The size of errors grows with the root of the value, as that of counts does."""
    return np.sqrt(value + 1)


def _classics(panel: Panel, seen: npt.NDArray[np.bool_]) -> dict[str, Numbers]:
    """Baselines for all customers of the panel, [customers] each.

    BG/NBD and Gamma-Gamma need no outcomes: they are fitted on all purchases before the date. The
    rescaled one gets the level that the trees learn as well, from the customers in `seen`.
    """
    known = panel.summary()
    counts, money = BgNbd.fit(known), GammaGamma.fit(known)
    classic = counts.expected_purchases(known, HORIZON_DAYS) * money.expected_value(known)
    level = panel.spend[seen].mean() / classic[seen].mean()
    pace = panel.column("spend_total") / panel.column("tenure_days") * HORIZON_DAYS
    return {
        "bg_nbd_gamma_gamma": classic,
        "bg_nbd_gamma_gamma_rescaled": classic * level,
        "mean": np.full(len(panel.rows), panel.spend[seen].mean()),
        "past_pace": pace,
    }


def _earlier(panel: Panel, past: Panel) -> Numbers:
    """Trees of outcomes that were all known on the date of the panel."""
    everybody = np.ones(len(past.rows), bool)
    grown = _fit(_part(past, everybody, HORIZON_DAYS / EARLIER[1]), ROUNDS_MAX // 2)
    return _value(grown, panel.known.names, panel.rows)


def _compared(
    spend: Numbers, value: Numbers, rivals: dict[str, Numbers], some: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    return {
        "rows": int(some.sum()),
        "headline": ["rmse", "spearman"],
        "model": regression.measures(spend[some], value[some]),
        "baselines": {
            name: regression.measures(spend[some], given[some]) for name, given in rivals.items()
        },
    }


def _pictures(
    spend: Numbers, value: Numbers, rivals: dict[str, Numbers], held: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    classic = rivals["bg_nbd_gamma_gamma"][held]
    series = [plots.line("ideal", [0.0, 200.0], [0.0, 200.0], "dashed")]
    for name, given in (("ltv", value), ("BG/NBD and Gamma-Gamma", classic)):
        parts = np.array_split(np.argsort(given, kind="stable"), 10)
        stated = [float(given[part].mean()) for part in parts]
        series.append(plots.line(name, stated, [float(spend[p].mean()) for p in parts], "points"))
    return [
        plots.plot(
            "Level", "expected dollars, mean of a tenth of the rows", "dollars spent", series
        )
    ]


def _graph(grown: Grown, level: float, names: tuple[str, ...]) -> bytes:
    """`features` [rows, features] to `value` and `spread`, [rows, 1] each."""
    levelled = trees.Ensemble(grown.ensemble.trees, grown.ensemble.base + level)
    node = helper.make_node
    nodes = [
        graph.tree_node([trees.exact(levelled)], graph.INPUT, "log_factor", name="trees"),
        node("Gather", [graph.INPUT, "start_column"], ["recent"], axis=1),
        node("Max", ["recent", "nothing"], ["spent"]),  # more may have gone back than was bought
        node("Add", ["spent", "floor"], ["start"]),
        node("Exp", ["log_factor"], ["factor"]),
        node("Mul", ["start", "factor"], ["value"]),
        node("Add", ["value", "one"], ["variance"]),
        node("Sqrt", ["variance"], ["spread"]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "start_column": np.array([names.index(START)], np.int64),
        "nothing": np.array([0], np.float32),
        "floor": np.array([FLOOR], np.float32),
        "one": np.array([1], np.float32),
    }
    return graph.model(
        nodes,
        len(names),
        {"value": 1, "spread": 1},
        name="ltv",
        notes=DESCRIPTION,
        metadata={"features": ",".join(names)},
        constants=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _record(seen: int, held: int, rounds: int) -> dict[str, Any]:
    """What was trained on what: enough to do it again and get the same bytes."""
    return {
        "dataset": cdnow.described(seen + held),
        "holdout": {
            "as_of": AS_OF,
            "outcomes": "the 39 weeks from then to the end of the data",
            "rows": held,
            "rule": "a fifth of the customers, drawn at random, is in no fit, choice or"
            " calibration; features look only at purchases before the date. The trees have seen"
            " what other customers spent in these 39 weeks; BG/NBD has not, and neither have"
            " trees_that_saw_no_later_week",
        },
        "earlier_rows": f"the same customers on {EARLIER[0]}, their {EARLIER[1]} days from then"
        " scaled to 39 weeks",
        "folds": f"{FOLDS - 1} of the other customers",
        "seed": SEED,
        "algorithm": f"LightGBM; a factor on {START} + {FLOOR:g} dollar",
        "rounds": rounds,
        "rounds_chosen_by": "the least loss on one fold",
        "parameters": SETTING.parameters(SEED),
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
