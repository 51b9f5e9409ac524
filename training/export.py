"""Puts a trained model into its version folder: prove parity, write model.json, publish."""

import hashlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime

from stubtail.models.manifest import FILE_NAME, FORMAT, GRAPH_FILE_NAME, Manifest
from training.classifier import Trained
from training.evaluate import Scores
from training.features import Matrix
from training.publish import publish

PARITY_TOLERANCE: Final = 1e-6  # of a probability; the graph computes in float32
TIMED_ROWS: Final = 2000


class ParityError(RuntimeError):
    """The graph does not compute what the trained model computes; nothing was published."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was published and how it behaved on the held-out rows.

    `parity` is the largest difference of a probability; `one_row_us` the median time of a run
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
    task, graph = trained.task, trained.graph
    model = onnx.load_from_string(graph)
    session = open_session(graph)
    parity = check_parity(session, trained.holdout, trained.expected)
    document = {
        "format": FORMAT,
        "name": task.name,
        "version": version,
        "kind": "scoring",
        "description": task.description,
        "graph": {
            "file": GRAPH_FILE_NAME,
            "sha256": hashlib.sha256(graph).hexdigest(),
            "bytes": len(graph),
            "opset": next(item.version for item in model.opset_import if not item.domain),
        },
        **trained.document,
        "parity": {
            "reference": "LightGBM and Platt scaling in double precision",
            "rows": int(trained.expected.size),
            "tolerance": PARITY_TOLERANCE,
            "difference_below": power_of_ten_above(parity),
        },
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    folder = out / task.name / version
    Manifest.parse(text, str(folder / FILE_NAME))
    publish(folder, {GRAPH_FILE_NAME: graph, FILE_NAME: text.encode()})
    return Exported(
        folder=folder,
        document=document,
        nodes=len(model.graph.node),
        parity=parity,
        one_row_us=one_row_us(session, trained.holdout),
    )


def open_session(graph: bytes) -> Any:
    """A session of ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def check_parity(session: Any, rows: Matrix, expected: Scores) -> float:
    """The largest difference between the graph's scores of `rows` and the expected ones.

    Raises:
        ParityError: it is above the tolerance, or a score is no number.
    """
    (scores,) = session.run(None, {session.get_inputs()[0].name: rows})
    difference = float(np.abs(scores.astype(np.float64).ravel() - expected).max())
    if not difference <= PARITY_TOLERANCE:  # also when it is NaN
        raise ParityError(
            f"on {expected.size} held-out rows the graph differs from the trained model by up to"
            f" {difference:.3g}, allowed is {PARITY_TOLERANCE:g}; nothing was published"
        )
    return difference


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
