"""What one process of the load writes down while the clock runs: three numbers for each call."""

from array import array
from dataclasses import dataclass, field

from stubtail_bench.http2 import OK, PREFIX_BYTES, Reply

GIVEN_UP, LOST, CUT_OFF = "CANCELLED by the client", "LOST", "CONNECTION LOST"
REFUSED, EMPTY = "CONNECTION REFUSED", "OK without a message"
EXPIRED = "DEADLINE_EXCEEDED at the client"

_KEEP_FIRST, _KEEP_EVERY = 64, 1_009  # replies kept, to be checked after the clock has stopped

Call = tuple[float, int, float]
"""When it is due (perf_counter), index into `Traffic.bodies`, when it is given up or infinity."""


@dataclass(slots=True)
class Raw:
    """What one process saw. Sorted into histograms only after the run, so that nothing stalls it.

    Attributes:
        start: When the run began (perf_counter); times in `logs` are on that clock too.
        logs: For each outcome three numbers a call: due, ended, kind. The calls of slow readers
            have the numbers of their kinds plus the number of kinds.
        lags: How late this process was to hand each call to its connection, seconds.
        messages: The first text that came with each status.
        samples: Body index and message of some replies that were OK.
        issued, ended: Numbers of calls.
        retried: Calls that a leaving server had not seen, sent again on a new connection.
        reconnects: Connections made anew.
        cpu_s: Processor time of this process.
        seconds: From the begin until the last call had ended.
    """

    start: float = 0.0
    logs: dict[str, "array[float]"] = field(default_factory=dict)
    lags: "array[float]" = field(default_factory=lambda: array("d"))
    messages: dict[str, str] = field(default_factory=dict)
    samples: list[tuple[int, bytes]] = field(default_factory=list)
    issued: int = 0
    ended: int = 0
    retried: int = 0
    reconnects: int = 0
    cpu_s: float = 0.0
    seconds: float = 0.0

    def write(self, outcome: str, call: Call, kind: int, now: float) -> None:
        """Writes down the end of one call."""
        self.logs.setdefault(outcome, array("d")).extend((call[0], now, kind))
        self.ended += 1

    def write_replies(
        self,
        replies: list[Reply],
        in_flight: dict[int, Call],
        kind_of: list[int],
        shift: int,
        now: float,
    ) -> int:
        """Writes down the ends of all calls that `replies` answer; their number.

        Args:
            replies: Of one connection.
            in_flight: Its calls, from which those answered are taken out.
            kind_of: The kind of each body.
            shift: Added to the kind.
            now: When the replies were there.
        """
        logs = self.logs
        done = 0
        for stream, outcome, body in replies:
            call = in_flight.pop(stream, None)
            if call is None:  # given up
                continue
            done += 1
            status = outcome
            if outcome != OK:
                status, _, text = outcome.partition(": ")
                self.messages.setdefault(status, text)
            elif len(body) < PREFIX_BYTES:
                status = EMPTY
            elif len(self.samples) < _KEEP_FIRST or not (self.ended + done) % _KEEP_EVERY:
                self.samples.append((call[1], body[PREFIX_BYTES:]))
            log = logs.get(status)
            if log is None:
                log = logs[status] = array("d")
            log.extend((call[0], now, kind_of[call[1]] + shift))
        self.ended += done
        return done
