"""Graphs whose inputs or outputs are unusual in one way each, for servers of these tests."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from tests import model_files
from tests.model_files import constant, model_bytes, value

FLOAT, DOUBLE, INT64, STRING = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
)


def columns() -> bytes:
    """`y = a + b` for float32 a, int64 b, and a string s that is not used: each [N, 1]."""
    return model_bytes(
        [
            helper.make_node("Cast", ["b"], ["b_float"], to=FLOAT),
            helper.make_node("Add", ["a", "b_float"], ["y"]),
        ],
        [value("a", FLOAT, ["N", 1]), value("b", INT64, ["N", 1]), value("s", STRING, ["N", 1])],
        [value("y", FLOAT, ["N", 1])],
    )


def total() -> bytes:
    """The sum of all rows: float32 [N, 3] to [1, 3], so that calls cannot share a run."""
    return model_bytes(
        [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)],
        [value("x", FLOAT, ["N", 3])],
        [value("y", FLOAT, [1, 3])],
        [constant("axes", np.array([0], np.int64))],
    )


def scalar() -> bytes:
    """`y = x * k` for float32 x [N, 2] and a k without dimensions; `k_again` is k."""
    return model_bytes(
        [
            helper.make_node("Mul", ["x", "k"], ["y"]),
            helper.make_node("Identity", ["k"], ["k_again"]),
        ],
        [value("x", FLOAT, ["N", 2]), value("k", FLOAT, [])],
        [value("y", FLOAT, ["N", 2]), value("k_again", FLOAT, [])],
    )


def no_inputs() -> bytes:
    """Always `[1, 2]`."""
    return model_bytes(
        [helper.make_node("Identity", ["c"], ["y"])],
        [],
        [value("y", FLOAT, [2])],
        [constant("c", np.array([1, 2], np.float32))],
    )


def dropping() -> bytes:
    """`y = x` for float32 [N, 1] without the rows above 100: a graph that loses rows."""
    return model_bytes(
        [
            helper.make_node("Greater", ["x", "limit"], ["above"]),
            helper.make_node("Not", ["above"], ["kept"]),
            helper.make_node("Squeeze", ["kept", "axes"], ["mask"]),
            helper.make_node("Compress", ["x", "mask"], ["y"], axis=0),
        ],
        [value("x", FLOAT, ["N", 1])],
        [value("y", FLOAT, ["M", 1])],
        [
            constant("limit", np.array([100], np.float32)),
            constant("axes", np.array([1], np.int64)),
        ],
    )


def doubles() -> bytes:
    """`y = x * 1e300` for float64 [N, 1]: beyond float32."""
    return model_bytes(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        [value("x", DOUBLE, ["N", 1])],
        [value("y", DOUBLE, ["N", 1])],
        [constant("factor", np.array([1e300]))],
    )


def patient(kind: str, rows: str | int = "N") -> bytes:
    """Float32 x [rows, 3] whose first column says how long the run takes.

    The loop runs as often as the largest first column of the batch says, about 3 us each. What
    comes out does not depend on it.

    Args:
        kind: `echo` for `y = x`; `picky` for `y = table[x[:, 1]]`, [rows, 1], which fails above 3;
            `score` for `score = sigmoid(x[:, 1])`, [rows, 1].
        rows: a number for a graph whose calls cannot share a run.
    """
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("Add", ["sum_in", "one"], ["sum_out"]),
        ],
        "body",
        [
            value("step", INT64, []),
            value("go_in", TensorProto.BOOL, []),
            value("sum_in", FLOAT, []),
        ],
        [value("go_out", TensorProto.BOOL, []), value("sum_out", FLOAT, [])],
    )
    nodes = [
        helper.make_node("Gather", ["x", "first"], ["trips_of_rows"], axis=1),
        helper.make_node("ReduceMax", ["trips_of_rows"], ["most_trips"], keepdims=0),
        helper.make_node("Cast", ["most_trips"], ["trips"], to=INT64),
        helper.make_node("Loop", ["trips", "go", "zero"], ["sum"], body=body),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Gather", ["x", "second"], ["middle"], axis=1),
        helper.make_node("Cast", ["middle"], ["index"], to=INT64),
    ]
    nodes += {
        "echo": [helper.make_node("Identity", ["x"], ["value"])],
        "picky": [helper.make_node("Gather", ["table", "index"], ["value"])],
        "score": [helper.make_node("Sigmoid", ["middle"], ["value"])],
    }[kind]
    output = "score" if kind == "score" else "y"
    nodes.append(helper.make_node("Add", ["value", "nothing"], [output]))
    return model_bytes(
        nodes,
        [value("x", FLOAT, [rows, 3])],
        [value(output, FLOAT, [rows, 3 if kind == "echo" else 1])],
        [
            constant("first", np.array([0], np.int64)),
            constant("second", np.array([1], np.int64)),
            constant("go", np.array(True)),
            constant("zero", np.array(0, np.float32)),
            constant("one", np.array(1, np.float32)),
            constant("table", np.arange(4, dtype=np.float32)),
        ],
    )


def bytes_to_bytes() -> bytes:
    """`y = x` for int8 [N, 1]."""
    return model_files.identity(TensorProto.INT8, ("N", 1))


def write_all(folder: Path) -> Path:
    """Writes every model of this module, those that fail and those that take long."""
    graphs = {
        "affine": model_files.affine(),
        "columns": columns(),
        "doubles": doubles(),
        "dropping": dropping(),
        "failing": model_files.failing(),
        "free": model_files.identity(FLOAT, ("N", "M")),
        "mixing": model_files.mixing(),
        "no_inputs": no_inputs(),
        "pair": model_files.two_inputs(),
        "patient": patient("echo"),
        "patient_picky": patient("picky"),
        "patient_solo": patient("echo", rows=1),
        "picky": model_files.picky(),
        "scalar": scalar(),
        "small": bytes_to_bytes(),
        "strings": model_files.strings(),
        "three": model_files.classifier(classes=3),
        "total": total(),
    }
    for name, graph in graphs.items():
        model_files.write_model(folder / name / "1", graph)
    graph = patient("score")
    document = model_files.manifest(graph, 3, name="patient_rules")
    model_files.write_model(folder / "patient_rules" / "1", graph, document)
    return folder
