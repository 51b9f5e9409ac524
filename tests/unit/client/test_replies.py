"""Pins what a reply becomes: scores, labels, probabilities, timing, models, health."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.v1 import models_pb2, scoring_pb2
from stubtail_client import HealthStatus, Internal, NotFound, Row, Timing, health, replies
from stubtail_client.errors import CLASSES

TIMING = Timing(queue_us=12.5, decode_us=3, run_us=100, encode_us=2, batch_rows=4)


def reply(**fields) -> bytes:
    """A ScoreResponse of churn 1."""
    fields = {"model": "churn", "version": "1", **fields}
    return scoring_pb2.ScoreResponse(**fields).SerializeToString()


def binary(*values):
    """The answers of a model of two classes."""
    labels = [int(value >= 0.5) for value in values]
    message = reply(scores=values, classes=["stay", "leave"], label_indexes=labels)
    return replies.decode_scores(message, len(values), None)


def test_binary_classifier():
    """Scores are float32 [N], labels are names."""
    scores = binary(0.25, 0.75)

    assert scores.scores.dtype == np.float32
    assert scores.scores.tolist() == [0.25, 0.75]
    assert scores.labels == ["stay", "leave"]
    assert scores.probabilities is None
    assert (scores.model, scores.version, len(scores)) == ("churn", "1", 2)


def test_rows_of_scores():
    """Indexing and iterating give one answer a row; a negative index counts from the end."""
    scores = binary(0.25, 0.75)

    assert scores[-1] == Row(score=0.75, label="leave", probabilities=None)
    assert [row.label for row in scores] == ["stay", "leave"]
    with pytest.raises(IndexError):
        scores[2]
    with pytest.raises(IndexError):
        scores[-3]


def test_regressor_has_no_labels():
    """A predicted value comes without classes."""
    scores = replies.decode_scores(reply(scores=[12.5]), 1, None)

    assert scores.labels is None
    assert scores[0] == Row(score=12.5, label=None, probabilities=None)
    assert "12.5" in repr(scores)


def test_many_classes():
    """More than two classes have probabilities [N, C] and no score."""
    message = reply(
        classes=["a", "b", "c"], probabilities=[0.5, 0.25, 0.25] * 2, label_indexes=[0, 0]
    )

    scores = replies.decode_scores(message, 2, None)

    assert scores.scores.shape == (0,)
    assert scores.probabilities is not None
    assert scores.probabilities.shape == (2, 3)
    assert scores[1] == Row(None, "a", {"a": 0.5, "b": 0.25, "c": 0.25})


def test_classes_without_names():
    """A model without a manifest has positions in place of names."""
    scores = replies.decode_scores(reply(probabilities=[0.5, 0.5], label_indexes=[1]), 1, None)

    assert scores.labels is None
    assert scores[0].probabilities == {"0": 0.5, "1": 0.5}


def test_frame_has_what_the_model_computes():
    """to_frame has score, label and one column for each class, where there are any."""
    frame = binary(0.25, 0.75).to_frame()
    message = reply(classes=["a", "b"], probabilities=[0.25, 0.75], label_indexes=[1])
    wide = replies.decode_scores(message, 1, None).to_frame()

    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["score", "label"]
    assert list(wide.columns) == ["label", "probability_a", "probability_b"]


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xff\xff",
        reply(),
        reply(scores=[0.5]),
        reply(scores=[0.5, 0.5, 0.5]),
        reply(scores=[0.5, 0.5], label_indexes=[0]),
        reply(scores=[0.5, 0.5], label_indexes=[0, 2], classes=["stay", "leave"]),
        reply(probabilities=[0.5, 0.5, 0.5]),
        reply(probabilities=[0.5, 0.5], classes=["stay", "leave"]),
    ],
)
def test_malformed_reply_is_an_error(message):
    """A reply that has not one answer for each of two rows is never handed out."""
    with pytest.raises(Internal) as caught:
        replies.decode_scores(message, 2, None)

    assert caught.value.reason == "MALFORMED_REPLY"


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.integers(1, 10))
def test_parts_join_to_the_whole(values, size):
    """Answers of parts joined in order are the answers of the whole."""
    parts = [binary(*values[start : start + size]) for start in range(0, len(values), size)]

    whole = replies.join_scores(parts)

    assert whole.scores.tolist() == values
    assert whole.labels == ["leave" if value >= 0.5 else "stay" for value in values]
    assert len(whole) == len(values)


def test_timings_join_to_sums():
    """The timing of a split call is the sum of its parts, and its largest batch."""
    message = reply(scores=[0.5])
    parts = [replies.decode_scores(message, 1, TIMING) for _ in range(3)]

    whole = replies.join_scores(parts)

    assert whole.timing == Timing(37.5, 9, 300, 6, 4)


def test_timing_is_read_and_may_grow():
    """Times that this client does not know are passed over."""
    text = "queue=12.5;decode=3;run=100;encode=2;wire=7;batch_rows=4"

    assert replies.decode_timing([("other", "x"), ("stubtail-timing", text)]) == TIMING


@pytest.mark.parametrize("text", ["", "queue=1", "queue=x;decode=3;run=1;encode=2;batch_rows=4"])
def test_unreadable_timing_is_none(text):
    """How long it took must not cost the answer."""
    assert replies.decode_timing([("stubtail-timing", text)]) is None


def test_model_is_read_whole():
    """GetModel becomes plain dataclasses; what is absent is None."""
    message = models_pb2.GetModelResponse(
        summary=models_pb2.ModelSummary(
            name="churn", version="3", state=models_pb2.MODEL_STATE_READY, live=True
        ),
        inputs=[models_pb2.TensorSpec(name="x", datatype="FP32", shape=[-1, 2])],
        features=[
            models_pb2.Feature(name="a", type=models_pb2.FEATURE_TYPE_NUMBER, minimum=0),
            models_pb2.Feature(
                name="b", type=models_pb2.FEATURE_TYPE_CATEGORY, categories=["x"], optional=True
            ),
        ],
        manifest_json='{"format": 1}',
    )

    model = replies.decode_model(message.SerializeToString())

    assert (model.name, model.version, model.summary.state) == ("churn", "3", "READY")
    assert model.inputs[0].shape == (-1, 2)
    assert (model.features[0].type, model.features[0].minimum) == ("number", 0.0)
    assert model.features[0].maximum is None
    assert (model.features[1].type, model.features[1].categories) == ("category", ("x",))
    assert model.features[1].optional
    assert model.manifest == {"format": 1}


def test_state_of_a_newer_server_is_unknown():
    """An enum value that this client does not know is no failure."""
    message = models_pb2.ListModelsResponse()
    message.models.add(name="x").state = 77  # type: ignore[assignment]

    assert replies.decode_models(message.SerializeToString())[0].state == "UNKNOWN"


def test_malformed_models_are_an_error():
    """Bytes that are no message raise Internal, not a protobuf exception."""
    for decode in (replies.decode_models, replies.decode_model):
        with pytest.raises(Internal):
            decode(b"\xff\xff")


def test_health_messages():
    """Health.Check is one string out, one enum in; 0 is sent as nothing."""
    assert health.encode_check("") == b""
    assert health.encode_check("churn") == b"\x0a\x05churn"
    assert health.decode_check(b"\x08\x01") is HealthStatus.SERVING
    assert health.decode_check(b"") is HealthStatus.UNKNOWN
    for malformed in (b"\x08", b"\x08\x09", b"\x12\x01", b"\x08\x01\x08\x01"):
        with pytest.raises(Internal):
            health.decode_check(malformed)


def test_not_found_is_a_lookup_error():
    """`except LookupError` works for callers that do not import our classes."""
    assert issubclass(NotFound, LookupError)
    assert CLASSES["NOT_FOUND"] is NotFound
