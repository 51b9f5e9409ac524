"""Score with wrong columns: which one, which row of it, and what to send instead."""

from typing import Any

import grpc
import pytest

from stubtail.v1 import scoring_pb2
from tests.integration.calls import (
    SCORE,
    Code,
    named,
    refused,
    refused_field,
)
from tests.integration.customers import Customers

pytestmark = pytest.mark.usefixtures("healthy")

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        pytest.param(
            {"contract": ["Two years"]},
            "rows[0].contract",
            "'Two years' is not one of 'Month-to-month', 'One year', 'Two year'; "
            "did you mean 'Two year'?",
            id="unknown category",
        ),
        pytest.param({"contract": [""]}, "rows[0].contract", "is missing", id="empty category"),
        pytest.param({"tenure": [NAN]}, "rows[0].tenure", "is missing", id="NaN"),
        pytest.param(
            {"tenure": [INF]}, "rows[0].tenure", "must be a finite 32-bit number", id="infinite"
        ),
        pytest.param(
            {"tenure": [1e300]}, "rows[0].tenure", "must be a finite 32-bit number", id="overflow"
        ),
        pytest.param(
            {"tenure": ["12"]},
            "named.columns[tenure]",
            "is a number and must be sent as numbers",
            id="string for a number",
        ),
        pytest.param(
            {"contract": [1.0]},
            "named.columns[contract]",
            "is a category and must be sent as strings",
            id="number for a category",
        ),
        pytest.param(
            {"tenure": None},
            "named.columns[tenure]",
            "is required and was not sent; missing: tenure",
            id="required column",
        ),
        pytest.param(
            {"tenur": [1.0]},
            "named.columns[tenur]",
            "is not a feature of the model; did you mean 'tenure'?",
            id="misspelt column",
        ),
        pytest.param(
            {"zzz": ["x"]},
            "named.columns[zzz]",
            "is not a feature of the model",
            id="unknown column",
        ),
    ],
)
def test_wrong_columns_are_named(
    channel: grpc.Channel,
    customers: Customers,
    change: dict[str, Any],
    field: str,
    expected: str,
    count: int,
) -> None:
    """For one row and for several, the answer says which column, which row, and what to send."""
    columns = customers.columns(customers.rows(count, seed=3))
    for name, values in change.items():
        if values is None:
            del columns[name]
        else:
            rest = columns.get(name, values * count)[1:]
            alike = isinstance(values[0], str) == isinstance(rest[0] if rest else values[0], str)
            columns[name] = values + (rest if alike else values * (count - 1))

    found_field, found_expected = refused_field(channel, SCORE, named("churn", columns))

    assert found_field == field
    assert found_expected == (expected if "must have" not in expected else found_expected)


@pytest.mark.parametrize("count", [1, 2])
def test_a_column_twice_is_refused(channel: grpc.Channel, customers: Customers, count: int) -> None:
    """The second one does not silently win, whether or not another one is missing."""
    columns = customers.columns(customers.rows(count, seed=4))
    request = named("churn", columns)
    request.named.columns.append(request.named.columns[4])
    field, expected = refused_field(channel, SCORE, request)
    assert field.startswith("named.columns")
    assert "twice" in expected

    del request.named.columns[0]
    field, expected = refused_field(channel, SCORE, request)
    assert "twice" in expected


def test_columns_of_different_lengths_are_refused(
    channel: grpc.Channel, customers: Customers
) -> None:
    """Every column has as many values as the first."""
    columns = customers.columns(customers.rows(3, seed=5))
    columns["tenure"] = columns["tenure"][:2]
    assert refused_field(channel, SCORE, named("churn", columns)) == (
        "named.columns[tenure]",
        "must have 3 values like the others, got 2",
    )
    columns["tenure"] = []
    assert refused_field(channel, SCORE, named("churn", columns))[0] == "named.columns[tenure]"


def test_the_number_of_columns_is_bounded(channel: grpc.Channel) -> None:
    """None is refused, and so are more than 1,024."""
    columns = [scoring_pb2.Column(name=f"c{index}", numbers=[1.0]) for index in range(1025)]
    for some in ([], columns):
        request = scoring_pb2.ScoreRequest(model="churn", named=scoring_pb2.NamedRows(columns=some))
        field, expected = refused_field(channel, SCORE, request)
        assert field == "named.columns"
        assert expected == f"must be 1 to 1024 columns, got {len(some)}"


def test_a_column_that_is_no_message_is_malformed(channel: grpc.Channel) -> None:
    """Columns are read late; what is wrong inside them is found all the same."""
    good = scoring_pb2.Column(name="tenure", numbers=[1.0]).SerializeToString()
    half_a_double = b"\x0a\x06tenure\x12\x04\0\0\0\0"
    for column in (b"\xff", good[:-1], half_a_double, b"\x0a\x02\xff\xfe"):
        rows = b"\x0a" + bytes([len(column)]) + column
        payload = b"\x0a\x05churn\x72" + bytes([len(rows)]) + rows

        found = refused(channel, SCORE, payload)

        assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
