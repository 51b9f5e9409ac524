"""What the calls of the proxy took, added up by operation and by the name that they asked for."""

from collections.abc import Iterable

from stubtail.metrics.llm import (
    CHUNK_EDGES_S,
    DURATION_EDGES_S,
    FIRST_EDGES_S,
    OPERATIONS,
    CallNumbers,
    Spread,
)
from stubtail.v1 import llm_pb2


class CallBook:
    """Adds up calls. Names that are not in the settings were refused, and are not counted.

    Args:
        names: all that may be asked for.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._of = {(one, name): _Sums() for name in names for one in OPERATIONS}

    def note(self, operation: str, asked: str, seconds: float, end: llm_pb2.ChatEnd | None) -> None:
        """A call took so long; `end` is how it ended, None where nothing was told of it."""
        sums = self._of.get((operation, asked))
        if sums is None:
            return
        sums.duration.add(seconds)
        if end is None:
            return
        sums.failovers += max(0, len(end.attempts) - 1)
        timing, usage = end.timing, end.usage
        if usage.source == llm_pb2.Usage.SOURCE_PARTIAL or not end.attempts:
            return  # incomplete, or from a cache
        first_s = (timing.before_us + timing.first_token_us) / 1e6
        sums.first.add(first_s)
        if usage.output_tokens > 1:
            rest_s = max(0.0, timing.total_us / 1e6 - first_s)
            sums.per_token.add(rest_s / (usage.output_tokens - 1))

    def numbers(self) -> list[CallNumbers]:
        """What metrics tell of the calls that there were; any thread."""
        return [
            CallNumbers(*key, sums.duration, sums.first, sums.per_token, sums.failovers)
            for key, sums in self._of.items()
            if sums.duration.count
        ]


class _Sums:
    """Those of one operation and name."""

    def __init__(self) -> None:
        self.duration = Spread(DURATION_EDGES_S)
        self.first = Spread(FIRST_EDGES_S)
        self.per_token = Spread(CHUNK_EDGES_S)
        self.failovers = 0
