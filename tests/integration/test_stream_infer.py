"""ModelStreamInfer: an answer or an error for each request, in their order, to the end."""

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from tests.integration import plugs
from tests.integration.calls import (
    INFER,
    OIP,
    TIMEOUT_S,
    Code,
    infer_request,
    outputs,
    refusal,
    start,
    streams,
    unary,
)
from tests.integration.conftest import assert_answers

STREAM = OIP + "ModelStreamInfer"


def answers(channel: grpc.Channel, requests: Any) -> Iterator[Any]:
    """The responses to an iterable of requests (messages or bytes)."""
    payloads = (r if isinstance(r, bytes) else r.SerializeToString() for r in requests)
    for reply in streams(channel, STREAM)(payloads, timeout=TIMEOUT_S):
        yield inference_pb2.ModelStreamInferResponse.FromString(reply)


def numbered(count: int, model: str = "affine") -> Iterator[Any]:
    """Requests with their number as id and in their rows."""
    for index in range(count):
        rows = np.full((1 + index % 3, 3), index, np.float32)
        request = infer_request(model, x=rows)
        request.id = str(index)
        yield request


def test_answers_keep_the_order_of_the_requests(channel: grpc.Channel) -> None:
    """Many more than are at work at once, each answered with its own rows and id."""
    count = 500
    for index, answer in enumerate(answers(channel, numbered(count))):
        assert answer.error_message == ""
        assert answer.infer_response.id == str(index)
        expected = np.full((1 + index % 3, 3), index * 2 + 1, np.float32)
        np.testing.assert_array_equal(outputs(answer.infer_response)["y"], expected)
        count -= 1
    assert count == 0, "the stream ends after the last answer"


def test_slow_requests_do_not_overtake_or_get_overtaken(
    odd: grpc.Channel, plug_row: np.ndarray
) -> None:
    """A long run first and short ones after it: still in order."""
    first = infer_request("patient", x=plug_row)
    rest = list(numbered(30, "affine"))
    got = list(answers(odd, [first, *rest]))
    assert len(got) == 31
    np.testing.assert_array_equal(outputs(got[0].infer_response)["y"], plug_row)
    assert [answer.infer_response.id for answer in got[1:]] == [str(index) for index in range(30)]


def test_requests_of_one_stream_share_batches(odd: grpc.Channel, plug_row: np.ndarray) -> None:
    """Requests are read ahead: what waits behind a long run is run together."""
    running = plugs.begin(odd, INFER, infer_request("patient", x=plug_row))
    before = executions(odd)
    rows = [np.array([[0, index, 0]], np.float32) for index in range(40)]
    got = list(answers(odd, [infer_request("patient", x=some) for some in rows]))
    for answer, some in zip(got, rows, strict=True):
        np.testing.assert_array_equal(outputs(answer.infer_response)["y"], some)
    running.result(TIMEOUT_S)
    assert executions(odd) - before < 20


def executions(channel: grpc.Channel) -> int:
    """How often the model `patient` has run."""
    request = inference_pb2.ModelStatisticsRequest(name="patient").SerializeToString()
    reply = unary(channel, OIP + "ModelStatistics")(request, timeout=TIMEOUT_S)
    stats = inference_pb2.ModelStatisticsResponse.FromString(reply).model_stats[0]
    return int(stats.execution_count)


def test_an_error_stands_in_its_place_and_the_stream_goes_on(channel: grpc.Channel) -> None:
    """Unknown models and wrong tensors: a message with the id of the request, then the next."""
    good, unknown, wrong = (
        infer_request(name, x=np.ones((1, width), np.float32))
        for name, width in (("affine", 3), ("afine", 3), ("affine", 2))
    )
    requests = [good, unknown, good, wrong, good]
    for index, request in enumerate(requests):
        request.id = f"call-{index}"
    # One object three times in the list: the ids are those of its last place.
    got = list(answers(channel, requests))

    messages = [answer.error_message for answer in got]
    assert messages == [
        "",
        'there is no model "afine"; did you mean "affine"?',
        "",
        "inputs[x].shape[1]: must be 3, got 2",
        "",
    ]
    ids = [answer.infer_response.id for answer in got]
    assert ids == ["call-4", "call-1", "call-4", "call-3", "call-4"]
    assert not got[1].infer_response.outputs


def test_a_failed_run_stands_in_its_place(odd: grpc.Channel) -> None:
    """A row that the model cannot take fails alone, also within a stream."""
    rows = [[[1]], [[1000]], [[2]]]
    requests = [infer_request("picky", x=np.array(row, np.int64)) for row in rows]
    got = list(answers(odd, requests))
    assert [bool(answer.error_message) for answer in got] == [False, True, False]
    assert "indices" not in got[1].error_message
    assert outputs(got[2].infer_response)["y"] == 2


def test_a_message_that_is_none_ends_the_stream(channel: grpc.Channel) -> None:
    """What was asked before it is answered; then INVALID_ARGUMENT, whatever came behind it."""
    good = infer_request("affine", x=np.ones((1, 3), np.float32))
    got = answers(channel, [good, good, b"\xff\xff", b"\xff", good])
    assert [next(got).error_message for _ in range(2)] == ["", ""]
    with pytest.raises(grpc.RpcError) as caught:
        next(got)
    found = refusal(caught.value)
    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert_answers(channel)


def test_an_empty_stream_ends_at_once(channel: grpc.Channel) -> None:
    """Half-closed without a request: OK and nothing."""
    assert list(answers(channel, [])) == []


class Conversation:
    """A stream whose requests a test sends one by one."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self.call = streams(channel, STREAM)(iter(self._requests.get, None), timeout=TIMEOUT_S)

    def send(self, request: Any) -> None:
        """Sends a request."""
        self._requests.put(request.SerializeToString())

    def half_close(self) -> None:
        """Says that no request follows."""
        self._requests.put(None)

    def receive(self) -> Any:
        """The next answer."""
        return inference_pb2.ModelStreamInferResponse.FromString(next(self.call))


def test_an_answer_comes_before_the_next_request(channel: grpc.Channel) -> None:
    """A stream is a conversation: answers do not wait for the client to half-close."""
    talk = Conversation(channel)
    for request in numbered(5):
        talk.send(request)
        assert talk.receive().infer_response.id == request.id
    talk.half_close()
    with pytest.raises(StopIteration):
        next(talk.call)
    assert talk.call.code() is Code.OK


def test_half_closing_loses_no_answer(odd: grpc.Channel, plug_row: np.ndarray) -> None:
    """Requests that are at work when the client half-closes are answered."""
    talk = Conversation(odd)
    talk.send(infer_request("patient", x=plug_row))
    for request in numbered(10):
        talk.send(request)
    talk.half_close()
    assert len(list(talk.call)) == 11


def test_a_cancelled_stream_frees_everything(odd: grpc.Channel, plug_row: np.ndarray) -> None:
    """Requests of a stream that is gone are not run, and the others do not notice."""
    running = plugs.begin(odd, INFER, infer_request("patient_solo", x=plug_row * 5))
    before = executions(odd)
    talk = Conversation(odd)
    for index in range(100):  # more than are at work at once
        talk.send(infer_request("patient", x=np.array([[0, index, 0]], np.float32)))
    time.sleep(0.05)
    neighbour = start(odd, INFER, infer_request("affine", x=np.ones((1, 3), np.float32)))

    talk.call.cancel()
    talk.half_close()

    with pytest.raises(grpc.RpcError) as caught:
        next(talk.call)
    assert caught.value.code() is Code.CANCELLED
    assert not running.done()
    neighbour.result(TIMEOUT_S)
    running.result(TIMEOUT_S)
    assert executions(odd) - before == 0


def test_many_streams_at_once(channel: grpc.Channel) -> None:
    """Ten streams on one connection, each with its own order."""
    wrong: list[str] = []

    def converse(stream: int) -> None:
        values = [float(stream * 1000 + index) for index in range(60)]
        requests = [infer_request("affine", x=np.full((1, 3), v, np.float32)) for v in values]
        got = [outputs(a.infer_response)["y"][0, 0] for a in answers(channel, requests)]
        if got != [value * 2 + 1 for value in values]:
            wrong.append(f"stream {stream}: {got}")

    threads = [threading.Thread(target=converse, args=(stream,)) for stream in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert not wrong
