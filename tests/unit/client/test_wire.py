"""Pins the hand-made bytes to what the generated protobuf classes produce and read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.v1 import common_pb2, scoring_pb2
from stubtail_client import wire
from stubtail_client.rows import NamedBlock, OneRow, _named_block, read_rows

names = st.text(st.characters(codec="utf-8"), max_size=200)
values = st.one_of(
    st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.text(max_size=300)
).filter(lambda value: not isinstance(value, str) or _is_utf8(value))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(st.integers(0, 2**63))
def test_varint_is_read_back(number):
    """A length is written as protobuf reads it."""
    message = b"\x08" + wire.varint(number & 0x7FFFFFFF)  # a field that protobuf takes as an enum

    common = scoring_pb2.ScoreRequest.FromString(b"\x10" + message[1:])

    assert int(common.priority) == number & 0x7FFFFFFF
    decoded = 0
    for shift, digit in enumerate(wire.varint(number)):
        decoded |= (digit & 0x7F) << (7 * shift)
    assert decoded == number


@given(st.dictionaries(names, values, min_size=1, max_size=30))
def test_one_row_is_the_message_that_protobuf_builds(row):
    """The short way for one dict sends exactly the columns that protobuf would."""
    encoded = wire.one_row(row)
    assert encoded is not None

    request = scoring_pb2.ScoreRequest.FromString(wire.head("churn", "low") + encoded)

    expected = scoring_pb2.ScoreRequest(
        model="churn",
        priority=common_pb2.PRIORITY_LOW,
        named=scoring_pb2.NamedRows(
            columns=[
                scoring_pb2.Column(name=name, strings=[value])
                if isinstance(value, str)
                else scoring_pb2.Column(name=name, numbers=[value])
                for name, value in row.items()
            ]
        ),
    )
    assert request == expected


@given(st.dictionaries(names, values, min_size=1, max_size=30))
def test_short_and_long_way_send_the_same(row):
    """A dict alone and the same dict in a list mean the same request."""
    short = read_rows(row)
    long = _named_block([row])

    assert isinstance(short, OneRow)
    assert isinstance(long, NamedBlock)
    assert scoring_pb2.ScoreRequest.FromString(
        short.encoded(0, 1)
    ) == scoring_pb2.ScoreRequest.FromString(long.encoded(0, 1))


@pytest.mark.parametrize("row", [{}, {"a": None}, {"a": True}, {1: 2.0}, {"a": 10**400}])
def test_short_way_leaves_the_unusual_to_the_long_way(row):
    """What is not a plain float, int or str is not guessed at."""
    assert wire.one_row(row) is None


def test_short_way_keeps_nan():
    """NaN in a dict is sent as NaN: a missing number."""
    encoded = wire.one_row({"a": math.nan})
    assert encoded is not None

    request = scoring_pb2.ScoreRequest.FromString(encoded)

    assert math.isnan(request.named.columns[0].numbers[0])
