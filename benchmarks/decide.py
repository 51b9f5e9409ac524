"""How long a decision between a thousand candidates takes, over a real connection."""

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np

from benchmarks.errors import WrongAnswerError
from benchmarks.figures import quantile
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.v1 import decision_pb2

PATH = "/stubtail.v1.DecisionService/Decide"
CONTRACTS = ("Month-to-month", "One year", "Two year")
SUPPORT = ("No", "Yes")
PRICES = 167  # times three contracts and two kinds of support: 1,002 candidates
COSTS = '(contract == "Two year" ? 60 : contract == "One year" ? 30 : 0)'
OBJECTIVE = (
    f"(context.score - score) * monthly_charges * months - {COSTS} "
    '- (tech_support == "Yes" ? 20 : 0)'
)
_CALL_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks decide`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--calls", type=int, default=500, help="one after the other, all different")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    manifest = json.loads((options.models / options.model / "1" / "model.json").read_text())
    plain = requests(options.model, manifest["features"], options.calls, seed=31, curve=False)
    curve = requests(options.model, manifest["features"], options.calls, seed=32, curve=True)
    with server_of(options) as server, grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary(PATH, None, None)
        ask(call, plain[:50])  # the connection, the caches, the clock of the processor
        plain_s, curve_s = ask(call, plain), ask(call, curve)
    for name, times_s in (("best ten", plain_s), ("whole curve", curve_s)):
        p50, p99 = (quantile(times_s, part) * 1e3 for part in (0.5, 0.99))
        print(f"  {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)
    promises = [
        Promise(
            "1,002 candidates in one call, p50", quantile(plain_s, 0.5) * 1e3, "at most", 15, " ms"
        ),
        Promise(
            "the same with the whole curve, p50",
            quantile(curve_s, 0.5) * 1e3,
            "at most",
            15,
            " ms",
        ),
    ]
    figures = {
        name: {f"p{part}": round(quantile(times_s, part / 100) * 1e3, 3) for part in (50, 90, 99)}
        for name, times_s in (("best_ms", plain_s), ("curve_ms", curve_s))
    }
    return finish("decide", options, about, promises, figures)


def requests(
    model: str, features: Sequence[dict[str, Any]], count: int, *, seed: int, curve: bool
) -> list[bytes]:
    """Requests with different contexts, within the ranges and categories of the features."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        request = decision_pb2.DecideRequest(model=model, curve=curve, explain_excluded=curve)
        for feature in features:
            value = request.context[feature["name"]]
            if feature["type"] == "category":
                value.text = str(rng.choice(feature["categories"]))
            else:
                value.number = rng.uniform(feature["minimum"], feature["maximum"])
        request.parameters["months"].number = 12.0
        request.grid.axes.add(name="contract").texts.values.extend(CONTRACTS)
        request.grid.axes.add(name="tech_support").texts.values.extend(SUPPORT)
        charges = decision_pb2.Range(first=20.0, last=110.0, steps=PRICES)
        request.grid.axes.add(name="monthly_charges", range=charges)
        request.objective.expression = OBJECTIVE
        request.constraints.add(limit=decision_pb2.Limit(expression="score", at_most=0.9))
        request.constraints.add(bounds=decision_pb2.Bounds(name="monthly_charges", minimum=21.0))
        made.append(request.SerializeToString())
    return made


def ask(call: Any, messages: Sequence[bytes]) -> list[float]:
    """Calls one after the other; the seconds that each took.

    Raises:
        WrongAnswerError: a call failed, or its answer is not for all candidates.
    """
    times_s, expected = [], len(CONTRACTS) * len(SUPPORT) * PRICES
    for message in messages:
        begin = time.perf_counter()
        try:
            reply = call(message, timeout=_CALL_S, wait_for_ready=True)
        except grpc.RpcError as error:
            code: Any = error
            raise WrongAnswerError(f"{code.code().name}: {code.details()}") from error
        times_s.append(time.perf_counter() - begin)
        answer = decision_pb2.DecideResponse.FromString(reply)
        left_out = sum(exclusion.count for exclusion in answer.exclusions)
        if not answer.candidate_count == answer.feasible_count + left_out == expected:
            raise WrongAnswerError(f"{answer.candidate_count} candidates instead of {expected}")
    return times_s
