"""What the server answers is what onnxruntime computes, in every form of request."""

import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime
import pytest

from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2

SCORE = "/stubtail.v1.ScoringService/Score"
INFER = "/inference.GRPCInferenceService/ModelInfer"
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def churn(shipped_models: Path) -> tuple[dict[str, Any], onnxruntime.InferenceSession]:
    """The manifest and a session of the shipped model."""
    folder = shipped_models / "churn" / "1"
    manifest = json.loads((folder / "model.json").read_text())
    return manifest, onnxruntime.InferenceSession(folder / "model.onnx")


def random_rows(manifest: dict[str, Any], rows: int, seed: int) -> np.ndarray:
    """Rows within the ranges and categories of the manifest, some with missing values."""
    rng = np.random.default_rng(seed)
    columns = []
    for feature in manifest["features"]:
        if feature["type"] == "category":
            column = rng.integers(len(feature["categories"]), size=rows).astype("f4")
        else:
            column = rng.uniform(feature["minimum"], feature["maximum"], rows).astype("f4")
            if feature["missing"] == "allow":
                column[rng.random(rows) < 0.2] = np.nan
        columns.append(column)
    return np.stack(columns, axis=1)


def named(manifest: dict[str, Any], matrix: np.ndarray) -> scoring_pb2.NamedRows:
    """The same rows as named columns."""
    columns = []
    for feature, values in zip(manifest["features"], matrix.T, strict=True):
        if feature["type"] == "category":
            strings = [feature["categories"][int(code)] for code in values]
            columns.append(scoring_pb2.Column(name=feature["name"], strings=strings))
        else:
            columns.append(scoring_pb2.Column(name=feature["name"], numbers=values.tolist()))
    return scoring_pb2.NamedRows(columns=columns)


@pytest.mark.parametrize("rows", [1, 2, 33, 1000])
def test_all_forms_of_a_request_agree_with_onnxruntime(
    channel: grpc.Channel, churn: tuple[dict[str, Any], Any], rows: int
) -> None:
    """Dense, named, raw and typed requests get the same scores, to 1e-6."""
    manifest, session = churn
    matrix = random_rows(manifest, rows, seed=rows)
    name = session.get_inputs()[0].name
    expected = session.run(None, {name: matrix})[0].ravel()

    dense = scoring_pb2.ScoreRequest(
        model="churn", dense=scoring_pb2.DenseRows(values=matrix.ravel().tolist())
    )
    by_name = scoring_pb2.ScoreRequest(model="churn@1", named=named(manifest, matrix))
    for request in (dense, dense, by_name):
        reply = scoring_pb2.ScoreResponse.FromString(
            channel.unary_unary(SCORE)(request.SerializeToString())
        )
        np.testing.assert_allclose(reply.scores, expected, rtol=0, atol=TOLERANCE)
        threshold = manifest["output"]["threshold"]
        assert list(reply.label_indexes) == [int(s >= np.float32(threshold)) for s in reply.scores]
        assert list(reply.classes) == manifest["output"]["classes"]
        assert (reply.model, reply.version) == ("churn", "1")

    for raw in (True, False):
        infer = inference_pb2.ModelInferRequest(model_name="churn", id="call-7")
        tensor = infer.inputs.add(name=name, datatype="FP32", shape=matrix.shape)
        if raw:
            infer.raw_input_contents.append(matrix.tobytes())
        else:
            tensor.contents.fp32_contents.extend(matrix.ravel().tolist())
        answer = inference_pb2.ModelInferResponse.FromString(
            channel.unary_unary(INFER)(infer.SerializeToString())
        )
        got = np.frombuffer(answer.raw_output_contents[0], "<f4")
        np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)
        assert answer.id == "call-7"
        assert answer.outputs[0].shape[0] == rows
