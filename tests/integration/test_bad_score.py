"""Score with wrong models, rows and values: which field, which row, what was expected."""

import grpc
import numpy as np
import pytest

from stubtail.v1 import scoring_pb2
from tests.integration.calls import (
    SCORE,
    Code,
    dense,
    named,
    refused,
    refused_field,
    score,
)
from tests.integration.customers import Customers

pytestmark = pytest.mark.usefixtures("healthy")

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chrun", 'there is no model "chrun"; did you mean "churn"?'),
        ("Churn", 'there is no model "Churn"; did you mean "churn"?'),
        ("quite-another", 'there is no model "quite-another"'),
        ("../../etc/passwd", 'there is no model "../../etc/passwd"'),
        ("möd€l\n\t\0", 'there is no model "möd€l\n\t\0"'),
    ],
)
def test_an_unknown_model_is_not_found_with_a_suggestion(
    channel: grpc.Channel, name: str, message: str
) -> None:
    """NOT_FOUND with a ResourceInfo, and the nearest name where one is near."""
    found = refused(channel, SCORE, dense(name, [0.0] * 19))

    assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    assert found.resource == ("stubtail.model", name)
    assert found.message == message
    assert found.pushback_ms is None


@pytest.mark.parametrize("version", ["2", "0", "-1", "latest", "1@1"])
def test_an_unknown_version_is_not_found(channel: grpc.Channel, version: str) -> None:
    """NOT_FOUND with the versions that there are."""
    found = refused(channel, SCORE, dense(f"churn@{version}", [0.0] * 19))

    assert (found.code, found.reason) == (Code.NOT_FOUND, "VERSION_NOT_FOUND")
    assert found.resource == ("stubtail.version", f"churn@{version}")
    assert found.message.endswith("versions of churn: 1")


def test_a_model_name_of_megabytes_costs_little(channel: grpc.Channel) -> None:
    """The name comes back shortened, at once."""
    found = refused(channel, SCORE, dense("c" * 4_000_000, [0.0]), timeout=5)

    assert found.code == Code.NOT_FOUND
    assert len(found.message) < 400


@pytest.mark.parametrize("values", [0, 1, 18, 20, 19 * 3 + 1])
def test_a_wrong_number_of_values_is_refused(channel: grpc.Channel, values: int) -> None:
    """Dense values are whole rows, at least one."""
    field, expected = refused_field(channel, SCORE, dense("churn", [0.0] * values))

    assert field == "dense.values"
    assert expected == f"must be 1 to 65536 rows of 19 features, got {values} values"


def test_more_rows_than_allowed_are_refused(channel: grpc.Channel) -> None:
    """The bound holds for dense rows and for named columns."""
    field, expected = refused_field(channel, SCORE, dense("affine", np.zeros((65537, 3))))
    assert (field, "65536" in expected) == ("dense.values", True)

    columns = {"tenure": [1.0] * 65537}
    field, expected = refused_field(channel, SCORE, named("churn", columns))
    assert field == "named.columns[tenure]"
    assert expected == "must have 1 to 65536 values, got 65537"


def test_rows_at_the_bound_are_answered(channel: grpc.Channel) -> None:
    """The bound itself is allowed."""
    rows = np.arange(65536 * 3, dtype=np.float32).reshape(-1, 3)

    reply = score(channel, dense("affine", rows))

    np.testing.assert_array_equal(reply.probabilities, (rows * 2 + 1).ravel())


def test_rows_must_be_there(channel: grpc.Channel) -> None:
    """A request with neither form says which forms there are."""
    request = scoring_pb2.ScoreRequest(model="churn")
    assert refused_field(channel, SCORE, request) == ("rows", "must be set: `named` or `dense`")


def test_an_unknown_priority_is_refused(channel: grpc.Channel) -> None:
    """An enum value from the future is not taken for normal."""
    request = dense("churn", [0.0] * 19)
    request.priority = 9  # type: ignore[assignment]
    assert refused_field(channel, SCORE, request) == ("priority", "must be 0 to 4, got 9")


@pytest.mark.parametrize(
    ("feature", "value", "problem"),
    [
        ("tenure", NAN, "is missing"),
        ("tenure", INF, "must be a finite 32-bit number"),
        ("tenure", -INF, "must be a finite 32-bit number"),
        ("contract", NAN, "is missing"),
        ("contract", 3, "must be a code from 0 to 2"),
        ("contract", -1, "must be a code from 0 to 2"),
        ("contract", 0.5, "must be a code from 0 to 2"),
        ("contract", INF, "must be a code from 0 to 2"),
        ("total_charges", INF, "must be a finite 32-bit number"),
        ("female", INF, "must be a finite 32-bit number"),
    ],
)
@pytest.mark.parametrize("row", [0, 2])
def test_a_forbidden_value_names_its_row_and_feature(
    channel: grpc.Channel, customers: Customers, feature: str, value: float, problem: str, row: int
) -> None:
    """Dense rows are checked cell by cell by the rules of the manifest."""
    rows = customers.rows(3, seed=1)
    rows[row, customers.column(feature)] = value

    field, expected = refused_field(channel, SCORE, dense("churn", rows))

    assert field == f"rows[{row}].{feature}"
    assert expected == problem


def test_a_signalling_nan_is_missing_like_any_other(
    channel: grpc.Channel, customers: Customers
) -> None:
    """The bits of a NaN that no arithmetic produces are refused as well, not a defect."""
    rows = customers.rows(1, seed=1)
    rows.view(np.uint32)[0, customers.column("tenure")] = 0x7FA00000
    request = scoring_pb2.ScoreRequest(model="churn").SerializeToString()
    values = b"\x7a\x4c" + rows.tobytes()
    request += b"\x7a" + bytes([len(values)]) + values

    field, expected = refused_field(channel, SCORE, request)

    assert (field, expected) == ("rows[0].tenure", "is missing")


def test_missing_values_follow_the_manifest(channel: grpc.Channel, customers: Customers) -> None:
    """NaN reaches the graph where it is allowed, and becomes the default where there is one."""
    rows = customers.rows(4, seed=2)
    rows[1, customers.column("total_charges")] = NAN
    rows[2, customers.column("female")] = NAN
    right = rows.copy()
    right[2, customers.column("female")] = 0.0
    expected = customers.scores(right)

    by_name = customers.columns(rows)
    left_out = {name: values for name, values in by_name.items() if name != "female"}
    right[:, customers.column("female")] = 0.0

    answers = [score(channel, dense("churn", rows)), score(channel, named("churn", by_name))]
    for reply in answers:
        np.testing.assert_allclose(reply.scores, expected, atol=1e-6)
    reply = score(channel, named("churn", left_out))
    np.testing.assert_allclose(reply.scores, customers.scores(right), atol=1e-6)
