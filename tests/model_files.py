"""Tiny ONNX graphs and model folders for tests, built with onnx.helper in a few milliseconds."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


def model_bytes(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Sequence[onnx.TensorProto] = (),
    **more: Any,
) -> bytes:
    """A serialised model of one graph with the default and the ML operators imported."""
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializers)
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    imports += more.pop("imports", [])
    model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, **more)
    return bytes(model.SerializeToString())


def value(name: str, elem_type: int, shape: Sequence[int | str | None]) -> onnx.ValueInfoProto:
    """An input or output of a graph."""
    return helper.make_tensor_value_info(name, elem_type, shape)


def constant(name: str, array: np.ndarray) -> onnx.TensorProto:
    """An initializer."""
    return numpy_helper.from_array(array, name)


def affine(features: int = 3, scale: float = 2.0, offset: float = 1.0) -> bytes:
    """`y = x * scale + offset` for float32 rows [N, features]."""
    return model_bytes(
        [
            helper.make_node("Mul", ["x", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "offset"], ["y"]),
        ],
        [value("x", TensorProto.FLOAT, ["N", features])],
        [value("y", TensorProto.FLOAT, ["N", features])],
        [
            constant("scale", np.array([scale], np.float32)),
            constant("offset", np.array([offset], np.float32)),
        ],
    )


def identity(elem_type: int = TensorProto.FLOAT, shape: Sequence[Any] = ("N", 2)) -> bytes:
    """`y = x` for any element type and shape."""
    node = helper.make_node("Identity", ["x"], ["y"])
    return model_bytes([node], [value("x", elem_type, shape)], [value("y", elem_type, shape)])


def strings() -> bytes:
    """`y = x` for strings [N, 1]."""
    return identity(TensorProto.STRING, ("N", 1))


def integers() -> bytes:
    """`y = x` for int64 [N, 2]."""
    return identity(TensorProto.INT64)


def fixed_batch(rows: int = 1, features: int = 3) -> bytes:
    """`y = x` for exactly `rows` float32 rows."""
    return identity(TensorProto.FLOAT, (rows, features))


def two_inputs() -> bytes:
    """`y = a + b` for float32 a [N, 2] and b [N, 1]."""
    return model_bytes(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        [value("a", TensorProto.FLOAT, ["N", 2]), value("b", TensorProto.FLOAT, ["N", 1])],
        [value("y", TensorProto.FLOAT, ["N", 2])],
    )


def scoring(features: int = 3, offset: float = 0.0) -> bytes:
    """`score = sigmoid(sum(x) + offset)`, float32 [N, features] to [N, 1], as a manifest wants."""
    return model_bytes(
        [
            helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
            helper.make_node("Add", ["sum", "offset"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["score"]),
        ],
        [value("x", TensorProto.FLOAT, ["N", features])],
        [value("score", TensorProto.FLOAT, ["N", 1])],
        [
            constant("axes", np.array([1], np.int64)),
            constant("offset", np.array([offset], np.float32)),
        ],
    )


def classifier(features: int = 3, classes: int = 2, *, zipmap: bool = False) -> bytes:
    """A linear classifier: int64 `label` [N] and float32 `probabilities` [N, classes].

    With `zipmap` the probabilities are a sequence of maps, as scikit-learn's exporter defaults to.
    """
    coefficients = [float(row + 1) for row in range(classes) for _ in range(features)]
    nodes = [
        helper.make_node(
            "LinearClassifier",
            ["x"],
            ["label", "scores" if zipmap else "probabilities"],
            domain="ai.onnx.ml",
            coefficients=coefficients,
            intercepts=[0.0] * classes,
            classlabels_ints=list(range(classes)),
            post_transform="SOFTMAX",
        )
    ]
    last = value("probabilities", TensorProto.FLOAT, ["N", classes])
    if zipmap:
        nodes.append(
            helper.make_node(
                "ZipMap",
                ["scores"],
                ["probabilities"],
                domain="ai.onnx.ml",
                classlabels_int64s=list(range(classes)),
            )
        )
        scores = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        pairs = helper.make_map_type_proto(TensorProto.INT64, scores)
        last = helper.make_value_info("probabilities", helper.make_sequence_type_proto(pairs))
    inputs = [value("x", TensorProto.FLOAT, ["N", features])]
    return model_bytes(nodes, inputs, [value("label", TensorProto.INT64, ["N"]), last])


def slow(iterations: int = 2000, features: int = 3, rows: int | str = "N") -> bytes:
    """`y = x + iterations` by a loop: about 1 ms for each 1,000 iterations, whatever the rows.

    With a number of `rows`, calls cannot share a run.
    """
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("Add", ["sum_in", "one"], ["sum_out"]),
        ],
        "body",
        [
            value("step", TensorProto.INT64, []),
            value("go_in", TensorProto.BOOL, []),
            value("sum_in", TensorProto.FLOAT, [rows, features]),
        ],
        [
            value("go_out", TensorProto.BOOL, []),
            value("sum_out", TensorProto.FLOAT, [rows, features]),
        ],
    )
    return model_bytes(
        [helper.make_node("Loop", ["trips", "go", "x"], ["y"], body=body)],
        [value("x", TensorProto.FLOAT, [rows, features])],
        [value("y", TensorProto.FLOAT, [rows, features])],
        [
            constant("trips", np.array(iterations, np.int64)),
            constant("go", np.array(True)),
            constant("one", np.array([1.0], np.float32)),
        ],
    )


def failing(features: int = 3) -> bytes:
    """Loads, and raises on every run: a Gather beyond the last column."""
    return model_bytes(
        [helper.make_node("Gather", ["x", "index"], ["y"], axis=1)],
        [value("x", TensorProto.FLOAT, ["N", "F"])],
        [value("y", TensorProto.FLOAT, ["N", 1])],
        [constant("index", np.array([features + 1_000_000], np.int64))],
    )


def picky(size: int = 4) -> bytes:
    """`y = table[x]`, int64 [N, 1] to float32 [N, 1]: raises when any row is not below `size`."""
    return model_bytes(
        [helper.make_node("Gather", ["table", "x"], ["y"])],
        [value("x", TensorProto.INT64, ["N", 1])],
        [value("y", TensorProto.FLOAT, ["N", 1])],
        [constant("table", np.arange(size, dtype=np.float32))],
    )


def mixing() -> bytes:
    """A softmax over the rows: every row changes the answers of the others."""
    return model_bytes(
        [helper.make_node("Softmax", ["x"], ["y"], axis=0)],
        [value("x", TensorProto.FLOAT, ["N", 2])],
        [value("y", TensorProto.FLOAT, ["N", 2])],
    )


def custom_operator(domain: str = "com.example") -> bytes:
    """A node of a domain that no stock runtime knows."""
    return model_bytes(
        [helper.make_node("Steal", ["x"], ["y"], domain=domain)],
        [value("x", TensorProto.FLOAT, ["N", 2])],
        [value("y", TensorProto.FLOAT, ["N", 2])],
        imports=[helper.make_opsetid(domain, 1)],
    )


def external_tensor(location: str = "/etc/passwd", *, name: str = "secret") -> onnx.TensorProto:
    """A tensor whose 16 bytes are said to live in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=text)
    return tensor


def external_data(location: str = "/etc/passwd") -> bytes:
    """A graph that would return the first bytes of another file."""
    return model_bytes(
        [helper.make_node("Add", ["x", "secret"], ["y"])],
        [value("x", TensorProto.FLOAT, ["N", 4])],
        [value("y", TensorProto.FLOAT, ["N", 4])],
        [external_tensor(location)],
    )


def manifest(graph: bytes, feature_count: int = 3, /, **changes: Any) -> dict[str, Any]:
    """A model.json for a graph of `scoring`; the last feature is a category of two."""
    numbers = [
        {
            "name": f"f{index}",
            "type": "number",
            "description": "a number",
            "minimum": -1.0,
            "maximum": 1.0,
            "missing": "refuse",
        }
        for index in range(feature_count - 1)
    ]
    category = {
        "name": "contract",
        "type": "category",
        "categories": ["monthly", "yearly"],
        "missing": "default",
        "default": "monthly",
        "unknown": "refuse",
    }
    document: dict[str, Any] = {
        "format": 1,
        "name": "churn",
        "version": "1",
        "kind": "scoring",
        "description": "a model for tests",
        "graph": {
            "file": "model.onnx",
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": OPSET,
        },
        "features": [*numbers, category],
        "output": {
            "score": "score",
            "meaning": "a probability",
            "classes": ["stay", "leave"],
            "threshold": 0.5,
        },
    }
    return document | changes


def write_model(folder: Path, graph: bytes, document: dict[str, Any] | None = None) -> Path:
    """Puts model.onnx (and model.json) into `folder`, made if need be; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(graph)
    if document is not None:
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
    return folder
