"""Pools of rows: different, valid for the model, and compared with onnxruntime's own scores."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import WrongAnswerError
from benchmarks.micro import time_step
from benchmarks.rows import FORMS, Pool, Subject
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2

CHURN = Path(__file__).parents[3] / "exported_models" / "churn"


@pytest.fixture(scope="module")
def subject() -> Subject:
    """The shipped model."""
    return Subject(CHURN)


@pytest.fixture(scope="module")
def pool(subject: Subject) -> Pool:
    """Calls of 256 rows: the smallest pool."""
    return Pool(subject, "infer", 256, seed=1)


def reply(scores: np.ndarray) -> bytes:
    """A ModelInferResponse with these scores."""
    message = inference_pb2.ModelInferResponse(model_name="churn", model_version="1")
    message.outputs.add(name="score", datatype="FP32").shape.extend((len(scores), 1))
    message.raw_output_contents.append(scores.astype(np.float32).tobytes())
    return message.SerializeToString()


def test_rows_are_different_and_within_the_manifest(subject: Subject):
    """A load of equal rows would flatter every tree model."""
    rows = subject.draw(5_000, seed=3)
    assert rows.dtype == np.float32
    assert len(np.unique(rows, axis=0)) == 5_000
    assert subject.manifest is not None
    for column, feature in enumerate(subject.manifest.features):
        if feature.type == "category":
            assert set(np.unique(rows[:, column])) <= set(range(len(feature.categories)))
        else:
            assert rows[:, column].min() >= feature.minimum
            assert rows[:, column].max() <= feature.maximum


def test_the_same_seed_gives_the_same_rows(subject: Subject):
    """A run can be repeated."""
    assert np.array_equal(subject.draw(10, seed=3), subject.draw(10, seed=3))
    assert not np.array_equal(subject.draw(10, seed=3), subject.draw(10, seed=4))


def test_every_form_says_the_same_rows(subject: Subject):
    """Dense, named and tensor requests of a block carry the same values."""
    rows = subject.draw(2, seed=5)
    infer = inference_pb2.ModelInferRequest.FromString(FORMS["infer"].encode(subject, rows))
    dense = scoring_pb2.ScoreRequest.FromString(FORMS["dense"].encode(subject, rows)).dense
    named = scoring_pb2.ScoreRequest.FromString(FORMS["named"].encode(subject, rows)).named
    assert infer.raw_input_contents[0] == rows.tobytes()
    assert np.array_equal(np.array(dense.values, np.float32), rows.ravel())
    assert subject.manifest is not None
    for column, feature in enumerate(subject.manifest.features):
        sent = named.columns[column]
        assert sent.name == feature.name
        values = [feature.categories.index(text) for text in sent.strings] or sent.numbers
        assert np.array_equal(np.array(values, np.float32), rows[:, column])


def test_right_answers_pass_and_wrong_ones_have_no_figures(subject: Subject, pool: Pool):
    """Another row's score, a missing score and garbage are all found."""
    right = subject.scores(pool.blocks[3])
    assert pool.check([(3, reply(right))]) == 0.0
    with pytest.raises(WrongAnswerError, match="off by"):
        pool.check([(4, reply(right))])
    with pytest.raises(WrongAnswerError, match="cannot be read"):
        pool.check([(3, reply(right[:-1]))])
    with pytest.raises(WrongAnswerError, match="cannot be read"):
        pool.check([(3, b"\xff\xff")])
    with pytest.raises(WrongAnswerError, match="off by"):
        pool.check([(3, reply(np.full(256, np.nan)))])


def test_the_time_of_a_step_is_given_for_each_call_of_it():
    """A step of 1,000 calls costs a thousandth for each."""
    spread = time_step(lambda: sum(range(1000)), 1000, seconds=0.001, repeat=3)
    assert 0 < spread.low <= spread.median <= spread.high < 10
