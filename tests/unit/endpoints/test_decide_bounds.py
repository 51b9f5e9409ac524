"""What a decision may cost: bounded before it is read, told to admission, done in the run."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stubtail.decisions.evaluate import evaluate
from stubtail.endpoints import decide, decide_size
from stubtail.endpoints.decide import PATH, REQUEST_BYTES_MAX, DecideReader
from stubtail.endpoints.decide_run import cost_class
from stubtail.endpoints.decide_size import REPLY_BYTES_MAX
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.protobuf import opening
from stubtail.endpoints.served import BatchLimits
from stubtail.errors import CallError, Code
from stubtail.lane.batch_run import BadRowsError
from stubtail.v1 import decision_pb2
from tests.unit.endpoints.decided import (
    CONTEXT,
    INPUTS,
    OUTPUTS,
    about,
    decided,
    decode,
    demand,
    request,
    values,
)
from tests.unit.endpoints.loaded import model, number, run_job, served

PATIENT = [HealthCheck.too_slow]  # a busy machine is no fault of a strategy
LIMITS = BatchLimits(rows_max=20_000, inline_run_s_max=1.0)
SHOP = model("shop", INPUTS, OUTPUTS, demand, about=about())
MODELS = served(SHOP, limits=LIMITS)
METHOD = LaneMethod(PATH, DecideReader(MODELS), MODELS, Deadlines(5.0, 30.0))


def limit(expression: str, **limits: float) -> decision_pb2.Constraint:
    """A limit on an expression."""
    return decision_pb2.Constraint(limit=decision_pb2.Limit(expression=expression, **limits))


def prices(count: int, **more: Any) -> decision_pb2.DecideRequest:
    """A request with so many candidates."""
    made = request(**more)
    span = decision_pb2.Range(first=1.0, last=4.0, steps=count)
    made.grid.axes.add(name="price", range=span)
    return made


def refusal(payload: bytes) -> CallError:
    """The error of a request."""
    with pytest.raises(CallError) as error:
        METHOD.decode(payload, 10.0, None)
    return error.value


def refusal_in_run(made: decision_pb2.DecideRequest) -> CallError:
    """The error of a request that is admitted, which comes before the run of the model."""
    job = decode(METHOD, made)
    with pytest.raises(BadRowsError) as bad:
        job.queue.model.assemble([job])
    ((refused, error),) = bad.value.errors
    assert refused is job
    return error


def test_strings_are_read_in_the_run() -> None:
    """Not while others wait to be admitted; a wrong one costs only its own call."""
    good = prices(3)
    good.grid.axes.add(name="plan").texts.values.extend(["plus", "basic"])
    wrong = request()
    wrong.list.columns.add(name="plan", strings=["plus", "pluss"])
    jobs = [decode(METHOD, made) for made in (good, wrong, good)]
    for job in jobs:
        assert not [one for one in job.data.candidates.changes if "_read" in vars(one)]

    with pytest.raises(BadRowsError) as bad:
        jobs[0].queue.model.assemble(jobs)

    ((refused, error),) = bad.value.errors
    assert refused is jobs[1]
    assert error.message.startswith("list.columns[plan][1]: 'pluss' is not one of 'basic', 'plus'")
    assert [len(run_job(job)) > 0 for job in (jobs[0], jobs[2])] == [True, True]


def test_decoding_evaluates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even what needs no run: admission comes first."""
    evaluated: list[str] = []

    def counted(checked: Any, *rest: Any) -> Any:
        evaluated.append(checked.expression.text)
        return evaluate(checked, *rest)

    monkeypatch.setattr("stubtail.decisions.constraints.evaluate", counted)
    monkeypatch.setattr("stubtail.decisions.decision.evaluate", counted)
    job = decode(METHOD, prices(9, constraints=[limit("pow(price, 2)", at_least=99.0)]))
    assert evaluated == []
    reply = decision_pb2.DecideResponse.FromString(run_job(job))
    assert not reply.feasible
    assert sorted(evaluated) == ["", "(price - cost) * units", "pow(price, 2)"]


def test_a_large_request_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As gRPC refuses messages that are too large, with the limit."""
    parsed: list[int] = []
    monkeypatch.setattr(decide, "parse", lambda _, payload: parsed.append(len(payload)))
    error = refusal(bytes(REQUEST_BYTES_MAX + 1))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert f"the limit is {REQUEST_BYTES_MAX} (the most that Decide takes)" in error.message
    assert parsed == []


def test_the_largest_list_fits() -> None:
    """100,000 numbers in 10 columns."""
    made = request(parameters=values({f"p{index}": 1.0 for index in range(10)}), objective="p1")
    for index in range(10):
        made.list.columns.add(name=f"p{index}", numbers=np.arange(10_000.0))
    payload = made.SerializeToString()
    assert len(payload) < REQUEST_BYTES_MAX
    assert METHOD.decode(payload, 10.0, None).rows == 10_001


def nested(*numbers: int, body: bytes) -> bytes:
    """Fields within fields, the outermost first."""
    for one in reversed(numbers):
        body = opening(one, len(body)) + body
    return body


@pytest.mark.parametrize(
    ("junk", "field"),
    [
        (nested(5, body=b"\x0a\x00" * 300_000), "list.columns"),
        (nested(6, body=b"\x0a\x00" * 300_000), "grid.axes"),
        (nested(6, 1, 4, body=b"\x0a\x00" * 300_000), "grid.axes"),
        (nested(5, 1, body=b"\x1a\x00" * 300_000), "list.columns[0]"),
        (nested(5, 1, body=b"\x12\x00" * 300_000), "list.columns[0]"),
        (b"\x42\x00" * 300_000 + nested(6, 1, body=nested(1, body=b"price")), "grid.axes[0]"),
        (
            b"".join(nested(3, body=nested(1, body=b"%x" % i)) for i in range(9_999)),
            "context[",
        ),
    ],
)
def test_too_many_of_anything_is_refused_by_its_number(junk: bytes, field: str) -> None:
    """Not one by one."""
    error = refusal(request().SerializeToString() + junk)
    assert error.reason == "INVALID_FIELD"
    assert error.message.startswith(field)


def test_a_dear_function_counts_more() -> None:
    """Raising subnormal numbers takes 60 times as long as adding."""
    text = " + ".join(["{}"] * 20)
    cheap, dear, compared = (
        prices(9_999, constraints=[limit(text.format(*[one] * 20), at_least=0.0)])
        for one in ("(price + 2)", "pow(price, 2)", '(plan == "plus" ? 1 : 0)')
    )
    METHOD.decode(cheap.SerializeToString(), 10.0, None)
    for made in (dear, compared):
        assert (
            "all expressions together must cost at most 400"
            in refusal(made.SerializeToString()).message
        )


def test_all_expressions_together_are_of_bounded_length() -> None:
    """Reading them takes time as well."""
    text = "price + " + " " * 1_900 + "1"
    made = request(1.0, constraints=[limit(text, at_least=index) for index in range(4)])
    METHOD.decode(made.SerializeToString(), 10.0, None)
    made.constraints.append(limit(text, at_least=9.0))
    error = refusal(made.SerializeToString())
    assert error.message == (
        "constraints[4].limit.expression: all expressions together must have at most 8,000 "
        "characters"
    )


def test_decisions_have_queues_of_their_own() -> None:
    """What they take teaches nobody what Score takes, and dear ones teach no cheap ones."""
    shop = MODELS.resolve("shop")
    score = shop.queue((shop.row_shape,), 2)
    before = score.latency.predict_s(256)
    cheap, alike, dear = (
        decode(METHOD, prices(2, objective=text)).queue
        for text in ("units", "units + 1", "pow(units, 2) + pow(units, 3) + pow(units, 4)")
    )
    assert len({id(one) for one in (score, cheap, dear)}) == 3
    assert cheap is alike
    assert dear.latency.predict_s(1_000) > cheap.latency.predict_s(1_000)
    for _ in range(80):
        dear.latency.observe(3, 0.12)
    assert score.latency.predict_s(256) == before


def test_costs_of_one_class_are_alike() -> None:
    """A factor of four at most, and few classes however dear."""
    for cost in range(1, 5_000):
        first = next(one for one in range(1, cost + 1) if cost_class(one) == cost_class(cost))
        assert cost <= 4 * first
    assert cost_class(4_000_000) < 16


def test_a_long_decision_goes_to_the_pool() -> None:
    """By its rows and by its expressions, not by the run of the model alone."""
    assert not decode(METHOD, prices(1_000)).queue.pooled
    assert decode(METHOD, prices(9_999)).queue.pooled
    dear = " + ".join(["pow(price, 2)"] * 40)
    assert decode(METHOD, prices(1_000, objective=dear)).queue.pooled


def test_a_reply_that_nobody_could_receive_is_refused() -> None:
    """46 kB of texts in eight axes would make 165 MB."""
    made = request(objective="units", top=10_000, curve=True)
    for index in range(8):
        made.parameters[f"p{index}"].text = "a"
        texts = [chr(0x1F600 + code) * 256 for code in range(10 if index < 4 else 1)]
        made.grid.axes.add(name=f"p{index}").texts.values.extend(texts)
    payload = made.SerializeToString()
    assert len(payload) < 60_000

    error = refusal_in_run(made)

    assert error.message.startswith("curve: the reply would have up to 16")
    assert "the limit is 4,000,000" in error.message
    assert "a smaller top, no curve" in error.message
    made.curve, made.top = False, 10
    assert decided(METHOD, made).candidate_count == 10_000


@given(
    columns=st.lists(st.lists(st.text(max_size=40), min_size=5, max_size=5), max_size=3),
    current=st.text(min_size=1, max_size=60),
    limits=st.lists(st.tuples(st.text(max_size=30), st.floats(-9, 20)), max_size=3),
    top=st.integers(1, 9),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
@settings(max_examples=100, deadline=None, suppress_health_check=PATIENT)
def test_replies_are_never_larger_than_was_expected(
    columns: list[list[str]],
    current: str,
    limits: list[tuple[str, float]],
    top: int,
    flags: tuple[bool, bool, bool],
) -> None:
    """Otherwise a reply could be too large in spite of the check."""
    made = request(
        objective="units",
        top=top,
        curve=flags[0],
        explain_excluded=flags[1],
        coverage=0.9 if flags[2] else 0.0,
        context=values(CONTEXT | {"age": None, "colour": None}),
        parameters={f"p{index}": values({"": current})[""] for index in range(len(columns))},
    )
    names = {name for name, _ in limits if name}
    made.constraints.extend(limit("units", at_least=least) for _, least in limits)
    for one, name in zip(made.constraints, sorted(names), strict=False):
        one.name = name
    made.list.columns.add(name="price", numbers=[0.1, 1.0, 2.0, 3.0, 9.0])
    for index, column in enumerate(columns):
        made.list.columns.add(name=f"p{index}", strings=column)
    most: list[int] = []
    real = decide_size.reply_bytes

    def noted(*parts: Any, explain: bool) -> int:
        most.append(real(*parts, explain=explain))
        return most[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide_size, "reply_bytes", noted)
        reply = run_job(decode(METHOD, made))
    assert len(reply) <= most[0] < REPLY_BYTES_MAX


@pytest.mark.parametrize(("outside", "predicted"), [("clip", 8.0), ("refuse", None)])
def test_what_the_manifest_does_beyond_a_range(outside: str, predicted: float | None) -> None:
    """A clipped price is predicted at its end, a refused one not at all; both are excluded."""
    features = (number("price", minimum=1.0, maximum=4.0, outside=outside),)
    manifest = replace(about(), features=features + about().features[1:])
    models = served(model("careful", INPUTS, OUTPUTS, demand, about=manifest))
    method = LaneMethod(PATH, DecideReader(models), models, Deadlines(5.0, 30.0))

    reply = decided(method, request(0.5, 2.0, model="careful", curve=True))

    assert list(reply.ranked.positions) == [1]
    assert list(reply.curve.feasible) == [False, True]
    if predicted is None:
        assert np.isnan(reply.curve.predicted[0])
    else:
        assert reply.curve.predicted[0] == predicted
    assert reply.curve.predicted[1] == 6.0
    alone = decided(method, request(0.5, model="careful"))
    assert alone.violations[0].reason.startswith("price, by the range of training, must be from 1")
