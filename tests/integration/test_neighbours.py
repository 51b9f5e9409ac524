"""Calls that share a batch: one that is bad, cancelled or late never costs another its answer."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2
from tests.integration import plugs
from tests.integration.calls import (
    INFER,
    SCORE,
    TIMEOUT_S,
    Code,
    dense,
    infer_request,
    outputs,
    refusal,
    start,
)

CALLS = 24


def rows_of(calls: int) -> list[np.ndarray]:
    """One or two rows a call, all different, that run at once and are allowed everywhere."""
    rng = np.random.default_rng(7)
    rows = [rng.uniform(-1, 0, (1 + index % 2, 3)).astype(np.float32) for index in range(calls)]
    for index, some in enumerate(rows):
        some[:, 1] = index / calls
        some[:, 2] = index % 2
    return rows


def send_together(
    channel: grpc.Channel, plug: Any, path: str, requests: Sequence[Any]
) -> tuple[Any, list[Any]]:
    """Starts calls while a long one runs, so that they wait together; the long one comes first."""
    first = plugs.begin(channel, path, plug)
    return first, [start(channel, path, request, metadata=plugs.TIMED) for request in requests]


def batch_rows(call: Any) -> int:
    """The rows of the batch that answered a call."""
    return plugs.timing(call)["batch_rows"]


def infer_rows(call: Any) -> np.ndarray:
    """The output y of a call."""
    reply = inference_pb2.ModelInferResponse.FromString(call.result(TIMEOUT_S))
    return outputs(reply)["y"]


def wait_until_they_share(channel: grpc.Channel, plug: Any) -> None:
    """For a moment after a run that failed, calls of that model share none."""
    good = infer_request("patient_picky", x=np.zeros((1, 3), np.float32))
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        _, calls = send_together(channel, plug, INFER, [good] * CALLS)
        rows = [batch_rows(call) for call in calls]
        if max(rows) > CALLS // 2:
            return
        assert time.monotonic() < end_s, "calls do not share runs again"


def test_calls_that_wait_together_share_a_batch(odd: grpc.Channel, plug_row: np.ndarray) -> None:
    """What the other tests of this file rest on; every answer is that of its own rows."""
    rows = rows_of(CALLS)
    plug = infer_request("patient", x=plug_row)
    shared = 0
    end_s = time.monotonic() + TIMEOUT_S
    while shared <= CALLS // 2:
        assert time.monotonic() < end_s, "the calls never share a run"
        _, calls = send_together(odd, plug, INFER, [infer_request("patient", x=r) for r in rows])
        for call, expected in zip(calls, rows, strict=True):
            np.testing.assert_array_equal(infer_rows(call), expected)
        shared = max(batch_rows(call) for call in calls)


@pytest.mark.parametrize("culprits", [[0], [CALLS // 2], [CALLS - 1], [3, 4, 17]])
def test_a_poisoned_row_fails_alone(
    odd: grpc.Channel, plug_row: np.ndarray, culprits: list[int]
) -> None:
    """A run that fails is repeated in halves: INTERNAL for the culprit, answers for the others."""
    rows = [np.abs(some) for some in rows_of(CALLS)]
    for index, some in enumerate(rows):
        some[:, 0] = 0
        some[:, 1] = index % 4
    for culprit in culprits:
        rows[culprit][-1, 1] = 1000
    plug = infer_request("patient_picky", x=plug_row)
    requests = [infer_request("patient_picky", x=some) for some in rows]

    shared = 0
    end_s = time.monotonic() + TIMEOUT_S
    while shared <= CALLS // 2:  # a machine that was busy sent them too late to share
        assert time.monotonic() < end_s, "the calls never share a run"
        wait_until_they_share(odd, plug)
        _, calls = send_together(odd, plug, INFER, requests)
        for index, (call, some) in enumerate(zip(calls, rows, strict=True)):
            if index in culprits:
                found = refusal(call.exception(TIMEOUT_S))
                assert (found.code, found.reason) == (Code.INTERNAL, "INFERENCE_FAILED")
                assert found.metadata == {"model": "patient_picky", "version": "1"}
                assert "indices" not in found.message, "what onnxruntime said is for the log"
            else:
                np.testing.assert_array_equal(infer_rows(call)[:, 0], some[:, 1])
                shared = max(shared, batch_rows(call))


@pytest.mark.parametrize("culprit", [0, CALLS // 2, CALLS - 1])
def test_a_forbidden_value_is_refused_alone(
    odd: grpc.Channel, plug_row: np.ndarray, culprit: int
) -> None:
    """NaN is found in the batch, and blamed on the row of the call that brought it."""
    rows = rows_of(CALLS)
    rows[culprit][-1, 1] = np.nan
    plug = dense("patient_rules", plug_row)
    requests = [dense("patient_rules", some) for some in rows]
    _, calls = send_together(odd, plug, SCORE, requests)

    for index, (call, some) in enumerate(zip(calls, rows, strict=True)):
        if index == culprit:
            found = refusal(call.exception(TIMEOUT_S))
            assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
            assert found.fields == {f"rows[{len(some) - 1}].f1": "is missing"}
        else:
            reply = scoring_pb2.ScoreResponse.FromString(call.result(TIMEOUT_S))
            expected = 1 / (1 + np.exp(-some[:, 1].astype(np.float64)))
            np.testing.assert_allclose(reply.scores, expected, atol=1e-6)
            assert list(reply.label_indexes) == [int(score >= 0.5) for score in reply.scores]


def test_when_all_calls_of_a_batch_are_refused_nothing_hangs(
    odd: grpc.Channel, plug_row: np.ndarray
) -> None:
    """A batch of which no row is left is answered as well, each call for itself."""
    bad = np.full((2, 3), np.nan, np.float32)
    plug = dense("patient_rules", plug_row)
    _, calls = send_together(odd, plug, SCORE, [dense("patient_rules", bad)] * 10)

    for call in calls:
        assert refusal(call.exception(TIMEOUT_S)).fields == {"rows[0].f0": "is missing"}


def cancel_at_once(calls: Sequence[Any]) -> None:
    """While they wait."""
    for call in calls:
        call.cancel()


def cancel_while_they_run(calls: Sequence[Any]) -> None:
    """When their batch is about to run."""
    time.sleep(0.15)  # the plug is about to end: some may go while their batch runs
    cancel_at_once(calls)


@pytest.mark.parametrize("cancel", [cancel_at_once, cancel_while_they_run])
def test_cancelled_calls_leave_their_neighbours_alone(
    odd: grpc.Channel, plug_row: np.ndarray, cancel: Callable[[Sequence[Any]], None]
) -> None:
    """Every third call is cancelled, in the queue or in the run: the others are right, on time."""
    rows = rows_of(CALLS)
    plug = infer_request("patient", x=plug_row)
    first, calls = send_together(odd, plug, INFER, [infer_request("patient", x=r) for r in rows])

    cancel(calls[::3])

    np.testing.assert_array_equal(infer_rows(first), plug_row)
    since_s = time.monotonic()
    for index, (call, expected) in enumerate(zip(calls, rows, strict=True)):
        if index % 3:
            np.testing.assert_array_equal(infer_rows(call), expected)
        else:
            assert call.done()
    assert time.monotonic() - since_s < 2.0, "they waited for more than the call before them"


def test_calls_whose_deadline_passes_in_the_queue_leave_their_neighbours_alone(
    odd: grpc.Channel,
    plug_row: np.ndarray,
) -> None:
    """Some callers give up after 40 ms of waiting; the others get what they asked for."""
    rows = rows_of(CALLS)
    plug = infer_request("patient", x=plug_row)
    first = plugs.begin(odd, INFER, plug)
    calls = [
        start(odd, INFER, infer_request("patient", x=r), timeout=TIMEOUT_S if i % 3 else 0.04)
        for i, r in enumerate(rows)
    ]

    np.testing.assert_array_equal(infer_rows(first), plug_row)
    for index, (call, expected) in enumerate(zip(calls, rows, strict=True)):
        if index % 3:
            np.testing.assert_array_equal(infer_rows(call), expected)
        else:
            error = call.exception(TIMEOUT_S)
            late = error is None or error.code() in {
                Code.DEADLINE_EXCEEDED,
                Code.RESOURCE_EXHAUSTED,
            }
            assert late, error


def test_models_do_not_mix(odd: grpc.Channel, plug_row: np.ndarray) -> None:
    """Calls to several models and shapes that wait together are told apart."""
    rng = np.random.default_rng(3)
    first = plugs.begin(odd, INFER, infer_request("patient", x=plug_row))
    waiting = []
    for index in range(60):
        name = ("affine", "free", "free", "total", "mixing")[index % 5]
        width = {"free": 1 + index % 3, "mixing": 2}.get(name, 3)
        rows = rng.random((1 + index % 4, width), np.float32)
        waiting.append((name, rows, start(odd, INFER, infer_request(name, x=rows))))

    infer_rows(first)
    for name, rows, call in waiting:
        powers = np.exp(rows)
        expected = {
            "affine": rows * 2 + 1,
            "free": rows,
            "total": rows.sum(axis=0, keepdims=True),
            "mixing": powers / powers.sum(axis=0),
        }[name]
        np.testing.assert_allclose(infer_rows(call), expected, rtol=1e-5)
