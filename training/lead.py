"""Lead scores: six dimensions of what a customer will do next, from the history of purchases."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from training import (
    background,
    cdnow,
    lead_graph,
    lead_models,
    lead_record,
    lead_second,
    plots,
)
from training.cdnow import Panel
from training.export import Trained
from training.features import as_json, describe, statistics
from training.lead_models import HORIZON_DAYS, SPEND_START, TARGETS, Blend, Fitted, Numbers
from training.lead_second import Line
from training.transaction_columns import columns, explained

SEED: Final = 1997
HELD_OUT: Final = "1998-04-01"
DATES: Final = tuple(str(np.datetime64("1998-01-01") - 50 * step) for step in range(6, -1, -1))
BACKGROUND_ROWS: Final = 16  # times 64 sets of groups: an explained call stays within 5 ms
PARITY_TOLERANCE: Final = 1e-5  # of days, dollars and chances alike, relative above 1
STEPS: Final = len(TARGETS) + 3
DESCRIPTION: Final = (
    "Six scores of a customer from the history of purchases: buys soon, when, for how much, comes"
    " a second time, falls silent, is ready to engage."
)


def train(step: Callable[[str], None]) -> Trained:
    """Fits on seven dates, judges on a later one whose outcomes no fit has seen.

    Args:
        step: called with a word after each piece of work, STEPS times.

    Raises:
        DataError: the data set is absent or not what it was.
        ValueError: a calibration found no solution.
    """
    bought = cdnow.purchases()
    panels = [cdnow.panel(bought, date, HORIZON_DAYS) for date in DATES]
    held = cdnow.panel(bought, HELD_OUT, HORIZON_DAYS)
    step("features")
    last = panels[-1]
    fitted: dict[str, Fitted] = {}
    sums: dict[str, Numbers] = {}
    for target in TARGETS:
        fitted[target.name], sums[target.name] = lead_models.fit(target, panels, SEED)
        step(f"fitted {target.name}")
    names = last.known.names
    second = lead_second.fit(panels, HORIZON_DAYS)
    mix = lead_models.blend(sums, last.rows, names, lead_models.engaged(last))
    out_of_fold = lead_models.scores(sums, last.rows, names, second, mix)
    expected = lead_models.scores(
        {name: one.raw(held.rows) for name, one in fitted.items()}, held.rows, names, second, mix
    )
    step("calibrated")
    intervals = lead_record.intervals_of(last, out_of_fold)
    found = lead_record.metrics(last, held, out_of_fold, expected, intervals)
    document: dict[str, Any] = {
        **_meaning(intervals, found["outputs"]["intent"]["model"]["threshold"]),
        **_rows(panels, out_of_fold["intent"]),
        "calibration": _calibration(fitted, second, mix),
        "training": lead_record.training(
            fitted, sum(len(panel.rows) for panel in panels), DATES, HELD_OUT, SEED
        ),
        "metrics": found,
        "report": {"plots": _pictures(held, expected["intent"])},
    }
    graph = lead_graph.build(
        {name: one.ensemble for name, one in fitted.items()},
        second,
        mix,
        names,
        notes=DESCRIPTION,
        metadata={"features": ",".join(names), "outputs": ",".join(lead_graph.OUTPUTS)},
    )
    step("measured")
    return Trained(
        name="lead",
        description=DESCRIPTION,
        graph=graph,
        holdout=held.rows,
        expected=expected,
        reference="LightGBM, the calibrations and the blend, computed in double precision",
        document=document,
        tolerance=PARITY_TOLERANCE,
    )


def _meaning(intervals: dict[str, dict[str, Any]], threshold: float) -> dict[str, Any]:
    """The main score and all six, as model.json names them."""
    return {
        "output": {
            "score": "intent",
            "meaning": lead_record.DIMENSIONS["intent"]["meaning"],
            "classes": ["waits", "buys"],
            "threshold": threshold,
        },
        "outputs": [
            {"name": name, **about, "interval": intervals[name]}
            for name, about in lead_record.DIMENSIONS.items()
        ],
    }


def _rows(panels: list[Panel], intent: Numbers) -> dict[str, Any]:
    """The features, what they were like in training, and some rows to compare with."""
    last = panels[-1]
    needed = (SPEND_START, *lead_second.FACTS, lead_second.PURCHASES)
    features = columns(last.known.names, needed)
    seen = np.concatenate([panel.rows for panel in panels])
    return {
        "features": as_json(features, seen),
        "explanation": background.explanation(
            last.rows,
            intent,
            SEED,
            count=BACKGROUND_ROWS,
            groups=explained(last.known.groups),
        ),
        "statistics": {
            "rows": len(seen),
            "features": statistics(features, seen),
            "score": describe(intent.astype(np.float32)),
        },
    }


def _pictures(held: Panel, intent: Numbers) -> list[dict[str, Any]]:
    bought = (held.wait < lead_models.SOON_DAYS).astype(np.int8)
    return plots.of_classifier(bought, {"intent": intent})


def _calibration(fitted: dict[str, Fitted], second: Line, mix: Blend) -> dict[str, Any]:
    return {
        "method": "on the last training date, each customer scored by models that had not seen"
        " them on any date: Platt scaling for chances, a straight line for days, a factor for"
        " dollars; folded into the leaves",
        "targets": {
            name: {"slope": one.slope, "intercept": one.intercept} for name, one in fitted.items()
        },
        "conversion": lead_second.described(second),
        "engagement": {
            "formula": "sigmoid(w1 * log-odds of intent + w2 * log-odds of churn_risk"
            " + w3 * ln(budget) + constant)",
            "fitted_to": f"buys on two days or more within {HORIZON_DAYS} days",
            **asdict(mix),
        },
    }
