"""Bytes of replies to what callers get: protobuf stays behind this module."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from google.protobuf.message import DecodeError

from stubtail.v1 import models_pb2, scoring_pb2
from stubtail_client.detail_replies import array, decode_details, join, join_details
from stubtail_client.errors import malformed_reply
from stubtail_client.models import (
    Feature,
    FeatureType,
    Model,
    ModelSummary,
    OutsideRule,
    ScoredOutput,
    State,
    Tensor,
)
from stubtail_client.options import TIMING_KEY
from stubtail_client.scores import Scores, Timing

SCORE = "ScoringService.Score"
LIST_MODELS = "ModelService.ListModels"
GET_MODEL = "ModelService.GetModel"

_STATES: dict[int, State] = {
    models_pb2.MODEL_STATE_LOADING: "LOADING",
    models_pb2.MODEL_STATE_READY: "READY",
    models_pb2.MODEL_STATE_FAILED: "FAILED",
    models_pb2.MODEL_STATE_UNLOADED: "UNLOADED",
}
_FEATURE_TYPES: dict[int, FeatureType] = {
    models_pb2.FEATURE_TYPE_NUMBER: "number",
    models_pb2.FEATURE_TYPE_CATEGORY: "category",
}
_OUTSIDE_RULES: dict[int, OutsideRule] = {
    models_pb2.OUTSIDE_RULE_UNSPECIFIED: "allow",  # by a server that is older than the rule
    models_pb2.OUTSIDE_RULE_ALLOW: "allow",
    models_pb2.OUTSIDE_RULE_REFUSE: "refuse",
    models_pb2.OUTSIDE_RULE_CLIP: "clip",
}


def decode_scores(reply: bytes, count: int, timing: Timing | None) -> Scores:
    """The answers to `count` rows.

    Raises:
        Internal: the bytes are no ScoreResponse, or do not have one answer for each row.
    """
    return _scores(_score_response(reply), count, timing)


def decode_several(
    reply: bytes, models: Sequence[str], count: int, timing: Timing | None
) -> dict[str, Scores]:
    """The answers of several models to `count` rows, by the names that they were called.

    Raises:
        Internal: the bytes are no ScoreResponse, or do not have one answer for each row and model.
    """
    message = _score_response(reply)
    if len(message.results) != len(models):
        raise malformed_reply(SCORE)
    return {
        model: _scores(result, count, timing)
        for model, result in zip(models, message.results, strict=True)
    }


def _score_response(reply: bytes) -> scoring_pb2.ScoreResponse:
    try:
        return scoring_pb2.ScoreResponse.FromString(reply)
    except DecodeError:
        raise malformed_reply(SCORE) from None


def _scores(message: scoring_pb2.ScoreResponse, count: int, timing: Timing | None) -> Scores:
    try:
        details = vars(decode_details(message, count))
    except ValueError:
        raise malformed_reply(SCORE) from None
    probabilities = None
    if message.probabilities:
        values = array(message.probabilities, np.float32)
        if values.size % count:
            raise malformed_reply(SCORE)
        probabilities = values.reshape(count, -1)
    indexes = message.label_indexes
    answers = Scores(
        model=message.model,
        version=message.version,
        scores=array(message.scores, np.float32),
        classes=tuple(message.classes),
        label_indexes=array(indexes, np.uint32) if indexes else None,
        probabilities=probabilities,
        timing=timing,
        count=count,
        **details,
    )
    if not _is_complete(answers):
        raise malformed_reply(SCORE)
    return answers


def _is_complete(answers: Scores) -> bool:
    """Whether there is one answer for each row, of classes that exist."""
    count = answers.count
    classes = len(answers.classes)
    indexes = answers.label_indexes
    probabilities = answers.probabilities
    scored = len(answers.scores)
    if scored not in (0, count):
        return False
    if indexes is not None:
        last = indexes[0] if count == 1 else indexes.max()  # max() of one costs 3 µs
        if len(indexes) != count or (classes and last >= classes):
            return False
    if probabilities is not None and classes and probabilities.shape[1] != classes:
        return False
    return scored > 0 or indexes is not None or probabilities is not None


def join_scores(parts: Sequence[Scores]) -> Scores:
    """The answers of consecutive parts as one; all parts come from one version."""
    first = parts[0]
    if len(parts) == 1:
        return first
    counts = [part.count for part in parts]
    return Scores(
        model=first.model,
        version=first.version,
        scores=np.concatenate([part.scores for part in parts]),
        classes=first.classes,
        label_indexes=join([part.label_indexes for part in parts]),
        probabilities=join([part.probabilities for part in parts]),
        timing=_join_timings([part.timing for part in parts]),
        count=sum(counts),
        **vars(join_details(parts, [0, *accumulate(counts[:-1])])),
    )


def _join_timings(parts: Sequence[Timing | None]) -> Timing | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    return Timing(
        queue_us=sum(part.queue_us for part in present),
        decode_us=sum(part.decode_us for part in present),
        run_us=sum(part.run_us for part in present),
        encode_us=sum(part.encode_us for part in present),
        batch_rows=max(part.batch_rows for part in present),
    )


def decode_timing(trailing_metadata: Iterable[tuple[str, str | bytes]]) -> Timing | None:
    """The timing in the trailing metadata; None where there is none that can be read."""
    for key, value in trailing_metadata:
        if key == TIMING_KEY and isinstance(value, str):
            pairs = (pair.partition("=") for pair in value.split(";"))
            fields = {name.strip(): number for name, _, number in pairs}
            try:
                return Timing(
                    queue_us=float(fields["queue"]),
                    decode_us=float(fields["decode"]),
                    run_us=float(fields["run"]),
                    encode_us=float(fields["encode"]),
                    batch_rows=int(fields["batch_rows"]),
                )
            except (KeyError, ValueError):
                return None  # how long it took must not cost the answer
    return None


def decode_models(reply: bytes) -> list[ModelSummary]:
    """All known versions.

    Raises:
        Internal: the bytes are no ListModelsResponse.
    """
    try:
        message = models_pb2.ListModelsResponse.FromString(reply)
    except DecodeError:
        raise malformed_reply(LIST_MODELS) from None
    return [_summary(model) for model in message.models]


def decode_model(reply: bytes) -> Model:
    """One version in full.

    Raises:
        Internal: the bytes are no GetModelResponse.
    """
    try:
        message = models_pb2.GetModelResponse.FromString(reply)
    except DecodeError:
        raise malformed_reply(GET_MODEL) from None
    return Model(
        summary=_summary(message.summary),
        inputs=_tensors(message.inputs),
        outputs=_tensors(message.outputs),
        features=tuple(_feature(feature) for feature in message.features),
        classes=tuple(message.classes),
        threshold=message.threshold,
        sha256=message.sha256,
        manifest_json=message.manifest_json,
        run_fixed_us=message.run_fixed_us,
        run_per_row_us=message.run_per_row_us,
        scored_outputs=tuple(_scored_output(output) for output in message.scored_outputs),
        explained_by=tuple(message.explained_by),
    )


def _scored_output(message: models_pb2.ScoredOutput) -> ScoredOutput:
    return ScoredOutput(
        name=message.name,
        meaning=message.meaning,
        unit=message.unit,
        levels=tuple(message.levels),
        level_thresholds=tuple(message.level_thresholds),
        coverages=tuple(message.coverages),
    )


def _summary(message: models_pb2.ModelSummary) -> ModelSummary:
    return ModelSummary(
        name=message.name,
        version=message.version,
        state=_STATES.get(message.state, "UNKNOWN"),
        reason=message.reason,
        live=message.live,
        kind=message.kind,
        description=message.description,
    )


def _tensors(messages: Iterable[models_pb2.TensorSpec]) -> tuple[Tensor, ...]:
    return tuple(Tensor(spec.name, spec.datatype, tuple(spec.shape)) for spec in messages)


def _feature(message: models_pb2.Feature) -> Feature:
    return Feature(
        name=message.name,
        type=_FEATURE_TYPES.get(message.type, "unknown"),
        categories=tuple(message.categories),
        optional=message.optional,
        minimum=message.minimum if message.HasField("minimum") else None,
        maximum=message.maximum if message.HasField("maximum") else None,
        description=message.description,
        outside=_OUTSIDE_RULES.get(message.outside, "unknown"),
    )
