"""Pins the bytes of replies: what is put together by hand is what protobuf would write."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.protobuf import opening, text, varint
from stubtail.endpoints.replies import InferEncoder, ScoreColumns, ScoreEncoder, SoloInferEncoder
from stubtail.lane.job import Job
from stubtail.models.outputs import Output
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import manifest, model, spec


def job(suffix: bytes = b"") -> Any:
    """A job of which only the end of the reply matters."""
    return Job(None, 1, b"", 0, 2, None, suffix)  # type: ignore[arg-type]  # not looked at


def score_encoder(*outputs: Any, about: Output | None = None) -> ScoreEncoder:
    """The encoder of a model with these outputs."""
    described = manifest((), about) if about is not None else None
    loaded = model("m", [spec("x", "FP32", -1, 2)], outputs, about=described)
    return ScoreEncoder(loaded, ScoreColumns(loaded))


def scores(encoder: ScoreEncoder, arrays: list[np.ndarray], first: int, end: int) -> Any:
    """The reply for some rows, which must be what protobuf itself would write."""
    payload = encoder.encode(encoder.prepare(arrays), first, end, job())
    reply = scoring_pb2.ScoreResponse.FromString(payload)
    assert sorted(reply.SerializeToString()) == sorted(payload), "something else is in the bytes"
    return reply


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**14, 2**31, 2**63 - 1])
def test_varints_are_those_of_protobuf(value: int) -> None:
    """Seven bits a byte, least significant first."""
    message = inference_pb2.ModelInferResponse.InferOutputTensor(shape=[value])
    assert message.SerializeToString() == opening(3, len(varint(value))) + varint(value)


@pytest.mark.parametrize("value", ["", "a", "é" * 100])
def test_texts_are_those_of_protobuf(value: str) -> None:
    """Nothing at all for the empty string."""
    message = inference_pb2.ModelInferResponse(id=value)
    assert message.SerializeToString() == text(3, value)


@pytest.mark.parametrize("rows", [1, 2, 127, 128, 5000])
def test_an_infer_reply_is_a_message_of_the_protocol(rows: int) -> None:
    """Byte for byte what protobuf writes, from any part of a batch."""
    loaded = model(
        "m", [], [spec("a", "FP32", -1, 2), spec("b", "BYTES", -1), spec("c", "INT64", -1)]
    )
    outputs = [
        np.arange(4 * rows, dtype=np.float32).reshape(-1, 2),
        np.array([f"t{index}" for index in range(2 * rows)], object),
        np.arange(2 * rows),
    ]
    for chosen in ((0, 1, 2), (2, 0), (0,)):
        encoder = InferEncoder(loaded, chosen)
        prepared = encoder.prepare(outputs)
        for _ in range(2):
            payload = encoder.encode(prepared, rows, 2 * rows, job(text(3, "id")))
            expected = inference_pb2.ModelInferResponse(model_name="m", model_version="1", id="id")
            for index in chosen:
                part = outputs[index][rows:]
                specification = loaded.signature.outputs[index]
                expected.outputs.add(
                    name=specification.name, datatype=specification.datatype, shape=part.shape
                )
                raw = part.tobytes()
                if part.dtype.hasobject:
                    raw = b"".join(len(t).to_bytes(4, "little") + t.encode() for t in part)
                expected.raw_output_contents.append(raw)
            assert inference_pb2.ModelInferResponse.FromString(payload) == expected


def test_a_solo_reply_has_the_shapes_of_its_outputs() -> None:
    """Any number of dimensions, none included; numpy scalars are arrays too."""
    loaded = model("m", [], [spec("n", "INT64"), spec("t", "BYTES", 2)], batchable=False)
    encoder = SoloInferEncoder(loaded, (0, 1))
    outputs: list[Any] = [np.int64(7), np.array(["a", ""], object)]
    payload = encoder.encode(encoder.prepare(outputs), 0, 5, job())
    reply = inference_pb2.ModelInferResponse.FromString(payload)
    assert [list(tensor.shape) for tensor in reply.outputs] == [[], [2]]
    assert reply.raw_output_contents[0] == np.int64(7).tobytes()
    assert reply.raw_output_contents[1] == b"\1\0\0\0a\0\0\0\0"


def test_one_value_a_row_is_the_score() -> None:
    """Without a manifest: scores alone, no labels."""
    for shape in ((-1,), (-1, 1)):
        encoder = score_encoder(spec("label", "INT64", -1), spec("y", "FP64", *shape))
        values = np.arange(6, dtype=np.float64)
        reply = scores(encoder, [np.zeros(6, np.int64), values], 2, 5)
        assert list(reply.scores) == [2, 3, 4]
        assert not reply.label_indexes
        assert not reply.classes


def test_a_threshold_makes_labels() -> None:
    """From the threshold on, in float32, as the score is sent."""
    about = Output(score="y", meaning="", classes=("no", "yes"), threshold=0.34)
    encoder = score_encoder(spec("y", "FP32", -1, 1), about=about)
    values = np.array([[0.34], [0.3399999], [np.nan], [1]], np.float32)
    reply = scores(encoder, [values], 0, 4)
    assert list(reply.label_indexes) == [1, 0, 0, 1]
    assert list(reply.classes) == ["no", "yes"]


@pytest.mark.parametrize("classes", [2, 3, 128, 129, 300])
def test_probabilities_make_labels(classes: int) -> None:
    """The most probable class, also where its number needs two bytes."""
    encoder = score_encoder(spec("p", "FP32", -1, classes))
    matrix = np.random.default_rng(classes).random((7, classes), np.float32)
    matrix[3, -1] = 2.0
    reply = scores(encoder, [matrix], 2, 6)
    np.testing.assert_array_equal(reply.probabilities, matrix[2:6].ravel())
    assert list(reply.label_indexes) == matrix[2:6].argmax(axis=1).tolist()
    assert list(reply.scores) == (matrix[2:6, 1].tolist() if classes == 2 else [])


def test_fewer_scores_than_rows_are_a_defect_and_never_sent() -> None:
    """A reply that says it has more than it has could not be read at all."""
    encoder = score_encoder(spec("y", "FP32", -1, 1))
    prepared = encoder.prepare([np.zeros((2, 1), np.float32)])
    with pytest.raises(ValueError, match="3 rows, 2 scores"):
        encoder.encode(prepared, 0, 3, job())


@pytest.mark.parametrize(
    ("outputs", "usable"),
    [
        ([spec("y", "FP32", -1, 1)], True),
        ([spec("y", "INT64", -1, 1)], False),
        ([spec("y", "FP32", 1, 3)], False),
        ([spec("y", "FP32")], False),
        ([spec("y", "FP32", -1, -1)], False),
        ([spec("y", "FP32", -1, 3, 3)], False),
        ([spec("t", "FP32", 1, 2), spec("y", "FP32", -1, 2)], True),
    ],
)
def test_which_outputs_are_scores(outputs: list[Any], usable: bool) -> None:
    """The first floats with one or several values for each row."""
    loaded = model("m", [spec("x", "FP32", -1, 2)], outputs)
    assert ScoreColumns(loaded).usable == usable
