"""Pins the head cache: a hit is exact, and the memory is bounded."""

import pytest

from stubtail.endpoints.heads import ENTRIES_MAX, HEAD_BYTES_MAX, HeadCache
from stubtail.endpoints.tails import tail_bytes
from stubtail.v1 import scoring_pb2


def dense(model: str, values: list[float]) -> bytes:
    """A Score request."""
    request = scoring_pb2.ScoreRequest(model=model, dense=scoring_pb2.DenseRows(values=values))
    return request.SerializeToString()


def test_requests_that_differ_in_their_rows_alone_share_a_plan() -> None:
    """The plan of the first comes back with the rows of the second."""
    heads: HeadCache[str] = HeadCache()
    first, second = dense("m", [1, 2]), dense("m", [3, 4])
    heads.remember(first, 8, "plan")

    assert heads.find(first) == ("plan", first[-8:])
    assert heads.find(second) == ("plan", second[-8:])


@pytest.mark.parametrize(
    "other",
    [dense("n", [3, 4]), dense("m", [3, 4, 5]), dense("mm", [3]), b"", b"\0" * 15],
)
def test_any_other_head_is_no_hit(other: bytes) -> None:
    """Another model, another number of rows, the same length by chance."""
    heads: HeadCache[str] = HeadCache()
    heads.remember(dense("m", [1, 2]), 8, "plan")
    assert heads.find(other) is None


def test_heads_of_one_length_with_different_tails_take_turns() -> None:
    """One length has one place for the end of the head: a miss, never a wrong hit."""
    heads: HeadCache[str] = HeadCache()
    heads.remember(b"aaaa-rows", 4, "short")
    heads.remember(b"bb-longer", 6, "long")

    assert heads.find(b"bb-rowwww") == ("long", b"rowwww")
    assert heads.find(b"aaaa-rows") is None
    heads.remember(b"aaaa-rows", 4, "short")
    assert heads.find(b"aaaa-ROWS") == ("short", b"ROWS")


def test_long_heads_are_not_kept() -> None:
    """A head beyond the bound would hold more memory than it saves time."""
    heads: HeadCache[str] = HeadCache()
    for size, kept in ((HEAD_BYTES_MAX, True), (HEAD_BYTES_MAX + 1, False)):
        payload = b"h" * size + b"rows"
        heads.remember(payload, 4, "plan")
        assert (heads.find(payload) is not None) == kept


def test_the_number_of_heads_is_bounded() -> None:
    """Whoever sends ever new heads or lengths costs misses, not memory."""
    for make in (lambda i: b"%08d" % i + b"rows", lambda i: b"head" + b"r" * (i + 1)):
        heads: HeadCache[int] = HeadCache()
        for index in range(ENTRIES_MAX + 10):
            payload = make(index)
            heads.remember(payload, 4 if len(payload) == 12 else index + 1, index)
            assert heads.find(payload) is not None
        assert len(heads._plans) <= ENTRIES_MAX
        assert len(heads._head_bytes) <= ENTRIES_MAX


def test_a_cleared_cache_knows_nothing() -> None:
    """As after a change of the versions that are live."""
    heads: HeadCache[str] = HeadCache()
    heads.remember(b"head-rows", 4, "plan")
    heads.clear()
    assert heads.find(b"head-rows") is None


def rows_of(payload: bytes) -> list[bytes]:
    """Reads a toy format: `<field><length><bytes>`, where the field r has the rows."""
    found = []
    while payload:
        size = payload[1]
        if payload[:1] == b"r":
            found.append(payload[2 : 2 + size])
        payload = payload[2 + size :]
    return found


@pytest.mark.parametrize(
    ("payload", "rows", "expected"),
    [
        pytest.param(b"m\1xr\4ABCD", b"ABCD", 4, id="rows last"),
        pytest.param(b"r\4ABCDm\1x", b"ABCD", 0, id="rows first"),
        pytest.param(b"r\4ABCDm\4ABCD", b"ABCD", 0, id="another field ends alike"),
        pytest.param(b"r\2ABr\2CD", b"ABCD", 0, id="two pieces"),
        pytest.param(b"m\1x", b"", 0, id="no rows"),
    ],
)
def test_the_tail_is_what_changes_the_rows(payload: bytes, rows: bytes, expected: int) -> None:
    """That the last bytes look like the rows is not enough: they must be the rows."""
    assert tail_bytes(payload, rows, rows_of) == expected
