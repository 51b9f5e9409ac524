"""What is sent: kinds of calls, and a pool of encoded messages of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from stubtail_bench.door import OPEN, Door
from stubtail_bench.headers import Header, request_headers
from stubtail_bench.http2 import DATA, END_STREAM, frame_start
from stubtail_bench.raw import EXPIRED, GIVEN_UP, Call

_FRAME_BYTES = 16_384  # every peer takes this much in one frame
_TIMEOUT_END = 10**8  # the first number that grpc-timeout has no room for
_ROUNDING_S = 1e-6  # of times added in another order


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of call in a mix.

    Attributes:
        name: In tables.
        path: The method.
        messages: Encoded requests; a call takes one of them.
        rows: How many rows each message has.
        weight: Its part of all calls, relative to the other kinds.
        deadline_s: An answer later than this after the call was due is worth nothing; None: any.
        enforce: At the deadline the client itself gives the call up, as gRPC clients do.
        cancel: Part of its calls that the client gives up before.
        cancel_within_s: A call is given up at a time drawn evenly from 0 to this after it was due.
        batched: Whether replies have the rows of their requests; not of a model that knows none.
    """

    name: str
    path: str
    messages: Sequence[bytes]
    rows: Sequence[int]
    weight: float = 1.0
    deadline_s: float | None = None
    enforce: bool = True
    cancel: float = 0.0
    cancel_within_s: float = 0.0
    batched: bool = True

    def headers(self, door: Door = OPEN) -> tuple[Header, ...]:
        """What goes before the message; the deadline goes to the server as grpc-timeout."""
        deadline = []
        if self.deadline_s is not None:
            deadline = [("grpc-timeout", _timeout(self.deadline_s))]
        metadata = [*deadline, *door.metadata]
        return request_headers(self.path, metadata, tls=door.tls, authority=door.authority)


@dataclass(frozen=True, slots=True)
class Body:
    """An encoded message: DATA frames cut where the stream id belongs.

    Attributes:
        kind: Index of its kind.
        pieces: The four bytes of the stream id go between them.
        size: Bytes that count against the peer's windows.
    """

    kind: int
    pieces: tuple[bytes, ...]
    size: int


def _timeout(seconds: float) -> str:
    """As gRPC writes it, with eight digits at most: in microseconds, or in milliseconds."""
    micros = round(seconds * 1e6)
    return f"{micros}u" if micros < _TIMEOUT_END else f"{round(seconds * 1e3)}m"


def encode_body(kind: int, message: bytes) -> Body:
    """`message` in as many DATA frames as it needs, the last of which ends the stream."""
    body = b"\0" + len(message).to_bytes(4, "big") + message
    chunks = [body[at : at + _FRAME_BYTES] for at in range(0, len(body), _FRAME_BYTES)]
    pieces = [b""]
    for number, chunk in enumerate(chunks, start=1):
        pieces[-1] += frame_start(len(chunk), DATA, END_STREAM if number == len(chunks) else 0)
        pieces.append(chunk)
    return Body(kind, tuple(pieces), len(body))


class Traffic:
    """All kinds of one workload, encoded.

    Attributes:
        kinds: As given.
        door: What their server is shown.
        bodies: The messages of all kinds, one kind after the other.
        firsts: Where the messages of each kind begin in `bodies`.
    """

    def __init__(self, kinds: Sequence[Kind], door: Door = OPEN) -> None:
        """Encodes all messages."""
        self.kinds = list(kinds)
        self.door = door
        self.bodies: list[Body] = []
        self.firsts: list[int] = []
        for number, kind in enumerate(kinds):
            self.firsts.append(len(self.bodies))
            self.bodies += [encode_body(number, message) for message in kind.messages]

    def why_given_up(self, call: Call) -> str:
        """Whether a call was given up at its deadline, or before by the will of the client."""
        due, body, given_up = call
        deadline_s = self.kinds[self.bodies[body].kind].deadline_s
        expired = deadline_s is not None and given_up >= due + deadline_s - _ROUNDING_S
        return EXPIRED if expired else GIVEN_UP
