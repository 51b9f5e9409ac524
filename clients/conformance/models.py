"""The models that the cases score: small graphs whose answers one can compute by hand."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8
FLOAT = TensorProto.FLOAT
# What reasons are told against: the mean of the log-odds over these rows is 1.05.
BACKGROUND = [[1.0, 0.0], [3.0, 1.0]] * 4


def _value(name: str, columns: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, FLOAT, ["N", columns])


def _graph(
    nodes: Sequence[NodeProto],
    columns: int,
    outputs: dict[str, int],
    **constants: Any,
) -> bytes:
    """A graph of float32 rows [N, columns]."""
    graph = helper.make_graph(
        nodes,
        "conformance",
        [_value("x", columns)],
        [_value(name, width) for name, width in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model: ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    return bytes(model.SerializeToString())


def risk() -> bytes:
    """`score = sigmoid(0.4 amount - 0.5 + 1.5 plan)` of rows [N, 2]."""
    return _graph(
        [
            helper.make_node("MatMul", ["x", "weights"], ["linear"]),
            helper.make_node("Add", ["linear", "offset"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["score"]),
        ],
        2,
        {"score": 1},
        weights=np.array([[0.4], [1.5]], np.float32),
        offset=np.array([-0.5], np.float32),
    )


def shop() -> bytes:
    """`units = 10 - 2 price + 3 plus` of rows [N, 2]."""
    return _graph(
        [
            helper.make_node("MatMul", ["x", "weights"], ["linear"]),
            helper.make_node("Add", ["linear", "base"], ["units"]),
        ],
        2,
        {"units": 1},
        weights=np.array([[-2.0], [3.0]], np.float32),
        base=np.array([10.0], np.float32),
    )


def affine() -> bytes:
    """`y = 2 x + 1` of rows [N, 3], without a manifest."""
    return _graph(
        [
            helper.make_node("Mul", ["x", "two"], ["twice"]),
            helper.make_node("Add", ["twice", "one"], ["y"]),
        ],
        3,
        {"y": 3},
        two=np.array([2.0], np.float32),
        one=np.array([1.0], np.float32),
    )


def failing() -> bytes:
    """Loads, and fails on values from 2: a look-up beyond the end of a table."""
    return _graph(
        [
            helper.make_node("Cast", ["x"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "index"], ["y"]),
        ],
        1,
        {"y": 1},
        table=np.array([0.25, 0.5], np.float32),
    )


def _manifest(name: str, graph: bytes, **more: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "name": name,
        "version": "1",
        "kind": "scoring",
        "description": "a model of the conformance suite",
        "graph": {
            "file": "model.onnx",
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": OPSET,
        },
        **more,
    }


def _plan() -> dict[str, Any]:
    return {"name": "plan", "type": "category", "categories": ["basic", "plus"]}


def risk_manifest(graph: bytes) -> dict[str, Any]:
    """A yes/no model with an interval, levels and reasons; its second feature is a category."""
    return _manifest(
        "risk",
        graph,
        features=[
            {"name": "amount", "type": "number", "minimum": 0, "maximum": 10, "outside": "clip"},
            {**_plan(), "unknown": "refuse"},
        ],
        output={
            "score": "score",
            "classes": ["stay", "leave"],
            "threshold": 0.5,
            "levels": {"names": ["low", "high"], "thresholds": [0.6]},
            "interval": {
                "method": "split",
                "coverages": [0.9],
                "below": [0.2],
                "above": [0.3],
                "minimum": 0.0,
                "maximum": 1.0,
                "calibration_rows": 100,
                "meaning": "the outcome",
            },
        },
        explanation={"background": BACKGROUND, "rows": 8, "link": "logit"},
    )


def shop_manifest(graph: bytes) -> dict[str, Any]:
    """A regressor to decide with."""
    return _manifest(
        "shop",
        graph,
        features=[{"name": "price", "type": "number", "minimum": 0.5, "maximum": 8.0}, _plan()],
        output={"score": "units"},
    )


def write_all(folder: Path) -> Path:
    """Puts all models into a folder, with `off`, to be unloaded, and `damaged`."""
    graphs = {"risk": risk(), "shop": shop(), "affine": affine(), "failing": failing()}
    documents = {"risk": risk_manifest(graphs["risk"]), "shop": shop_manifest(graphs["shop"])}
    graphs |= {"off": affine(), "damaged": b"this is no graph"}
    for name, graph in graphs.items():
        version = folder / name / "1"
        version.mkdir(parents=True)
        (version / "model.onnx").write_bytes(graph)
        if name in documents:
            text = json.dumps(documents[name])
            (version / "model.json").write_text(text, encoding="utf-8")
    return folder
