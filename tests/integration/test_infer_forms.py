"""What can be sent to ModelInfer and what comes back, type by type and shape by shape."""

from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from tests.integration.calls import (
    INFER,
    OIP,
    SCORE,
    Code,
    call,
    dense,
    infer,
    infer_request,
    raw,
    refused,
    score,
    unary,
)


def response(channel: grpc.Channel, request: Any) -> Any:
    """The whole answer of ModelInfer."""
    return inference_pb2.ModelInferResponse.FromString(call(channel, INFER, request))


def texts(*values: str) -> np.ndarray:
    """A column of strings."""
    return np.array([[value] for value in values], object)


def typed(model: str, array: np.ndarray, datatype: str, field: str, values: Any) -> Any:
    """A request with typed contents of one input x."""
    request = inference_pb2.ModelInferRequest(model_name=model)
    tensor = request.inputs.add(name="x", datatype=datatype, shape=array.shape)
    getattr(tensor.contents, field).extend(values)
    return request


def test_strings_travel_raw_and_typed(channel: grpc.Channel) -> None:
    """BYTES elements are UTF-8 text: empty, long and of any script; the answer is raw."""
    array = texts("", "a", "naïve", "料金", "x" * 100_000, "\0")
    contents = [value.encode() for value in array.ravel()]
    for request in (
        infer_request("strings", x=array),
        typed("strings", array, "BYTES", "bytes_contents", contents),
    ):
        reply = response(channel, request)
        assert (reply.outputs[0].datatype, list(reply.outputs[0].shape)) == ("BYTES", [6, 1])
        assert reply.raw_output_contents[0] == raw(array)


def test_integers_are_exact_to_64_bits(channel: grpc.Channel) -> None:
    """No detour through floats."""
    array = np.array([[2**63 - 1, -(2**63)], [2**53 + 1, 0]], np.int64)
    for request in (
        infer_request("integers", x=array),
        typed("integers", array, "INT64", "int64_contents", array.ravel().tolist()),
    ):
        answer = infer(channel, request)["y"]
        np.testing.assert_array_equal(answer, array)


def test_small_integers_keep_their_sign_and_range(odd: grpc.Channel) -> None:
    """INT8 raw and in the 32-bit field of typed contents."""
    array = np.array([[-128], [127], [0]], np.int8)
    raw_request = inference_pb2.ModelInferRequest(model_name="small")
    raw_request.inputs.add(name="x", datatype="INT8", shape=[3, 1])
    raw_request.raw_input_contents.append(array.tobytes())
    typed_request = typed("small", array, "INT8", "int_contents", array.ravel().tolist())
    for request in (raw_request, typed_request):
        reply = response(odd, request)
        assert reply.outputs[0].datatype == "INT8"
        assert reply.raw_output_contents[0] == array.tobytes()


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_inputs_may_come_in_any_order(channel: grpc.Channel, order: str) -> None:
    """Tensors are found by their names, raw contents by the position of their tensor."""
    arrays = {
        "a": np.array([[1, 2], [3, 4], [5, 6]], np.float32),
        "b": np.array([[10], [20], [30]], np.float32),
    }
    expected = arrays["a"] + arrays["b"]
    answer = infer(channel, infer_request("pair", {name: arrays[name] for name in order}))
    np.testing.assert_array_equal(answer["y"], expected)

    request = inference_pb2.ModelInferRequest(model_name="pair")
    for name in order:
        tensor = request.inputs.add(name=name, datatype="FP32", shape=arrays[name].shape)
        tensor.contents.fp32_contents.extend(arrays[name].ravel().tolist())
    np.testing.assert_array_equal(infer(channel, request)["y"], expected)


def test_a_fixed_batch_is_answered(channel: grpc.Channel) -> None:
    """A graph for exactly one row, by both methods; more rows are refused by both."""
    row = np.array([[1, 2, 3]], np.float32)
    np.testing.assert_array_equal(infer(channel, infer_request("fixed", x=row))["y"], row)
    assert list(score(channel, dense("fixed", row)).probabilities) == [1, 2, 3]
    found = refused(channel, SCORE, dense("fixed", [1, 2, 3] * 2))
    assert found.fields == {"dense.values": "must be 1 rows of 3 features, got 6 values"}


def test_a_classifier_gives_label_and_probabilities(channel: grpc.Channel) -> None:
    """All outputs of the graph by ModelInfer; the score of the last class by Score."""
    rows = np.array([[0.1, 0, 0], [-1, 0, 0], [0, 0, 0.5]], np.float32)
    answer = infer(channel, infer_request("classifier", x=rows))
    assert answer["label"].dtype == np.int64
    assert answer["label"].shape == (3,)
    np.testing.assert_array_equal(answer["label"], answer["probabilities"].argmax(axis=1))

    reply = score(channel, dense("classifier", rows))
    np.testing.assert_array_equal(reply.probabilities, answer["probabilities"].ravel())
    np.testing.assert_array_equal(reply.scores, answer["probabilities"][:, 1])
    np.testing.assert_array_equal(reply.label_indexes, answer["label"])
    assert list(reply.classes) == []


def test_only_the_requested_outputs_come_back(channel: grpc.Channel) -> None:
    """In the order of the request."""
    rows = np.ones((2, 3), np.float32)
    everything = infer(channel, infer_request("classifier", x=rows))
    for names in (["probabilities"], ["label"], ["probabilities", "label"]):
        request = infer_request("classifier", x=rows)
        for name in names:
            request.outputs.add(name=name)
        reply = response(channel, request)
        assert [tensor.name for tensor in reply.outputs] == names
        expected = [everything[name].tobytes() for name in names]
        assert list(reply.raw_output_contents) == expected


def test_the_answer_names_model_version_and_call(channel: grpc.Channel) -> None:
    """With a version asked for, without one, and with `name@version`."""
    rows = np.ones((1, 3), np.float32)
    for name, version in (("affine", ""), ("affine", "1"), ("affine@1", "")):
        for call_id in ("", "call-7", "料金"):
            request = infer_request(name, version=version, x=rows)
            request.id = call_id
            reply = response(channel, request)
            assert (reply.model_name, reply.model_version, reply.id) == ("affine", "1", call_id)


def test_outputs_of_any_shape_come_back_as_they_are(odd: grpc.Channel) -> None:
    """Where calls do not share runs: sums over rows, single numbers, and no inputs at all."""
    rows = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.testing.assert_array_equal(
        infer(odd, infer_request("total", x=rows))["y"], rows.sum(axis=0, keepdims=True)
    )
    answer = infer(odd, infer_request("scalar", x=rows[:, :2], k=np.array(3, np.float32)))
    np.testing.assert_array_equal(answer["y"], rows[:, :2] * 3)
    assert answer["k_again"].shape == ()
    assert answer["k_again"] == 3
    assert infer(odd, infer_request("no_inputs"))["y"].tolist() == [1, 2]


def with_parameter(request: Any, name: str, **value: Any) -> Any:
    """The request with a parameter of its own."""
    parameter = request.parameters[name]
    for kind, content in value.items():
        setattr(parameter, kind, content)
    return request


@pytest.mark.parametrize("where", ["input", "output", "classification", "sequence"])
def test_what_is_not_offered_is_unimplemented(channel: grpc.Channel, where: str) -> None:
    """Shared memory, classification and sequences: UNIMPLEMENTED with NOT_OFFERED."""
    request = infer_request("affine", x=np.ones((1, 3), np.float32))
    if where == "input":
        region = request.inputs[0].parameters["shared_memory_region"]
        region.string_param = "r"
    elif where == "output":
        output = request.outputs.add(name="y")
        output.parameters["shared_memory_byte_size"].int64_param = 12
    elif where == "classification":
        request.outputs.add(name="y").parameters["classification"].int64_param = 3
    else:
        with_parameter(request, "sequence_id", int64_param=42)

    found = refused(channel, INFER, request)

    assert (found.code, found.reason) == (Code.UNIMPLEMENTED, "NOT_OFFERED")
    assert found.retry_s is None


def test_parameters_without_a_meaning_change_nothing(channel: grpc.Channel) -> None:
    """Tritonclient sends some with every call: zero sequences, binary flags, its own names."""
    plain = infer_request("affine", x=np.ones((1, 3), np.float32))
    request = infer_request("affine", x=np.ones((1, 3), np.float32))
    with_parameter(request, "sequence_id", int64_param=0)
    with_parameter(request, "sequence_start", bool_param=False)
    with_parameter(request, "my_tag", string_param="x")
    with_parameter(request, "empty")
    request.outputs.add(name="y").parameters["binary_data"].bool_param = True

    assert call(channel, INFER, request) == call(channel, INFER, plain)


@pytest.mark.parametrize("path", [SCORE, INFER])
def test_timing_comes_back_when_asked_for(channel: grpc.Channel, path: str) -> None:
    """Five numbers in trailing metadata; nothing without the key."""
    rows = np.ones((3, 3), np.float32)
    request = dense("affine", rows) if path == SCORE else infer_request("affine", x=rows)
    method = unary(channel, path)
    payload = request.SerializeToString()

    _, call_with = method.with_call(payload, metadata=(("stubtail-timing", "1"),))
    _, call_without = method.with_call(payload)

    text = dict(call_with.trailing_metadata())["stubtail-timing"]
    parts: dict[str, str] = dict(part.split("=") for part in text.split(";"))
    assert list(parts) == ["queue", "decode", "run", "encode", "batch_rows"]
    assert all(int(value) >= 0 for value in parts.values())
    assert int(parts["batch_rows"]) >= 3
    assert "stubtail-timing" not in dict(call_without.trailing_metadata())


def test_floats_travel_bit_for_bit(channel: grpc.Channel) -> None:
    """NaN, infinities, denormals and negative zero are the model's business, without a manifest."""
    values = [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38]
    row = np.array([values], np.float32)
    free = np.repeat(row, 2, axis=0)[:, :3]
    answer = infer(channel, infer_request("fixed", x=np.ascontiguousarray(free[:1])))["y"]
    assert answer.tobytes() == free[:1].tobytes()
    rest = np.ascontiguousarray(row[:, 3:])
    assert infer(channel, infer_request("fixed", x=rest))["y"].tobytes() == rest.tobytes()


@pytest.mark.parametrize("path", [SCORE, INFER])
def test_the_same_request_gets_the_same_bytes_again(channel: grpc.Channel, path: str) -> None:
    """The first call is read in full, the next ones by the head cache: no difference."""
    rng = np.random.default_rng(11)
    for count in (1, 2, 5):
        rows = rng.random((count, 3), np.float32)
        other = rng.random((count, 3), np.float32)
        make = dense if path == SCORE else (lambda name, x: infer_request(name, x=x))
        first = call(channel, path, make("affine", rows))
        call(channel, path, make("affine", other))
        assert call(channel, path, make("affine", rows)) == first


def test_model_ready_knows_the_models(odd: grpc.Channel) -> None:
    """A sanity check that the odd models are served at all."""
    for name in ("columns", "patient", "total"):
        request = inference_pb2.ModelReadyRequest(name=name)
        reply = call(odd, OIP + "ModelReady", request)
        assert inference_pb2.ModelReadyResponse.FromString(reply).ready
