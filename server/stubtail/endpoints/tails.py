"""Proves that a request ends with its rows, so that everything before them may be remembered."""

from collections.abc import Callable

_INVERT = bytes(value ^ 0xFF for value in range(256))


def tail_bytes(payload: bytes, rows: bytes, read_rows: Callable[[bytes], list[bytes]]) -> int:
    """The number of bytes at the end of `payload` that are its rows, or 0.

    That the last bytes look like the rows is no proof: they might be another field with the same
    content. So those bytes are inverted and the request is read again; only if the rows changed
    with them, they are the rows.

    Args:
        payload: a request that has been read.
        rows: the rows that were found in it.
        read_rows: reads the rows of a request, as a list of the chunks that they came in.
    """
    if not rows or not payload.endswith(rows):
        return 0
    inverted = rows.translate(_INVERT)
    probe = payload[: len(payload) - len(rows)] + inverted
    return len(rows) if read_rows(probe) == [inverted] else 0
