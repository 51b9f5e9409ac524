"""A model of demand by price for decisions, and requests to it."""

from typing import Any

import numpy as np

from stubtail.endpoints.decide import PATH, DecideReader
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.lane.job import Job
from stubtail.models.manifest import Manifest
from stubtail.models.outputs import Interval, NamedOutput, Output
from stubtail.v1 import decision_pb2
from tests.unit.endpoints.loaded import (
    category,
    manifest,
    model,
    number,
    run_job,
    served,
    spec,
)

FEATURES = (
    number("price", minimum=0.5, maximum=8.0),
    category("plan", "basic", "plus"),
    number("bonus", missing="allow"),
    category("colour", "red", "blue", missing="default", unknown="default", default="blue"),
    number("age", missing="default", default=40.0, minimum=0.0, maximum=90.0, outside="clip"),
)
CONTEXT: dict[str, Any] = {"price": 2.0, "plan": "basic", "bonus": 1.0, "colour": "red", "age": 30}
INTERVAL = Interval(
    method="split",
    coverages=(0.5, 0.9),
    below=(0.5, 2.0),
    above=(0.25, 1.0),
    scale=None,
    lower=None,
    upper=None,
    minimum=0.0,
    maximum=None,
    calibration_rows=100,
    meaning="",
)


def demand(feeds: Any) -> list[np.ndarray]:
    """Units: `10 - 2 * price`, 3 more with the plan plus; and days: the price in thousandths."""
    rows = next(iter(feeds.values()))
    units = 10 - 2 * rows[:, :1] + 3 * rows[:, 1:2]
    return [units.astype(np.float32), (rows[:, 0] / 1000).astype(np.float32)]


def about(*, interval: Interval | None = INTERVAL) -> Manifest:
    """The manifest: the main score is units."""
    made = manifest(FEATURES, Output(score="units", meaning="", classes=(), threshold=None))
    outputs = (
        NamedOutput("units", "", "pieces", None, interval),
        NamedOutput("days", "", "days", None, None),
    )
    return Manifest(
        name=made.name,
        version=made.version,
        kind=made.kind,
        description="",
        graph=made.graph,
        features=made.features,
        output=made.output,
        document={},
        outputs=outputs,
    )


INPUTS = [spec("x", "FP32", -1, 5)]
OUTPUTS = [spec("units", "FP32", -1, 1), spec("days", "FP32", -1)]
SHOP = model("shop", INPUTS, OUTPUTS, demand, about=about())
PLAIN = model("plain", INPUTS, OUTPUTS, demand, about=about(interval=None))
BARE = model("bare", INPUTS, OUTPUTS, demand)
CLASSES = model(
    "classes",
    INPUTS,
    [spec("p", "FP32", -1, 3)],
    about=manifest(
        FEATURES, Output(score="p", meaning="", classes=("a", "b", "c"), threshold=None)
    ),
)


def decide_method() -> LaneMethod:
    """Decide over these models."""
    models = served(SHOP, PLAIN, BARE, CLASSES)
    return LaneMethod(PATH, DecideReader(models), models, Deadlines(5.0, 30.0))


def value(plain: float | str) -> decision_pb2.Value:
    """A number or a text."""
    if isinstance(plain, str):
        return decision_pb2.Value(text=plain)
    return decision_pb2.Value(number=plain)


def values(plain: dict[str, Any]) -> dict[str, decision_pb2.Value]:
    """A context or parameters; what is None is left out."""
    return {name: value(one) for name, one in plain.items() if one is not None}


def request(
    *prices: float, objective: str = "(price - cost) * units", **more: Any
) -> decision_pb2.DecideRequest:
    """What to ask for the product, in the shop."""
    fields: dict[str, Any] = {
        "model": "shop",
        "context": values(CONTEXT),
        "parameters": values({"cost": 1.0}),
        "objective": decision_pb2.Objective(expression=objective),
    }
    made = decision_pb2.DecideRequest(**(fields | more))
    if prices:
        made.grid.axes.add(name="price").numbers.values.extend(prices)
    return made


def decode(method: LaneMethod, made: decision_pb2.DecideRequest) -> Job:
    """The job of a request."""
    return method.decode(made.SerializeToString(), 10.0, None)


def decided(method: LaneMethod, made: decision_pb2.DecideRequest) -> decision_pb2.DecideResponse:
    """The answer to a request."""
    return decision_pb2.DecideResponse.FromString(run_job(decode(method, made)))
