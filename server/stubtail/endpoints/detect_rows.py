"""Rows in a detect request: what a model of anomalies says of them, in columns."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stubtail.endpoints.protobuf import opening, text, varint
from stubtail.endpoints.served import ServedModel
from stubtail.errors import invalid_field
from stubtail.lane.job import Job
from stubtail.models.session import LoadedModel

# DetectResponse and Drivers, field numbers of the .proto file.
MODEL, VERSION, SCORES, P_VALUES, SEVERITIES, FLAGGED, DRIVERS = range(1, 8)
TOP, NAMES, INDEXES, CONTRIBUTIONS, VALUES, LOWER, UPPER = range(1, 8)
FLOAT_BYTES: Final = 4

Floats = NDArray[np.float32]


class Columns(NamedTuple):
    """What the replies of a batch are cut from; drivers are None where nobody asked for them."""

    scores: bytes
    p_values: bytes
    severities: bytes
    flagged: bytes
    indexes: NDArray[np.intp] | None
    drivers: Sequence[Floats]


class DetectEncoder:
    """Replies of Detect for rows.

    Args:
        model: of kind anomaly.
        rate: p-values at most this are flagged.
        top: how many drivers of each row; 0 for none.

    Attributes:
        warns: replies may end with warnings.

    Raises:
        CallError: INVALID_ARGUMENT where the model is no such model, or has fewer features.
    """

    warns = True

    def __init__(self, model: ServedModel, rate: float, top: int) -> None:
        loaded = model.loaded
        manifest = loaded.manifest
        if manifest is None or manifest.anomaly is None or manifest.output is None:
            problem = f"{model.name} is no model of anomalies; call Score instead"
            raise invalid_field("model", problem)
        positions = _positions(loaded)
        names = [feature.name for feature in manifest.features]
        if top > len(names):
            problem = f"must be at most {len(names)}, the number of features, got {top}"
            raise invalid_field("top_features", problem)
        found = manifest.anomaly
        self._score = positions[manifest.output.score]
        self._p_value = positions[found.p_value]
        drivers = (found.contribution, found.taken, found.lower, found.upper)
        self._drivers = [positions[name] for name in drivers]
        self._bounds = np.sort(np.array(found.severities, np.float32))
        self._severities = np.arange(len(self._bounds) + 1, 0, -1, dtype=np.uint8)
        self._rate = np.float32(rate)
        self._top = top
        self._head = text(MODEL, model.name) + text(VERSION, model.version)
        self._names = varint(TOP << 3) + varint(top) + b"".join(text(NAMES, one) for one in names)

    def prepare(self, outputs: Sequence[Any]) -> Columns:
        """The columns of the whole batch."""
        p_values = outputs[self._p_value].ravel()
        # By the number of bounds below: a third of what comparing with each of them takes.
        severities = self._severities[self._bounds.searchsorted(p_values)]
        indexes, drivers = None, []
        if self._top:
            contributions = outputs[self._drivers[0]]
            indexes = np.argsort(-contributions, axis=1, kind="stable")[:, : self._top]
            drivers = [
                np.ascontiguousarray(np.take_along_axis(outputs[at], indexes, axis=1), "<f4")
                for at in self._drivers
            ]
        return Columns(
            outputs[self._score].astype("<f4", copy=False).tobytes(),
            p_values.astype("<f4", copy=False).tobytes(),
            severities.tobytes(),
            (p_values <= self._rate).tobytes(),
            indexes,
            drivers,
        )

    def encode(self, prepared: Columns, first: int, end: int, job: Job) -> bytes:
        """The reply for rows `first` to `end`; raises ValueError where there are fewer."""
        rows = end - first
        scores = prepared.scores[FLOAT_BYTES * first : FLOAT_BYTES * end]
        if len(scores) != FLOAT_BYTES * rows:
            raise ValueError(f"{rows} rows, {len(scores) // FLOAT_BYTES} scores")
        floats = opening(SCORES, FLOAT_BYTES * rows)
        bytes_each = opening(SEVERITIES, rows), opening(FLAGGED, rows)
        return b"".join(
            (
                self._head,
                floats,
                scores,
                opening(P_VALUES, FLOAT_BYTES * rows),
                prepared.p_values[FLOAT_BYTES * first : FLOAT_BYTES * end],
                bytes_each[0],
                prepared.severities[first:end],
                bytes_each[1],
                prepared.flagged[first:end],
                self._driver_field(prepared, first, end),
                job.suffix,
            )
        )

    def _driver_field(self, prepared: Columns, first: int, end: int) -> bytes:
        if prepared.indexes is None:
            return b""
        packed = b"".join([varint(at) for at in prepared.indexes[first:end].ravel().tolist()])
        pieces = [self._names, opening(INDEXES, len(packed)), packed]
        for field, column in zip(
            (CONTRIBUTIONS, VALUES, LOWER, UPPER), prepared.drivers, strict=True
        ):
            raw = column[first:end].tobytes()
            pieces += [opening(field, len(raw)), raw]
        body = b"".join(pieces)
        return opening(DRIVERS, len(body)) + body


def _positions(model: LoadedModel) -> dict[str, int]:
    """Where each output is; raises CallError where one has not one value for each feature."""
    manifest = model.manifest
    assert manifest is not None
    assert manifest.anomaly is not None
    positions = {spec.name: at for at, spec in enumerate(model.signature.outputs)}
    count = len(manifest.features)
    for name in manifest.anomaly.names:
        width = 1 if name == manifest.anomaly.p_value else count
        spec = model.signature.outputs[positions[name]]
        if spec.shape[1:] not in {(width,), () if width == 1 else (width,)}:
            problem = f"{model.name} is no model of anomalies: {name} has shape {list(spec.shape)}"
            raise invalid_field("model", problem)
    return positions
