"""Pins how the input of `detect` is sent, a large one in parts, and how answers become one."""

import numpy as np
import pytest

from stubtail.v1 import anomaly_pb2
from stubtail_client import Internal, InvalidArgument
from stubtail_client.connection import Settings
from stubtail_client.detect import detect_series
from stubtail_client.detect_wire import RowsPlan, read_series

SETTINGS = Settings(
    server="x:1",
    timeout=1.0,
    connections=1,
    part_rows_max=2,
    part_bytes_max=1 << 20,
    wait_for_ready=True,
    fixed_metadata=(),
)


def plan(rows: int) -> RowsPlan:
    """A plan of so many rows of two numbers."""
    values: np.ndarray = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    return RowsPlan("odd", values, "high", SETTINGS, false_alarm_rate=0.01, top=0, timeout=None)


def reply(rows: int, version: str = "3") -> anomaly_pb2.DetectResponse:
    """An answer in which the last row has a warning."""
    answer = anomaly_pb2.DetectResponse(model="odd", version=version)
    answer.scores.extend([1.0] * rows)
    answer.p_values.extend([0.5] * rows)
    answer.flagged.extend([False] * rows)
    answer.severities.extend([anomaly_pb2.SEVERITY_LOW] * rows)
    answer.warnings.add(feature="f", kind=1, count=1)
    answer.warnings[0].rows.append(rows - 1)
    return answer


def test_the_other_parts_ask_for_the_version_that_answered_the_first() -> None:
    """One version answers all rows."""
    one = plan(5)
    sent = [one.first(), *one.rest(reply(2))]
    asked = [anomaly_pb2.DetectRequest.FromString(part.message) for part in sent]
    assert [request.model for request in asked] == ["odd", "odd@3", "odd@3"]
    assert [len(request.dense.values) for request in asked] == [4, 4, 2]
    assert all(request.false_alarm_rate == 0.01 for request in asked)


def test_rows_of_warnings_are_those_of_the_whole_input() -> None:
    """Not those of the part."""
    joined = plan(5).join([reply(2), reply(2), reply(1)])
    assert len(joined.scores) == 5
    assert [warning.rows for warning in joined.warnings] == [(1,), (3,), (4,)]


def test_a_reply_must_have_an_answer_for_each_row() -> None:
    """Otherwise something else than stubtail answered."""
    one = plan(2)
    part = one.first()
    assert len(one.decode(part, reply(2).SerializeToString(), ()).scores) == 2
    for wrong in (reply(1).SerializeToString(), b"\xff\xff"):
        with pytest.raises(Internal):
            one.decode(part, wrong, ())


@pytest.mark.parametrize(
    ("series", "options", "field"),
    [
        ({"cpu": ["a"] * 9}, {}, "series 'cpu'"),
        (np.zeros((2, 9)), {}, "series ''"),
        ([1.0] * 9, {"kinds": ["nope"]}, "kinds"),
    ],
    ids=["no numbers", "two rows", "kind"],
)
def test_what_cannot_be_sent_is_named(series, options, field) -> None:
    """As the server names it, so that programs read one form."""
    with pytest.raises(InvalidArgument) as caught:
        detect_series(series, **options)
    assert caught.value.reason == "INVALID_FIELD"
    assert [one.field for one in caught.value.violations] == [field]


@pytest.mark.filterwarnings("error")
def test_times_with_a_zone_are_sent_as_utc() -> None:
    """And without a warning of numpy's, which some programs make errors of."""
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2026-03-29", periods=9, freq="h", tz="Europe/Berlin")
    (sent,) = read_series(pd.Series(np.zeros(9), index=index))
    assert sent.timestamps.tolist() == [one.timestamp() for one in index]
    assert sent.index is index
