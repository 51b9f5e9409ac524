"""Pins how a ModelInfer request becomes a job and what its reply has."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.oip_infer import PATH, InferReader
from stubtail.errors import CallError
from stubtail.lane.job import Job
from stubtail.oip import inference_pb2 as pb
from tests.unit.endpoints.loaded import model, run_job, run_jobs, served, spec

ONE = model("one", [spec("x", "FP32", -1, 2)], [spec("y", "FP32", -1, 2)])
TEXT = model("text", [spec("x", "BYTES", -1, 1)], [spec("y", "BYTES", -1, 1)])
BOTH = model(
    "both",
    [spec("a", "FP32", -1, 2), spec("b", "BYTES", -1, 1)],
    [spec("a", "FP32", -1, 2), spec("b", "BYTES", -1, 1)],
)
SUM = model(
    "sum",
    [spec("x", "FP32", -1, 2)],
    [spec("total", "FP32", 1, 2), spec("count", "INT64")],
    lambda feeds: [feeds["x"].sum(axis=0, keepdims=True), np.array(len(feeds["x"]))],
    batchable=False,
)
SCALED = model(
    "scaled",
    [spec("k", "FP32"), spec("x", "FP32", -1, 2)],
    [spec("y", "FP32", -1, 2)],
    lambda feeds: [feeds["k"] * feeds["x"]],
    batchable=False,
)
CONSTANT = model(
    "constant", [], [spec("y", "FP32", 2)], lambda _: [np.ones(2, np.float32)], batchable=False
)
LAZY = model(
    "lazy",
    [spec("x", "FP32", -1, 2)],
    [spec("y", "FP32", -1, 2)],
    lambda feeds: [feeds["x"][1:]],
)
FREE = model("free", [spec("x", "FP32", -1, -1)], [spec("y", "FP32", -1, -1)])


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """ModelInfer over all these models."""
    models = served(ONE, TEXT, BOTH, SUM, SCALED, CONSTANT, LAZY, FREE)
    return LaneMethod(PATH, InferReader(models), models, Deadlines(5.0, 30.0))


def request(name: str, **arrays: np.ndarray) -> pb.ModelInferRequest:
    """A request with raw contents."""
    made = pb.ModelInferRequest(model_name=name)
    for key, array in arrays.items():
        text = array.dtype.hasobject
        made.inputs.add(name=key, datatype="BYTES" if text else "FP32", shape=array.shape)
        elements = [e.encode() for e in array.ravel()] if text else []
        packed = b"".join(len(e).to_bytes(4, "little") + e for e in elements)
        made.raw_input_contents.append(packed if text else array.astype("f4").tobytes())
    return made


def decode(method: LaneMethod, message: pb.ModelInferRequest, **more: Any) -> Job:
    """The job of a request."""
    return method.decode(message.SerializeToString(), 10.0, more.get("remaining_s"))


def reply(job: Job) -> pb.ModelInferResponse:
    """What the job is answered."""
    return pb.ModelInferResponse.FromString(run_job(job))


def floats(*shape: int) -> np.ndarray:
    """0, 1, 2 and so on."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_a_reply_has_everything_that_the_protocol_asks_for(method: LaneMethod) -> None:
    """Names, version, id, types, shapes and raw contents."""
    message = request("one", x=floats(3, 2))
    message.id = "call-7"
    answer = reply(decode(method, message))
    expected = pb.ModelInferResponse(model_name="one", model_version="1", id="call-7")
    expected.outputs.add(name="y", datatype="FP32", shape=[3, 2])
    expected.raw_output_contents.append(floats(3, 2).tobytes())
    assert answer == expected


@pytest.mark.parametrize("name", ["one", "both", "text"])
def test_a_batch_is_cut_into_the_replies_of_its_jobs(method: LaneMethod, name: str) -> None:
    """Numbers and strings, alone and beside each other."""
    sizes, start = [1, 3, 2], 0
    messages = []
    for index, size in enumerate(sizes):
        numbers = floats(6, 2)[start : start + size]
        texts = np.array([[f"t{row}" * index] for row in range(size)], object)
        arrays = {"one": {"x": numbers}, "both": {"a": numbers, "b": texts}, "text": {"x": texts}}
        messages.append(request(name, **arrays[name]))
        start += size
    jobs = [decode(method, message) for message in messages]
    assert len({id(job.queue) for job in jobs}) == 1
    for message, payload in zip(messages, run_jobs(jobs), strict=True):
        answer = pb.ModelInferResponse.FromString(payload)
        assert list(answer.raw_output_contents) == list(message.raw_input_contents)
        shapes = [list(tensor.shape) for tensor in message.inputs]
        assert [list(tensor.shape) for tensor in answer.outputs] == shapes


def test_outputs_of_a_lone_run_come_as_they_are(method: LaneMethod) -> None:
    """Sums, counts and constants have shapes of their own."""
    answer = reply(decode(method, request("sum", x=floats(3, 2))))
    assert [list(tensor.shape) for tensor in answer.outputs] == [[1, 2], []]
    assert np.frombuffer(answer.raw_output_contents[0], "f4").tolist() == [6, 9]
    assert np.frombuffer(answer.raw_output_contents[1], "i8").tolist() == [3]
    answer = reply(decode(method, request("constant")))
    assert list(answer.outputs[0].shape) == [2]
    message = request("scaled", x=floats(3, 2), k=np.array(2.0))
    answer = reply(decode(method, message))
    assert np.frombuffer(answer.raw_output_contents[0], "f4").tolist() == [0, 2, 4, 6, 8, 10]


def test_a_run_that_loses_rows_is_a_failed_run(method: LaneMethod) -> None:
    """Its rows cannot be told apart any more."""
    job = decode(method, request("lazy", x=floats(3, 2)))
    with pytest.raises(Exception, match="failed on this input"):
        run_job(job)


def test_rows_of_different_inner_shapes_wait_in_different_queues(method: LaneMethod) -> None:
    """They could not be joined; their number is bounded."""
    jobs = [decode(method, request("free", x=floats(1, width))) for width in range(1, 300)]
    assert len({id(job.queue) for job in jobs}) == 299
    again = decode(method, request("free", x=floats(5, 299)))
    assert again.queue is jobs[-1].queue
    assert len(method._models.routes["free"]._queues) <= 256


def test_only_the_rows_differ_on_a_hit_of_the_head_cache(method: LaneMethod) -> None:
    """With other values, rows or parameters; with an id nothing is remembered."""
    for index in range(3):
        rows = floats(2, 2) + index
        message = request("one", x=rows)
        message.parameters["priority"].uint64_param = 1
        job = decode(method, message)
        assert (job.rows, job.priority, job.suffix) == (2, 0, b"")
        assert reply(job).raw_output_contents[0] == rows.tobytes()
        plain = decode(method, request("one", x=rows))
        assert plain.priority == 2
        message.id = str(index)
        assert reply(decode(method, message)).id == str(index)


@pytest.mark.parametrize(
    ("kind", "level", "priority"),
    [
        ("uint64_param", 0, 2),
        ("uint64_param", 1, 0),
        ("int64_param", 2, 1),
        ("int64_param", 3, 2),
        ("uint64_param", 4, 3),
    ],
)
def test_priorities_are_triton_levels(
    method: LaneMethod, kind: str, level: int, priority: int
) -> None:
    """1 is the most urgent, 0 the default; both integer types are taken."""
    message = request("one", x=floats(1, 2))
    setattr(message.parameters["priority"], kind, level)
    assert decode(method, message).priority == priority


@pytest.mark.parametrize(
    ("remaining_s", "timeout_us", "deadline_s"),
    [
        (None, None, 15.0),
        (0.5, None, 10.5),
        (500.0, None, 40.0),
        (None, 250_000, 10.25),
        (0.1, 250_000, 10.1),
        (1.0, 250_000, 10.25),
        (None, 10**15, 15.0),
        (None, 0, 15.0),
        (-0.5, None, 9.5),
    ],
)
def test_the_shortest_deadline_counts(
    method: LaneMethod, remaining_s: float | None, timeout_us: int | None, deadline_s: float
) -> None:
    """The client's, the parameter's, the server's default, and never beyond the server's most."""
    message = request("one", x=floats(1, 2))
    if timeout_us is not None:
        message.parameters["timeout"].int64_param = timeout_us
    for _ in range(2):
        job = decode(method, message, remaining_s=remaining_s)
        assert job.deadline_s == pytest.approx(deadline_s)


def test_typed_contents_make_the_same_job(method: LaneMethod) -> None:
    """The slow form of the protocol, for one input and for several."""
    message = pb.ModelInferRequest(model_name="one")
    tensor = message.inputs.add(name="x", datatype="FP32", shape=[2, 2])
    tensor.contents.fp32_contents.extend([0, 1, 2, 3])
    assert reply(decode(method, message)) == reply(decode(method, request("one", x=floats(2, 2))))

    message = pb.ModelInferRequest(model_name="both")
    tensor = message.inputs.add(name="b", datatype="BYTES", shape=[1, 1])
    tensor.contents.bytes_contents.append("ü".encode())
    tensor = message.inputs.add(name="a", datatype="FP32", shape=[1, 2])
    tensor.contents.fp32_contents.extend([0, 1])
    same = request("both", a=floats(1, 2), b=np.array([["ü"]], object))
    assert reply(decode(method, message)) == reply(decode(method, same))


def test_requested_outputs_come_in_their_order(method: LaneMethod) -> None:
    """Any choice, each with an encoder that is made once."""
    message = request("both", a=floats(1, 2), b=np.array([["t"]], object))
    for names in (["b"], ["a"], ["b", "a"]):
        del message.outputs[:]
        for name in names:
            message.outputs.add(name=name)
        first, second = decode(method, message), decode(method, message)
        assert [tensor.name for tensor in reply(first).outputs] == names
        assert first.encoder is second.encoder


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.parameters["sequence_start"].MergeFrom(flag()), "NOT_OFFERED"),
        (lambda m: m.inputs[0].parameters["shared_memory_region"].SetInParent(), "NOT_OFFERED"),
        (
            lambda m: m.outputs.add(name="y").parameters["classification"].SetInParent(),
            "NOT_OFFERED",
        ),
        (lambda m: m.parameters["priority"].MergeFrom(flag()), "INVALID_FIELD"),
        (lambda m: m.outputs.add(name="z"), "INVALID_FIELD"),
        (lambda m: m.inputs[0].ClearField("shape"), "INVALID_FIELD"),
        (lambda m: m.raw_input_contents.append(b""), "INVALID_FIELD"),
        (lambda m: m.ClearField("model_name"), "INVALID_FIELD"),
        (lambda m: m.MergeFrom(pb.ModelInferRequest(id="i" * 1025)), "INVALID_FIELD"),
        (lambda m: m.MergeFrom(pb.ModelInferRequest(model_version="4")), "MODEL_NOT_FOUND"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_reason(
    method: LaneMethod, change: Any, reason: str
) -> None:
    """Every time: a refusal is not remembered as a plan."""
    message = request("one", x=floats(1, 2))
    decode(method, message)
    change(message)
    for _ in range(2):
        with pytest.raises(CallError) as caught:
            decode(method, message)
        assert caught.value.reason == reason


def flag() -> pb.InferParameter:
    """A parameter that is true."""
    return pb.InferParameter(bool_param=True)
