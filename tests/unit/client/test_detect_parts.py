"""Pins how a large input of `detect` is sent in parts, and how their answers become one."""

import numpy as np
import pytest

from stubtail.v1 import anomaly_pb2
from stubtail_client import Internal
from stubtail_client.connection import Settings
from stubtail_client.detect_wire import RowsPlan

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
