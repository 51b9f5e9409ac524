"""Pins what comes with scores: how it is asked for, read, joined and shown."""

import numpy as np
import pytest

from stubtail.v1 import scoring_pb2
from stubtail_client import replies, wire
from stubtail_client.connection import Settings
from stubtail_client.details import Reason
from stubtail_client.errors import Internal, InvalidArgument
from stubtail_client.scoring import ScorePlan, SeveralPlan
from tests.unit.client.detailed import response

SETTINGS = Settings(
    server="localhost:1",
    timeout=1.0,
    connections=1,
    part_rows_max=100,
    part_bytes_max=1 << 20,
    wait_for_ready=True,
    fixed_metadata=(),
)


def request(plan, part=None):
    """The message of the first part, or of another one."""
    return scoring_pb2.ScoreRequest.FromString((part or plan.first()).message)


def decoded(message, rows=2):
    """The answers in a reply."""
    return replies.decode_scores(message.SerializeToString(), rows, None)


def test_a_request_says_what_is_wanted():
    """Before the rows; without it the bytes are those of a plain call."""
    plan = ScorePlan("risk", {"age": 3}, None, SETTINGS, coverage=0.9, explain=5)
    asked = request(plan)
    assert (asked.model, asked.coverage, asked.explain.top) == ("risk", 0.9, 5)
    assert request(ScorePlan("risk", {"age": 3}, None, SETTINGS, explain=0)).HasField("explain")
    plain = request(ScorePlan("risk", {"age": 3}, None, SETTINGS))
    assert not plain.HasField("explain")
    assert plain.coverage == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"coverage": 0}, "coverage"),
        ({"coverage": 1}, "coverage"),
        ({"coverage": "0.9"}, "coverage"),
        ({"coverage": float("nan")}, "coverage"),
        ({"coverage": []}, "coverage"),
        ({"explain": -1}, "explain"),
        ({"explain": 2.0}, "explain"),
        ({"explain": True}, "explain"),
        ({"explain": []}, "explain"),
    ],
)
def test_what_cannot_be_asked(options, word):
    """Is refused before anything is sent, also after its equal was sent."""
    ScorePlan("risk", {"age": 3}, None, SETTINGS, explain=1)
    with pytest.raises(InvalidArgument, match=word):
        ScorePlan("risk", {"age": 3}, None, SETTINGS, **options)


@pytest.mark.parametrize("models", [[], ["a", "a"], ["a"] * 17, [1], [""], [[]]])
def test_models_that_cannot_be_asked(models):
    """None, too many, one twice, and what is no name."""
    with pytest.raises(InvalidArgument, match="model"):
        SeveralPlan(models, {"age": 3}, None, SETTINGS)


def test_explained_rows_go_in_small_parts():
    """A row costs as much as a thousand: the server bounds their number in a call."""
    plan = ScorePlan("risk", np.zeros((10, 3)), None, SETTINGS, explain=2, coverage=0.5)
    assert plan.count == 3
    first = replies.decode_scores(response(4).SerializeToString(), 4, None)
    rest = [request(plan, part) for part in plan.rest(first)]
    assert [(one.model, one.explain.top, one.coverage) for one in rest] == [("risk@3", 2, 0.5)] * 2


def test_everything_is_read():
    """Columns by row, names for positions."""
    scores = decoded(response())
    assert scores.lower is not None
    np.testing.assert_allclose(scores.lower, [-0.1, 0.0], atol=1e-7)
    assert scores.levels == ["high", "high"]
    assert scores.outputs is not None
    days = scores.outputs["days"]
    assert (days.unit, days.levels, days.scores.tolist()) == ("days", ["soon", "soon"], [0.0, 10.0])
    assert scores.reasons is not None
    assert scores.reasons.row(1) == [Reason("debt", 0.5), Reason("age", -0.25)]
    assert (scores.reasons.link, scores.reasons.exact) == ("logit", True)
    assert [(one.feature, one.kind, one.rows) for one in scores.warnings] == [
        ("age", "clipped", (1,))
    ]
    row = scores[1]
    assert (row.level, row.outputs) == ("high", {"days": 10.0})
    assert row.lower == pytest.approx(0.0, abs=1e-7)
    assert row.reasons == (Reason("debt", 0.5), Reason("age", -0.25))
    assert "level='high'" in repr(decoded(response(1), 1))


def test_a_plain_reply_has_no_details():
    """And says so with None."""
    scores = decoded(scoring_pb2.ScoreResponse(model="m", scores=[0.5, 1.0]))
    assert (scores.lower, scores.upper, scores.levels, scores.outputs) == (None,) * 4
    assert (scores.reasons, scores.warnings) == (None, ())
    lone = decoded(scoring_pb2.ScoreResponse(model="m", scores=[0.5]), 1)
    assert "answer=Row(score=0.5, label=None, probabilities=None)" in repr(lone)


def test_parts_become_one():
    """In order; the rows of warnings count from the first of all."""
    scores = replies.join_scores([decoded(response()), decoded(response(3, first=2), 3)])
    assert len(scores) == 5
    assert scores.upper is not None
    np.testing.assert_allclose(scores.upper, np.arange(5) / 10 + 0.1, atol=1e-6)
    assert scores.levels == ["high"] * 5
    assert scores.outputs is not None
    np.testing.assert_allclose(scores.outputs["days"].scores, np.arange(5) * 10, atol=1e-5)
    assert scores.reasons is not None
    assert scores.reasons.contributions.shape == (5, 2)
    assert scores.reasons.rest.shape == (5,)
    (warning,) = scores.warnings
    assert (warning.count, warning.rows) == (2, (1, 4))


def test_a_frame_has_a_column_for_each():
    """Outputs by their names."""
    frame = decoded(response()).to_frame()
    assert list(frame.columns) == [
        *("score", "label", "lower", "upper", "level"),
        *("days", "days_lower", "days_upper", "days_level"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lower": [0.1]},
        {"level_indexes": [0, 2]},
        {"level_indexes": [0]},
        {"outputs": [scoring_pb2.ScoreOutput(name="a")]},
        {"outputs": [scoring_pb2.ScoreOutput(name="a", values=[1.0])]},
        {"explanation": scoring_pb2.Explanation(top=2)},
        {"explanation": scoring_pb2.Explanation(top=1, names=["a"], name_indexes=[0, 1])},
    ],
)
def test_replies_that_do_not_fit_their_rows(wrong):
    """Are no answers."""
    with pytest.raises(Internal):
        decoded(response(**wrong))


def test_several_models_are_read_by_their_names():
    """As they were asked for; the other parts ask for the versions that answered."""
    plan = SeveralPlan(["risk", "days@2"], np.zeros((150, 3)), "high", SETTINGS, coverage=0.9)
    asked = request(plan)
    assert (list(asked.models), asked.model, asked.coverage) == (["risk", "days@2"], "", 0.9)
    first = scoring_pb2.ScoreResponse(results=[response(100), response(100)])
    answers = plan.decode(plan.first(), first.SerializeToString(), ())
    assert list(answers) == ["risk", "days@2"]
    (part,) = plan.rest(answers)
    assert list(request(plan, part).models) == ["risk@3", "days@2"]
    second = scoring_pb2.ScoreResponse(results=[response(50), response(50)])
    joined = plan.join([answers, plan.decode(part, second.SerializeToString(), ())])
    assert [len(one) for one in joined.values()] == [150, 150]
    lone = scoring_pb2.ScoreResponse(results=[response(100)])
    with pytest.raises(Internal):
        plan.decode(plan.first(), lone.SerializeToString(), ())


def test_heads_are_kept():
    """Few are ever in use; a list of models is one of them."""
    assert wire.head(("a", "b"), None, 0.9) is wire.head(("a", "b"), None, 0.9)
