"""Requests to Decide for the model `shop` of `tests.decision_models`."""

from typing import Any

import grpc

from stubtail.endpoints.decide import PATH
from stubtail.v1 import decision_pb2
from tests.decision_models import CONTEXT
from tests.integration.calls import call

Request = decision_pb2.DecideRequest


def value(plain: float | str) -> decision_pb2.Value:
    """A number or a text."""
    if isinstance(plain, str):
        return decision_pb2.Value(text=plain)
    return decision_pb2.Value(number=plain)


def values(plain: dict[str, Any]) -> dict[str, decision_pb2.Value]:
    """A context or parameters."""
    return {name: value(one) for name, one in plain.items()}


def request(*prices: float, **more: Any) -> Request:
    """The best price for profit."""
    fields: dict[str, Any] = {
        "model": "shop",
        "context": values(CONTEXT),
        "parameters": values({"cost": 1.0}),
        "objective": decision_pb2.Objective(
            profit=decision_pb2.Profit(price="price", cost="cost"),
        ),
    }
    made = Request(**(fields | more))
    if prices:
        made.grid.axes.add(name="price").numbers.values.extend(prices)
    return made


def decide(channel: grpc.Channel, made: Request, **options: Any) -> decision_pb2.DecideResponse:
    """The answer of Decide."""
    return decision_pb2.DecideResponse.FromString(call(channel, PATH, made, **options))
