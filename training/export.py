"""Puts a trained model into its version folder: prove parity, write model.json, publish."""

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime

from stubtail.models.manifest import FILE_NAME, FORMAT, GRAPH_FILE_NAME, Manifest
from training.evaluate import Scores
from training.features import Matrix
from training.publish import publish

PARITY_TOLERANCE: Final = 1e-6  # up to 1 absolute, above relative; the graph computes in float32
TIMED_ROWS: Final = 2000


class ParityError(RuntimeError):
    """The graph does not compute what the trained model computes; nothing was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model ready for export, with rows to prove the export on.

    Attributes:
        name: of the model; its folder.
        description: one sentence about it.
        graph: the model in ONNX: preprocessing, ensemble and calibration.
        holdout: rows that nothing was fitted, chosen or calibrated on, [rows, features].
        expected: what the graph must return for them, by output, as the trained model computes it
            before any conversion, [rows] or [rows, width]. Every output of the graph is there.
        reference: what computed `expected`, in words.
        document: the parts of model.json that follow from training: `features`, `output`,
            `training`, `statistics`, `metrics` and those of the contract of exported_models.
        kind: `scoring`, or another kind of the server.
        tolerance: how far the graph may be off; amounts need more than probabilities, as float32
            has 24 bits for the largest sum that their trees can reach.
    """

    name: str
    description: str
    graph: bytes
    holdout: Matrix
    expected: Mapping[str, Scores]
    reference: str
    document: dict[str, Any]
    kind: str = "scoring"
    tolerance: float = PARITY_TOLERANCE


@dataclass(frozen=True, slots=True)
class Exported:
    """What was published and how it behaved on the held-out rows.

    `parity` is the largest difference of a score; `one_row_us` the median time of a run
    with one fresh row, in microseconds, one thread.
    """

    folder: Path
    document: dict[str, Any]
    nodes: int
    parity: float
    one_row_us: float


def export(trained: Trained, version: str, out: Path) -> Exported:
    """Publishes `out/<name>/<version>/{model.onnx,model.json}`, in place of what was there.

    Raises:
        ParityError: graph and model disagree on a held-out row.
        ManifestError: model.json would not be accepted by the server.
        OSError: the folder cannot be written.
    """
    graph = trained.graph
    model = onnx.load_from_string(graph)
    session = open_session(graph)
    parity = check_parity(session, trained.holdout, trained.expected, trained.tolerance)
    document = {
        "format": FORMAT,
        "name": trained.name,
        "version": version,
        "kind": trained.kind,
        "description": trained.description,
        "graph": {
            "file": GRAPH_FILE_NAME,
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": next(item.version for item in model.opset_import if not item.domain),
        },
        **trained.document,
        "parity": {
            "reference": trained.reference,
            "rows": len(trained.holdout),
            "tolerance": trained.tolerance,
            "difference_below": power_of_ten_above(parity),
        },
    }
    text = as_text(document) + "\n"
    folder = out / trained.name / version
    Manifest.parse(text, str(folder / FILE_NAME))
    publish(folder, {GRAPH_FILE_NAME: graph, FILE_NAME: text.encode()})
    return Exported(
        folder=folder,
        document=document,
        nodes=len(model.graph.node),
        parity=parity,
        one_row_us=one_row_us(session, trained.holdout),
    )


def as_text(value: Any, indent: str = "") -> str:
    """JSON for people: two spaces a level, and a list of numbers or strings in one line.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    deeper = f"{indent}  "
    if isinstance(value, Mapping) and value:
        items = [
            f"{json.dumps(key, ensure_ascii=False)}: {as_text(item, deeper)}"
            for key, item in value.items()
        ]
        opening, closing = "{", "}"
    elif isinstance(value, list | tuple) and any(isinstance(x, Mapping | list) for x in value):
        items = [as_text(item, deeper) for item in value]
        opening, closing = "[", "]"
    else:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    lines = f",\n{deeper}".join(items)
    return f"{opening}\n{deeper}{lines}\n{indent}{closing}"


def open_session(graph: bytes) -> Any:
    """A session of ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def check_parity(
    session: Any,
    rows: Matrix,
    expected: Mapping[str, Scores],
    tolerance: float = PARITY_TOLERANCE,
) -> float:
    """The largest difference between what the graph returns for `rows` and what it should.

    A value above 1 counts relative to its size.

    Raises:
        ParityError: it is above the tolerance, a value is no number, or an output was not expected.
    """
    names = [output.name for output in session.get_outputs()]
    if sorted(names) != sorted(expected):
        raise ParityError(f"the graph returns {names}, expected was {sorted(expected)}")
    largest = 0.0
    for name, found in zip(
        names, session.run(names, {session.get_inputs()[0].name: rows}), strict=True
    ):
        wanted = np.asarray(expected[name], np.float64)
        gap = np.abs(found.astype(np.float64).reshape(wanted.shape) - wanted)
        difference = float((gap / np.maximum(1.0, np.abs(wanted))).max())
        if not difference <= tolerance:  # also when it is NaN
            raise ParityError(
                f"on {len(rows)} held-out rows the graph's {name} differs from the trained model by"
                f" up to {difference:.3g}, allowed is {tolerance:g}; nothing was published"
            )
        largest = max(largest, difference)
    return largest


def power_of_ten_above(value: float) -> float:
    """The least power of ten that is not below `value`; the last digits depend on the processor."""
    return float(f"1e{math.ceil(math.log10(value))}") if value > 0 else 0.0


def one_row_us(session: Any, rows: Matrix) -> float:
    """The median time of one run with one row, in microseconds; each run gets another row."""
    name = session.get_inputs()[0].name
    times = []
    for index in range(TIMED_ROWS):
        feeds = {name: rows[index % len(rows)][None, :]}
        started = time.perf_counter()
        session.run(None, feeds)
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1e6
