"""Replies put together from a constant head and the bytes of the tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stubtail.endpoints.protobuf import opening, text, varint
from stubtail.endpoints.tensors import bytes_elements, tensor_bytes
from stubtail.lane.job import Job
from stubtail.models.session import LoadedModel
from stubtail.models.signature import TensorSpec

Shapes = tuple[tuple[int, ...], ...]

HEADS_MAX = 1024  # heads by number of rows; a few hundred bytes each

# ModelInferResponse and ScoreResponse, field numbers of the .proto files.
OIP_MODEL_NAME, OIP_MODEL_VERSION, OIP_ID, OIP_OUTPUTS, OIP_RAW = 1, 2, 3, 5, 6
TENSOR_NAME, TENSOR_DATATYPE, TENSOR_SHAPE = 1, 2, 3
SCORE_MODEL, SCORE_VERSION, SCORE_SCORES = 1, 2, 3
SCORE_CLASSES, SCORE_PROBABILITIES, SCORE_LABELS = 4, 5, 6


class InferEncoder:
    """Open Inference Protocol replies: always raw, as tritonclient reads nothing else.

    Args:
        model: what answers.
        outputs: positions of the wanted outputs in the signature.
    """

    def __init__(self, model: LoadedModel, outputs: tuple[int, ...]) -> None:
        self._outputs = outputs
        self._specs = [model.signature.outputs[index] for index in outputs]
        self._fixed = not any(spec.dtype.hasobject for spec in self._specs)
        self._names = text(OIP_MODEL_NAME, model.name) + text(OIP_MODEL_VERSION, model.version)
        self._heads: dict[tuple[int, Shapes], list[bytes]] = {}

    def prepare(self, outputs: Sequence[Any]) -> "InferOutputs":
        """The bytes of the wanted outputs, once for the batch."""
        return InferOutputs([outputs[index] for index in self._outputs], fixed=self._fixed)

    def encode(self, prepared: "InferOutputs", first: int, end: int, job: Job) -> bytes:
        """The reply with rows `first` to `end` of every wanted output, and the call's id."""
        rows = end - first
        shapes, widths, data = prepared.shapes, prepared.widths, prepared.data
        if not prepared.fixed:
            raws = [
                part[first * width : end * width] if width else bytes_elements(part[first:end])
                for width, part in zip(widths, data, strict=True)
            ]
            head = self._make_head(rows, shapes, [len(raw) for raw in raws])
        else:
            head = self._heads.get((rows, shapes)) or self._keep_head(rows, shapes, widths)
            if len(data) == 1:
                width = widths[0]
                return b"".join((head[0], data[0][first * width : end * width], job.suffix))
            raws = [
                part[first * width : end * width] for width, part in zip(widths, data, strict=True)
            ]
        pieces = [piece for pair in zip(head, raws, strict=True) for piece in pair]
        pieces.append(job.suffix)
        return b"".join(pieces)

    def _keep_head(self, rows: int, shapes: Shapes, widths: Sequence[int]) -> list[bytes]:
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        head = self._make_head(rows, shapes, [rows * width for width in widths])
        self._heads[rows, shapes] = head
        return head

    def _make_head(self, rows: int, shapes: Shapes, sizes: Sequence[int]) -> list[bytes]:
        """What stands before each output's bytes; the first piece also has the metadata."""
        metadata = b"".join(
            _output_tensor(spec, (rows, *shape))
            for spec, shape in zip(self._specs, shapes, strict=True)
        )
        head = [opening(OIP_RAW, size) for size in sizes]
        head[0] = self._names + metadata + head[0]
        return head


class InferOutputs:
    """The wanted outputs of a batch, ready to be cut into replies.

    Attributes:
        shapes: the shape of one row of each output.
        widths: the bytes of one row of each output; 0 for strings, which have no fixed width.
        data: all bytes of each output; the array itself for strings.
        fixed: no output has strings.
    """

    __slots__ = ("data", "fixed", "shapes", "widths")

    def __init__(self, outputs: Sequence[Any], *, fixed: bool) -> None:
        self.fixed = fixed
        self.shapes: Shapes = tuple([array.shape[1:] for array in outputs])
        if fixed:
            self.data: list[Any] = [array.tobytes() for array in outputs]
            rows = max(len(outputs[0]), 1)
            self.widths = [len(data) // rows for data in self.data]
        else:
            self.data = [array if _has_strings(array) else array.tobytes() for array in outputs]
            self.widths = [0 if _has_strings(a) else a.nbytes // max(len(a), 1) for a in outputs]


class SoloInferEncoder:
    """The same replies where each call has its own run: outputs as they are, of any shape.

    Such a graph may sum its rows up, drop some, or return a single number.
    """

    def __init__(self, model: LoadedModel, outputs: tuple[int, ...]) -> None:
        self._outputs = outputs
        self._specs = [model.signature.outputs[index] for index in outputs]
        self._names = text(OIP_MODEL_NAME, model.name) + text(OIP_MODEL_VERSION, model.version)

    def prepare(self, outputs: Sequence[Any]) -> list[Any]:
        """The wanted outputs."""
        return [np.asarray(outputs[index]) for index in self._outputs]

    def encode(self, prepared: list[Any], first: int, end: int, job: Job) -> bytes:  # noqa: ARG002
        """The reply with all of every wanted output, and the call's id."""
        raws = [
            bytes_elements(array) if _has_strings(array) else array.tobytes() for array in prepared
        ]
        pieces = [
            self._names,
            *(_output_tensor(s, a.shape) for s, a in zip(self._specs, prepared, strict=True)),
            *(opening(OIP_RAW, len(raw)) + raw for raw in raws),
            job.suffix,
        ]
        return b"".join(pieces)


def _has_strings(array: Any) -> bool:
    return bool(array.dtype.hasobject)


def _output_tensor(spec: TensorSpec, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(varint(size) for size in shape)
    body = (
        text(TENSOR_NAME, spec.name)
        + text(TENSOR_DATATYPE, spec.datatype)
        + opening(TENSOR_SHAPE, len(dimensions))
        + dimensions
    )
    return opening(OIP_OUTPUTS, len(body)) + body


class ScoreEncoder:
    """Replies of ScoringService.Score: columns of scores, probabilities and labels.

    Args:
        model: what answers.
        columns: where its scores, probabilities and labels are among the outputs.

    Attributes:
        warns: replies may end with warnings.
    """

    warns = True

    def __init__(self, model: LoadedModel, columns: "ScoreColumns") -> None:
        self._columns = columns
        self._names = text(SCORE_MODEL, model.name) + text(SCORE_VERSION, model.version)
        self._classes = b"".join(text(SCORE_CLASSES, name) for name in columns.classes)
        self._heads: dict[int, tuple[bytes, bytes]] = {}

    def prepare(self, outputs: Sequence[Any]) -> tuple[bytes, bytes, int, Any]:
        """Bytes of the scores and of the probabilities, number of classes, and the labels.

        Labels are bytes, one for each row, where 128 classes or fewer make that exact.
        """
        columns = self._columns
        scores = probabilities = b""
        labels: Any = b""
        classes = 0
        values = None
        if columns.probabilities is not None:
            matrix = outputs[columns.probabilities]
            classes = matrix.shape[1]
            probabilities = tensor_bytes(matrix, np.dtype("<f4"))
            values = matrix[:, 1] if classes == 2 else None
            labels = _label_bytes(matrix.argmax(axis=1), classes)
        elif columns.score is not None:
            values = outputs[columns.score]
        if values is not None:
            scores = tensor_bytes(values, np.dtype("<f4"))
            if columns.threshold is not None:
                labels = (np.frombuffer(scores, "<f4") >= columns.threshold).tobytes()
        return scores, probabilities, classes, labels

    def encode(
        self, prepared: tuple[bytes, bytes, int, Any], first: int, end: int, job: Job
    ) -> bytes:
        """The reply with rows `first` to `end` of every column; raises ValueError for fewer."""
        scores, probabilities, classes, labels = prepared
        rows = end - first
        part = scores[4 * first : 4 * end]
        if len(part) != 4 * rows and scores:
            raise ValueError(f"{rows} rows, {len(part) // 4} scores")
        if not classes and isinstance(labels, bytes):
            pieces = self._heads.get(rows) or self._make_head(rows, bool(labels))
            return b"".join((pieces[0], part, pieces[1], labels[first:end], job.suffix))
        reply = [self._names]
        if scores:
            reply += [opening(SCORE_SCORES, 4 * rows), part]
        reply.append(self._classes)
        part = probabilities[4 * classes * first : 4 * classes * end]
        reply += [opening(SCORE_PROBABILITIES, len(part)), part]
        packed = labels[first:end]
        if not isinstance(packed, bytes):
            packed = b"".join([varint(label) for label in packed])
        reply += [opening(SCORE_LABELS, len(packed)), packed, job.suffix]
        return b"".join(reply)

    def _make_head(self, rows: int, labelled: bool) -> tuple[bytes, bytes]:
        middle = self._classes + (opening(SCORE_LABELS, rows) if labelled else b"")
        pieces = (self._names + opening(SCORE_SCORES, 4 * rows), middle)
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        self._heads[rows] = pieces
        return pieces


class ScoreColumns:
    """Where the parts of a score reply are among a model's outputs.

    With a manifest, its `output` says so. Without one: the first floating-point output decides. One
    value a row is the score; several are the probabilities of as many classes.

    Attributes:
        score: position of the output with one score a row; None without.
        probabilities: position of the output with one value for each class; None without.
        classes: names of the classes; empty when unknown.
        threshold: the score from which a row belongs to the second of two classes; None without.
    """

    __slots__ = ("classes", "probabilities", "score", "threshold")

    def __init__(self, model: LoadedModel) -> None:
        self.score: int | None = None
        self.probabilities: int | None = None
        self.classes: tuple[str, ...] = ()
        self.threshold: float | None = None
        outputs = model.signature.outputs
        output = model.manifest.output if model.manifest else None
        if output is not None:
            self.classes = output.classes
            self.threshold = output.threshold
            candidates = [i for i, spec in enumerate(outputs) if spec.name == output.score]
        else:
            # One value for each row: an output of fixed size says something about all of them.
            rows = [spec.shape[:1] for spec in model.signature.inputs[:1]]
            floats = [i for i, spec in enumerate(outputs) if spec.dtype.kind == "f"]
            candidates = [i for i in floats if [outputs[i].shape[:1]] == rows]
        if not candidates:
            return
        width = outputs[candidates[0]].shape[1:]
        if width in ((), (1,)):
            self.score = candidates[0]
        elif len(width) == 1 and width[0] > 1:
            self.probabilities = candidates[0]

    @property
    def usable(self) -> bool:
        """Whether Score can answer at all with this model."""
        return self.score is not None or self.probabilities is not None


def _label_bytes(labels: Any, classes: int) -> Any:
    """Positions of classes as packed varints of one byte each, or a list when they need more."""
    if classes <= 0x80:  # the largest varint of one byte is 0x7F
        return labels.astype(np.uint8).tobytes()
    return labels.tolist()
