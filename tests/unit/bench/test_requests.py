"""Requests: what the server describes is what it is sent, with different rows and real ones."""

from pathlib import Path

import numpy as np
import pytest

from stubtail.oip import inference_pb2
from stubtail.v1 import common_pb2, scoring_pb2
from stubtail_bench import served
from stubtail_bench.door import Door
from stubtail_bench.errors import LoadError
from stubtail_bench.requests import make_pool, wrong_replies
from stubtail_bench.served import Feature, Served, Tensor, parse_tensor
from stubtail_bench.workload import CallSpec

FEATURES = (Feature("age", (), 18.0, 90.0), Feature("plan", ("basic", "plus"), 0.0, 1.0))
MODEL = Served("m", (Tensor("x", "FP32", (-1, 2)),), FEATURES)


def rng() -> np.random.Generator:
    """Seeded."""
    return np.random.default_rng(9)


def infer_rows(message: bytes) -> np.ndarray:
    """The table of a ModelInfer request."""
    request = inference_pb2.ModelInferRequest.FromString(message)
    shape = list(request.inputs[0].shape)
    return np.frombuffer(request.raw_input_contents[0], np.float32).reshape(shape)


def test_rows_are_different_and_in_range():
    """4,096 calls of one row each, with whole codes for categories."""
    pool = make_pool(CallSpec("m"), MODEL, rng())
    rows = np.concatenate([infer_rows(message) for message in pool.kind.messages])
    assert len(np.unique(rows, axis=0)) == len(rows) == pool.different_rows == 4_096
    assert 18 <= rows[:, 0].min() < 20
    assert 88 < rows[:, 0].max() <= 90
    assert set(rows[:, 1]) == {0.0, 1.0}


def test_rows_per_call_are_drawn_evenly():
    """From the lowest to the highest, and the kind knows each."""
    pool = make_pool(CallSpec("m", rows=(2, 5)), MODEL, rng())
    sizes = [len(infer_rows(message)) for message in pool.kind.messages]
    assert sizes == list(pool.kind.rows)
    assert set(sizes) == {2, 3, 4, 5}


def test_score_forms_and_priorities():
    """Names and strings in one form, numbers in the other, the priority in both."""
    named = make_pool(CallSpec("m", form="named", rows=(3, 3), priority="high"), MODEL, rng())
    request = scoring_pb2.ScoreRequest.FromString(named.kind.messages[0])
    assert [column.name for column in request.named.columns] == ["age", "plan"]
    assert set(request.named.columns[1].strings) <= {"basic", "plus"}
    assert request.priority == common_pb2.PRIORITY_HIGH
    dense = make_pool(CallSpec("m", form="dense", rows=(3, 3)), MODEL, rng())
    request = scoring_pb2.ScoreRequest.FromString(dense.kind.messages[0])
    assert len(request.dense.values) == 6
    infer = make_pool(CallSpec("m", priority="low"), MODEL, rng()).kind.messages[0]
    parameters = inference_pb2.ModelInferRequest.FromString(infer).parameters
    assert parameters["priority"].int64_param == 4


def test_real_rows_come_from_their_file(tmp_path: Path):
    """Columns by name in any order, categories as codes, an empty number as missing."""
    path = tmp_path / "rows.csv"
    path.write_text("plan,note,age\nplus,x,30\nbasic,y,\n")
    pool = make_pool(CallSpec("m", rows=(2, 2), rows_file=path), MODEL, rng())
    assert pool.different_rows == 2
    rows = infer_rows(pool.kind.messages[0])
    assert sorted(rows[:, 1].tolist()) == [0.0, 1.0]
    assert np.isnan(rows[rows[:, 1] == 0, 0]).all()
    assert rows[rows[:, 1] == 1, 0].tolist() == [30.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age\n3\n", "lacks plan"),
        ("age,plan\n", "has no rows"),
        ("age,plan\n3,gold\n", "row 1: plan cannot be read"),
        ("age,plan\nold,plus\n", "row 1: age cannot be read"),
        ("age,plan\n3\n", "row 1: plan cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(text: str, told: str, tmp_path: Path):
    """With the row and the column."""
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(LoadError, match=told):
        make_pool(CallSpec("m", rows_file=path), MODEL, rng())


def test_any_tensor_gets_contents_of_its_size():
    """Types, fixed batches, free dimensions and strings of other servers' models."""
    tensors = (
        Tensor("ids", "INT64", (4, -1)),
        Tensor("mask", "BOOL", (4, -1)),
        Tensor("image", "FP16", (4, 3, 8, 8)),
        Tensor("words", "BYTES", (4, 1)),
    )
    served = Served("m", tensors, ())
    spec = CallSpec("m", free_dimension=16, value_range=(0, 50))
    message = make_pool(spec, served, rng()).kind.messages[0]
    request = inference_pb2.ModelInferRequest.FromString(message)
    assert [list(one.shape) for one in request.inputs] == [[4, 16], [4, 16], [4, 3, 8, 8], [4, 1]]
    sizes = [len(content) for content in request.raw_input_contents]
    assert sizes == [4 * 16 * 8, 4 * 16, 4 * 3 * 64 * 2, 4 * (4 + 8)]
    ids = np.frombuffer(request.raw_input_contents[0], np.int64)
    assert ids.min() >= 0
    assert ids.max() <= 50
    assert len(set(ids.tolist())) > 10


def test_what_cannot_be_called_is_refused():
    """A type that is not known, and Score where the server tells no features."""
    with pytest.raises(LoadError, match="type BF16"):
        make_pool(CallSpec("m"), Served("m", (Tensor("x", "BF16", (-1, 2)),), ()), rng())
    with pytest.raises(LoadError, match="tells no features"):
        make_pool(CallSpec("m", form="dense"), Served("m", MODEL.inputs, ()), rng())


def test_replies_with_other_rows_are_noticed():
    """Too few rows, no output, or no message at all."""
    kinds = [make_pool(CallSpec("m", rows=(2, 2)), MODEL, rng()).kind]
    kinds.append(make_pool(CallSpec("m", form="dense", rows=(2, 2)), MODEL, rng()).kind)
    first_dense = len(kinds[0].messages)

    def infer(rows: int) -> bytes:
        reply = inference_pb2.ModelInferResponse(model_name="m")
        reply.outputs.add(name="y", datatype="FP32", shape=[rows, 1])
        return bytes(reply.SerializeToString())

    def score(count: int) -> bytes:
        return scoring_pb2.ScoreResponse(scores=[0.5] * count).SerializeToString()

    right = [(0, infer(2)), (first_dense, score(2)), (first_dense + 1, score(4))]
    assert wrong_replies(kinds, right) == 0
    wrong = [(0, infer(1)), (0, b""), (0, b"\xff"), (first_dense, score(1)), (first_dense, b"")]
    assert wrong_replies(kinds, right + wrong) == len(wrong)


def test_inputs_that_a_server_does_not_tell_can_be_named():
    """As a call of the workload names them: name, type, sizes."""
    assert parse_tensor("x:FP32:-1,30") == Tensor("x", "FP32", (-1, 30))
    assert parse_tensor("scope:0:INT64:4") == Tensor("scope:0", "INT64", (4,))
    for wrong in ("x", "x:FP32", "x:FP32:", ":FP32:1", "x:FP32:a", "x:FP32:0,3", "x:FP32:-2"):
        with pytest.raises(LoadError, match="NAME:TYPE:SIZE"):
            parse_tensor(wrong)


@pytest.mark.parametrize(("tls", "doubt"), [(False, "does it want --tls"), (True, "trust each")])
def test_who_gets_no_answer_is_told_what_may_be_wrong(
    tls: bool, doubt: str, monkeypatch: pytest.MonkeyPatch
):
    """TLS is no advice for somebody who has asked for it."""
    monkeypatch.setattr(served, "_ASK_S", 0.05)
    with pytest.raises(LoadError, match=doubt):
        served.describe("127.0.0.1:1", ["m"], Door(tls=tls))


@pytest.mark.parametrize(
    ("shapes", "sent", "batched"),
    [
        ([(-1, 3), (1,), ()], [[5, 3], [1], []], True),
        ([(4,), (8,)], [[4], [8]], False),
        ([(4,)], [[4]], False),
        ([(8, 3)], [[8, 3]], True),
    ],
)
def test_sizes_that_a_model_fixes_are_kept(
    shapes: list[tuple[int, ...]], sent: list[list[int]], batched: bool
):
    """Each tensor has its own, and only where there are rows must the replies have them."""
    inputs = tuple(Tensor(f"x{at}", "FP32", shape) for at, shape in enumerate(shapes))
    kind = make_pool(CallSpec("m", rows=(5, 5)), Served("m", inputs, ()), rng()).kind
    request = inference_pb2.ModelInferRequest.FromString(kind.messages[0])
    assert [list(one.shape) for one in request.inputs] == sent
    sizes = [4 * int(np.prod(shape)) for shape in sent]
    assert [len(content) for content in request.raw_input_contents] == sizes
    reply = inference_pb2.ModelInferResponse(model_name="m")
    assert wrong_replies([kind], [(0, reply.SerializeToString())]) == 1, "there is no output"
    reply.outputs.add(name="y", datatype="FP32", shape=[2])
    assert wrong_replies([kind], [(0, reply.SerializeToString())]) == batched
