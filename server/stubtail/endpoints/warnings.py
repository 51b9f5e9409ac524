"""Warnings of a score reply: what was put in the place of values that the model cannot take."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from stubtail.endpoints.protobuf import opening
from stubtail.endpoints.row_rules import Change, ChangedCells, Ends
from stubtail.v1 import scoring_pb2

WARNINGS_MAX = 64  # of one reply
ROWS_SHOWN_MAX = 16  # of one warning
SCORE_WARNINGS = 13  # ScoreResponse.warnings
KINDS = {
    Change.MISSING: scoring_pb2.WARNING_KIND_MISSING_DEFAULTED,
    Change.UNKNOWN: scoring_pb2.WARNING_KIND_UNKNOWN_DEFAULTED,
    Change.CLIPPED: scoring_pb2.WARNING_KIND_CLIPPED,
}


def warnings_by_call(changes: Sequence[ChangedCells], ends: Ends) -> dict[int, bytes]:
    """The field `warnings` of each call of a batch that has any.

    Args:
        changes: what the rules changed in the rows of the batch.
        ends: where the rows of each call end.

    Returns:
        By the position of the call.
    """
    found: dict[int, list[bytes]] = {}
    starts = [0, *ends.tolist()]
    for feature, change, changed in changes:
        calls = np.searchsorted(ends, changed, side="right").tolist()
        rows = changed.tolist()
        first = 0
        while first < len(rows):
            call = calls[first]
            end = bisect_right(calls, call, first)
            warnings = found.setdefault(call, [])
            if len(warnings) < WARNINGS_MAX:
                start = starts[call]
                shown = [row - start for row in rows[first : min(end, first + ROWS_SHOWN_MAX)]]
                warnings.append(_warning(feature, change, end - first, tuple(shown)))
            first = end
    return {call: b"".join(warnings) for call, warnings in found.items()}


@lru_cache(maxsize=4096)  # callers that leave a column out do so in every call
def _warning(feature: str, change: Change, count: int, rows: tuple[int, ...]) -> bytes:
    """One entry of the field."""
    body = scoring_pb2.ScoreWarning(
        feature=feature, kind=KINDS[change], count=count, rows=rows
    ).SerializeToString()
    return opening(SCORE_WARNINGS, len(body)) + body
