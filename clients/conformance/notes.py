"""What a scripted server notes of the calls of one case."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Notes:
    """What the server saw of one case.

    Attributes:
        attempts: how many calls came.
        cancelled: how many of them the client ended while they were at work.
        sent: how many messages of streams it could send.
        received: how many messages of streams came.
        most_at_once: the most calls at work at one moment.
        arrived_s: when each call came.
        deadline_ms: how long the last call could take; None without a deadline.
        metadata: of the last call, the keys of NOTED_METADATA.
        peers: the connections that calls came by.
    """

    attempts: int = 0
    cancelled: int = 0
    sent: int = 0
    received: int = 0
    most_at_once: int = 0
    at_once: int = 0
    arrived_s: list[float] = field(default_factory=list)
    deadline_ms: float | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    peers: set[str] = field(default_factory=set)

    def report(self) -> dict[str, Any]:
        """For the judge."""
        gaps = [
            round((after - before) * 1000)
            for before, after in zip(self.arrived_s, self.arrived_s[1:], strict=False)
        ]
        return {
            "attempts": self.attempts,
            "cancelled": self.cancelled,
            "sent": self.sent,
            "received": self.received,
            "most_at_once": self.most_at_once,
            "connections": len(self.peers),
            "gaps_ms": gaps,
            "deadline_ms": self.deadline_ms,
            "metadata": dict(self.metadata),
        }


@contextlib.contextmanager
def at_work(notes: Notes) -> Iterator[None]:
    """Counts a call while it is at work, and whether the client ended it."""
    notes.at_once += 1
    notes.most_at_once = max(notes.most_at_once, notes.at_once)
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        notes.cancelled += 1
        raise
    finally:
        notes.at_once -= 1
