"""Pools of different rows, encoded as calls, with the answers that onnxruntime itself gives.

A tree ensemble fed the same row again and again runs up to 3.5 times too fast (the processor learns
its branches), so every load goes through a pool of different rows.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.calls import Calls
from benchmarks.errors import WrongAnswerError
from stubtail.models.manifest import FILE_NAME, GRAPH_FILE_NAME, Manifest
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2

Rows = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

TOLERANCE = 1e-5  # a served score may differ this much from onnxruntime's own
INFER_PATH = "/inference.GRPCInferenceService/ModelInfer"
SCORE_PATH = "/stubtail.v1.ScoringService/Score"
HTTP_PATH, HTTP_JSON_PATH = "/infer", "/infer-json"
_POOL_ROWS = 65_536  # more than a branch predictor remembers
_POOL_CALLS_MAX, _POOL_CALLS_MIN = 4_096, 128


class Subject:
    """The model that is measured, run here by bare onnxruntime on one thread.

    Attributes:
        name: The model's name.
        manifest: What model.json says, None without one.
        session: Bare onnxruntime: intra-op 1, inter-op 1, the rest default.
        input_name: The one input, float32 of shape (rows, features).
        features: Number of features.
    """

    def __init__(self, folder: Path) -> None:
        """Reads the newest version in `folder`, which is `<models>/<name>`."""
        versions = sorted((path for path in folder.iterdir() if path.name.isdigit()), key=_number)
        if not versions:
            raise FileNotFoundError(f"no version of a model in {folder}")
        self.name = folder.name
        self.version_folder = versions[-1]
        text = self.version_folder / FILE_NAME
        self.manifest = Manifest.parse(text.read_text(), str(text)) if text.exists() else None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session: Any = onnxruntime.InferenceSession(
            str(self.version_folder / GRAPH_FILE_NAME), options, providers=["CPUExecutionProvider"]
        )
        taken = self.session.get_inputs()[0]
        self.input_name = str(taken.name)
        self.features = int(taken.shape[1])
        floats = [out.name for out in self.session.get_outputs() if out.type == "tensor(float)"]
        self._score = str(floats[0])

    def draw(self, count: int, seed: int) -> Rows:
        """`count` different rows, float32 (count, features), evenly over the manifest's ranges."""
        rng = np.random.default_rng(seed)
        if self.manifest is None or not self.manifest.features:
            return rng.random((count, self.features), dtype=np.float32)
        rows = np.empty((count, self.features), dtype=np.float32)
        for column, feature in enumerate(self.manifest.features):
            if feature.type == "category":
                rows[:, column] = rng.integers(0, len(feature.categories), count)
            else:
                low = 0.0 if feature.minimum is None else feature.minimum
                high = low + 1.0 if feature.maximum is None else feature.maximum
                rows[:, column] = rng.uniform(low, high, count)
        return rows

    def scores(self, rows: Rows) -> Scores:
        """What the graph itself gives: one score a row, the last class's of several."""
        out = np.asarray(self.session.run([self._score], {self.input_name: rows})[0], np.float32)
        return np.ascontiguousarray(out.reshape(len(rows), -1)[:, -1])


def _number(path: Path) -> int:
    return int(path.name)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask for scores.

    Attributes:
        path: The method.
        encode: Request bytes for a block of rows.
        scores: Scores in a reply, as many as rows are asked for.
    """

    path: str
    encode: Callable[[Subject, Rows], bytes]
    scores: Callable[[bytes, int], Scores]


def _encode_infer(subject: Subject, rows: Rows) -> bytes:
    request = inference_pb2.ModelInferRequest(model_name=subject.name)
    tensor = request.inputs.add(name=subject.input_name, datatype="FP32")
    tensor.shape.extend(rows.shape)
    request.raw_input_contents.append(rows.tobytes())
    return bytes(request.SerializeToString())


def _infer_scores(reply: bytes, rows: int) -> Scores:
    message = inference_pb2.ModelInferResponse.FromString(reply)
    for output, raw in zip(message.outputs, message.raw_output_contents, strict=False):
        if output.datatype == "FP32":
            return np.frombuffer(raw, np.float32).reshape(rows, -1)[:, -1]
    return np.empty(0, np.float32)


def _encode_dense(subject: Subject, rows: Rows) -> bytes:
    dense = scoring_pb2.DenseRows(values=rows.ravel().tolist())
    request = scoring_pb2.ScoreRequest(model=subject.name, dense=dense)
    return request.SerializeToString()


def _encode_named(subject: Subject, rows: Rows) -> bytes:
    assert subject.manifest is not None
    columns = []
    for values, feature in zip(rows.T.tolist(), subject.manifest.features, strict=True):
        column = scoring_pb2.Column(name=feature.name)
        if feature.type == "category":
            column.strings.extend(feature.categories[int(value)] for value in values)
        else:
            column.numbers.extend(values)
        columns.append(column)
    named = scoring_pb2.NamedRows(columns=columns)
    return scoring_pb2.ScoreRequest(model=subject.name, named=named).SerializeToString()


def _score_scores(reply: bytes, rows: int) -> Scores:
    message = scoring_pb2.ScoreResponse.FromString(reply)
    values = np.array(message.scores or message.probabilities, np.float32)
    return values.reshape(rows, -1)[:, -1]


def _encode_raw(_subject: Subject, rows: Rows) -> bytes:
    return rows.tobytes()


def _raw_scores(reply: bytes, _rows: int) -> Scores:
    return np.frombuffer(reply, np.float32)


def _encode_base64(_subject: Subject, rows: Rows) -> bytes:
    return json.dumps({"rows": base64.b64encode(rows.tobytes()).decode()}).encode()


def _base64_scores(reply: bytes, _rows: int) -> Scores:
    return np.frombuffer(base64.b64decode(json.loads(reply)["scores"]), np.float32)


FORMS = {
    "infer": Form(INFER_PATH, _encode_infer, _infer_scores),
    "dense": Form(SCORE_PATH, _encode_dense, _score_scores),
    "named": Form(SCORE_PATH, _encode_named, _score_scores),
    # For peers that speak HTTP: the leanest that each of them takes.
    "raw": Form(HTTP_PATH, _encode_raw, _raw_scores),
    "base64": Form(HTTP_JSON_PATH, _encode_base64, _base64_scores),
}


class Pool:
    """Different calls of one form and size, and the right answer to each.

    Attributes:
        calls: The encoded calls, for a client.
        blocks: The rows of each call, float32 (calls, rows, features).
    """

    def __init__(self, subject: Subject, form: str, rows: int, seed: int) -> None:
        """Draws and encodes up to 65,536 different rows in blocks of `rows`."""
        self._form = FORMS[form]
        self._rows = rows
        count = min(_POOL_CALLS_MAX, max(_POOL_CALLS_MIN, _POOL_ROWS // rows))
        drawn = subject.draw(count * rows, seed)
        self.blocks = drawn.reshape(count, rows, subject.features)
        self.calls = Calls(
            self._form.path, [self._form.encode(subject, block) for block in self.blocks]
        )
        self._expected = subject.scores(drawn).reshape(count, rows)

    def check(self, replies: Sequence[tuple[int, bytes]]) -> float:
        """The largest difference of any score in `replies` (pool index, message) from the truth.

        Raises:
            WrongAnswerError: A reply has other scores, or another number of them, than its rows.
        """
        worst = 0.0
        for index, message in replies:
            expected = self._expected[index]
            try:
                scores = self._form.scores(message, self._rows)
            except Exception as error:
                raise WrongAnswerError(f"a reply cannot be read: {error}") from error
            if scores.shape != expected.shape:
                raise WrongAnswerError(f"{scores.size} scores for {self._rows} rows")
            error_max = float(np.max(np.abs(scores - expected)))
            if not error_max <= TOLERANCE:
                raise WrongAnswerError(
                    f"row {index} of the pool is off by {error_max:.2g} from onnxruntime"
                )
            worst = max(worst, error_max)
        return worst
