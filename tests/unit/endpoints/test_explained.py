"""Score with reasons: contributions that add up, ordered and bounded, and wrong requests."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.shapley import Subsets
from stubtail.v1 import scoring_pb2
from tests import score_models
from tests.unit.endpoints import detailed
from tests.unit.endpoints.detailed import BACKGROUND, ROW
from tests.unit.endpoints.loaded import run_jobs
from tests.unit.endpoints.scored import column, decode, dense, named, refused, reply

ROWS = [ROW, [9.0, 18.0, 2.0, 2.0], [0.0, 99.0, 0.0, 0.0]]
LOGITS = score_models.logits(np.array(ROWS))
WIDE_ROWS = np.random.default_rng(3).normal(size=(3, score_models.WIDE_FEATURES))


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """Score over the models of `detailed`."""
    return detailed.method()


def explained(name: str, rows: Any, top: int = 0, **more: Any) -> bytes:
    """A request for reasons."""
    return dense(name, rows, explain=scoring_pb2.Explain(top=top), **more)


def contributions(answer: Any) -> np.ndarray:
    """[rows, players], in the order of the names."""
    reasons = answer.explanation
    indexes = np.array(reasons.name_indexes).reshape(-1, reasons.top)
    found = np.zeros((len(indexes), len(reasons.names)))
    np.put_along_axis(found, indexes, np.array(reasons.contributions).reshape(indexes.shape), 1)
    return found


def test_reasons_are_shapley_values(method: LaneMethod) -> None:
    """Of the log-odds, as the manifest says, against its background; computed here by hand."""
    answer = reply(decode(method, explained("risk", ROWS)))
    reasons = answer.explanation
    assert list(reasons.names) == list(score_models.FEATURES)
    assert (reasons.top, reasons.link, reasons.exact) == (4, scoring_pb2.LINK_LOGIT, True)
    planner = Subsets(BACKGROUND, np.eye(4, dtype=bool))
    evaluations = planner.plan(np.array(ROWS, np.float32))
    logits = score_models.logits(planner.expand(evaluations))
    expected = planner.contributions(evaluations, logits, score_models.logits(BACKGROUND))
    np.testing.assert_allclose(contributions(answer), expected, atol=2e-5)
    np.testing.assert_allclose(
        reasons.base_value, score_models.logits(BACKGROUND).mean(), atol=1e-5
    )


def test_the_rest_of_the_reply_is_as_without(method: LaneMethod) -> None:
    """Scores, labels, levels and bounds of the rows that were sent, and of no others."""
    answer = reply(decode(method, explained("risk", ROWS, coverage=0.9)))
    plain = reply(decode(method, dense("risk", ROWS, coverage=0.9)))
    answer.ClearField("explanation")
    assert answer == plain


@pytest.mark.parametrize("top", [1, 2, 4])
def test_the_largest_contributions_come_first(method: LaneMethod, top: int) -> None:
    """And what is left out is in the rest, so that all add up."""
    everything = contributions(reply(decode(method, explained("risk", ROWS))))
    reasons = reply(decode(method, explained("risk", ROWS, top))).explanation
    values = np.array(reasons.contributions).reshape(3, top)
    largest = -np.sort(-np.abs(everything), axis=1)[:, :top]
    np.testing.assert_allclose(np.abs(values), largest, atol=1e-6)
    total = reasons.base_value + values.sum(axis=1) + np.array(reasons.rest)
    np.testing.assert_allclose(total, LOGITS, atol=1e-5)


def test_sampled_reasons_add_up_too(method: LaneMethod) -> None:
    """Ten features and a group of two; in the unit of the score."""
    answer = reply(decode(method, explained("wide", WIDE_ROWS)))
    reasons = answer.explanation
    assert list(reasons.names) == [*(f"w{index}" for index in range(10)), "pair"]
    assert (reasons.link, reasons.exact) == (scoring_pb2.LINK_IDENTITY, False)
    total = reasons.base_value + contributions(answer).sum(axis=1)
    np.testing.assert_allclose(total, answer.scores, atol=1e-5)


def test_explained_calls_share_a_batch_and_keep_their_rows(method: LaneMethod) -> None:
    """But never with plain calls, which would wait for a thousand rows."""
    jobs = [decode(method, explained("wide", row)) for row in WIDE_ROWS]
    assert len({id(job.queue) for job in jobs}) == 1
    assert jobs[0].queue is not decode(method, dense("wide", WIDE_ROWS[:1])).queue
    assert all(job.rows > 500 for job in jobs)
    answers = [scoring_pb2.ScoreResponse.FromString(payload) for payload in run_jobs(jobs)]
    for row, answer in zip(WIDE_ROWS, answers, strict=True):
        alone = reply(decode(method, explained("wide", row)))
        assert answer == alone


def test_named_rows_with_warnings(method: LaneMethod) -> None:
    """What was mended is explained as it was mended, and told."""
    columns = [column("amount", 12.0), column("age", 30.0), column("plan", "gold")]
    request = scoring_pb2.ScoreRequest.FromString(named("risk", *columns))
    request.explain.top = 2
    answer = reply(decode(method, request.SerializeToString()))
    assert [one.feature for one in answer.warnings] == ["amount", "note", "plan"]
    mended = reply(decode(method, explained("risk", [[10.0, 30.0, 1.0, 0.0]], 2)))
    assert answer.explanation == mended.explanation


def test_a_row_of_the_background_costs_less(method: LaneMethod) -> None:
    """Where a row has the values of the background, there is nothing to evaluate."""
    background = np.array(score_models.wide_manifest(b"g")["explanation"]["background"])
    other = decode(method, explained("wide", WIDE_ROWS[:1]))
    same = decode(method, explained("wide", background[:1]))
    assert same.rows < other.rows


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (explained("risk", ROWS, 5), "explain.top: must be 0 to 4, as risk has 4 features"),
        (explained("days", ROWS), "explain: days has no background rows to explain against"),
        (explained("ruled", ROWS), "explain: ruled has no background rows"),
        (explained("bare", [[1, 2, 3]]), "explain: bare has no background rows"),
        (explained("risk", [[1, 5, 1, 1]]), "rows[0].age: must be from 18 to 99, got 5"),
        (explained("risk", [ROW, [1, 120, 1, 7]]), "rows[1].age: must be from 18 to 99, got 120"),
        (explained("risk", [[1, 2, 3]]), "dense.values: must be 1 to 100 rows of 4 features"),
        (explained("wide", np.zeros((100, 12))), "explain: wide can be explained for at most"),
    ],
)
def test_wrong_requests(method: LaneMethod, payload: bytes, told: str) -> None:
    """Refused when they arrive, before anything is expanded."""
    code, message = refused(method, payload)
    assert code == "INVALID_ARGUMENT"
    assert told in message
