"""What a run of load is told and what it saw."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What one run of load saw.

    Attributes:
        seconds: From the first call sent to the last one ended.
        latencies_s: Of each call answered with OK; at a fixed rate, from the time it was due.
        failures: Number of calls for each outcome other than OK.
        sizes: The lengths of the messages of OK replies, in bytes.
        samples: Pool index and message of some replies.
        issued: Calls sent.
        cancelled: Calls that this client gave up before their answer.
        retried: Calls refused by GOAWAY unseen, and sent again on a new connection.
        goaways: Connections that the server asked to leave, or closed.
        client_cpu_s: Processor time of this process.
    """

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    sizes: set[int] = field(default_factory=set)
    samples: list[tuple[int, bytes]] = field(default_factory=list)
    issued: int = 0
    cancelled: int = 0
    retried: int = 0
    goaways: int = 0
    client_cpu_s: float = 0.0

    @property
    def answered(self) -> int:
        """Calls answered with OK."""
        return len(self.latencies_s)

    @property
    def calls_per_s(self) -> float:
        """Calls answered with OK in each second."""
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def without_outcome(self) -> int:
        """Calls that got neither an answer, nor an error, nor a cancel of ours."""
        return self.issued - self.answered - self.failures.total() - self.cancelled


@dataclass(frozen=True, slots=True)
class Cancels:
    """Which calls the client gives up: every `every`-th, at a time spread over `within_s`."""

    every: int
    within_s: float
