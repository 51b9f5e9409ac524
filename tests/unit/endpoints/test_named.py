"""Pins how named columns become rows, by their bytes and by parsing, and how they are refused."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import (
    ROWS_MAX,
)
from tests.unit.endpoints.scored import (
    GOOD,
    column,
    decode,
    named,
    refused,
    rows_in,
    ruled,
    score_method,
)

NAN = float("nan")


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """Score over all these models."""
    return score_method()


@pytest.mark.parametrize("order", [1, -1])
def test_named_columns_become_rows_in_the_order_of_the_model(
    method: LaneMethod, order: int
) -> None:
    """Categories as their codes, whatever the order of the columns, for one row and for more."""
    items = dict(list(GOOD.items())[::order])
    assert rows_in(decode(method, ruled(items))) == [[30.5, 1, 2, 0]]
    other = {**items, "age": 1.0, "plan": "basic", "colour": "blue"}
    assert rows_in(decode(method, ruled(items, other))) == [[30.5, 1, 2, 0], [1, 0, 2, 1]]


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"charge": NAN}, [30.5, 1, NAN, 0]),
        ({"colour": ""}, [30.5, 1, 2, 1]),
        ({"colour": "green"}, [30.5, 1, 2, 1]),
        ({"age": -0.0}, [0, 1, 2, 0]),
    ],
)
def test_missing_and_unknown_values_follow_their_rules(
    method: LaneMethod, rows: int, change: dict[str, Any], expected: list[float]
) -> None:
    """NaN, the empty string and unknown strings, where the manifest allows them."""
    found = rows_in(decode(method, ruled(*[{**GOOD, **change}] * rows)))
    np.testing.assert_array_equal(found, [expected] * rows)


@pytest.mark.parametrize("rows", [1, 2])
def test_columns_left_out_take_their_defaults(method: LaneMethod, rows: int) -> None:
    """What may be missing may be left out."""
    required = {"plan": "plus", "age": 3.0}
    found = rows_in(decode(method, ruled(*[required] * rows)))
    np.testing.assert_array_equal(found, [[3, 1, NAN, 1]] * rows)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plan": "pro"}, "rows[0].plan: 'pro' is not one of 'basic', 'plus'"),
        (
            {"plan": "plu"},
            "rows[0].plan: 'plu' is not one of 'basic', 'plus'; did you mean 'plus'?",
        ),
        ({"plan": 1.0}, "named.columns[plan]: is a category and must be sent as strings"),
        ({"age": "30"}, "named.columns[age]: is a number and must be sent as numbers"),
        ({"agee": 1.0}, "named.columns[agee]: is not a feature of the model; did you mean 'age'?"),
    ],
)
def test_wrong_columns_are_refused(
    method: LaneMethod, rows: int, change: dict[str, Any], message: str
) -> None:
    """The same words for one row as for several."""
    assert refused(method, ruled(*[{**GOOD, **change}] * rows)) == ("INVALID_ARGUMENT", message)


def test_wrong_sets_of_columns_are_refused(method: LaneMethod) -> None:
    """Missing, twice, of different lengths, none, empty, and too many rows."""
    age, plan = column("age", 1.0), column("plan", "plus")
    assert "named.columns[plan]: is required" in refused(method, named("ruled", age))[1]
    assert "twice" in refused(method, named("ruled", age, plan, age))[1]
    assert "twice" in refused(method, named("ruled", age, age))[1]
    longer = column("plan", "plus", "basic")
    assert (
        "must have 1 values like the others, got 2"
        in refused(method, named("ruled", age, longer))[1]
    )
    assert "must be 1 to 1024 columns, got 0" in refused(method, named("ruled"))[1]
    assert "must have 1 to 100 values, got 0" in refused(method, named("ruled", column("age")))[1]
    many = column("age", *[1.0] * (ROWS_MAX + 1))
    assert "must have 1 to 100 values, got 101" in refused(method, named("ruled", many))[1]


def unpacked(values: list[float], tag: bytes) -> bytes:
    """Doubles as one field each, as no usual encoder writes them."""
    return b"".join(tag + np.float64(value).tobytes() for value in values)


@pytest.mark.parametrize("name", ["ruled", "two"])
def test_numbers_that_are_not_packed_are_read_too(method: LaneMethod, name: str) -> None:
    """Legal protobuf, for models with and without a manifest."""
    if name == "ruled":
        others = [column("plan", "plus", "basic").SerializeToString()]
        numbers = b"\x0a\x03age" + unpacked([1.5, 2.5], b"\x11")
    else:
        others = [c.SerializeToString() for c in (column("n", 1.0, 2.0), column("s", "x", "y"))]
        numbers = b"\x0a\x01a" + unpacked([1.5, 2.5], b"\x11")
    rows = b"".join(b"\x0a" + bytes([len(c)]) + c for c in (numbers, *others))
    head = scoring_pb2.ScoreRequest(model=name).SerializeToString()
    job = decode(method, head + b"\x72" + bytes([len(rows)]) + rows)
    assert job.rows == 2
    first = next(iter(job.queue.model.assemble([job]).values()))
    assert first[:, 0].tolist() == [1.5, 2.5]
