"""Many streams of a language model at a time, from a process of their own.

`python -m benchmarks.llm_streams` reads what to do as a line of JSON and answers with one: the load
shares no interpreter with whatever else is measured meanwhile.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, cast

import numpy as np

from benchmarks.errors import WrongAnswerError
from benchmarks.llm_wire import GrpcWire, HttpWire, Seen, Wire

CONNECTIONS: Final = 8  # of gRPC; HTTP/1.1 needs one for each stream
PATIENCE_S: Final = 20.0  # after the last piece is due


@dataclass(frozen=True, slots=True)
class Streams:
    """What to do: so many streams of so many pieces, so many a second each.

    Attributes:
        address: host:port.
        protocol: "http" or "grpc".
        prefix, key: as for the wires.
    """

    address: str
    protocol: str
    streams: int
    chunks: int
    rate: int
    prefix: str = ""
    key: str = ""


class _Connection(asyncio.Protocol):
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        out = self.wire.feed(data, time.monotonic_ns())
        if out and self.transport is not None:
            self.transport.write(out)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True

    def ask(self, model: str) -> Seen:
        assert self.transport is not None
        seen, data = self.wire.ask(model, stream=True)
        self.transport.write(data)
        return seen


async def run(plan: Streams) -> dict[str, Any]:
    """Runs all streams to their ends; what came, times in milliseconds.

    Raises:
        WrongAnswerError: a stream was not complete, or lacks pieces.
    """
    loop = asyncio.get_running_loop()
    host, _, port = plan.address.rpartition(":")
    count = CONNECTIONS if plan.protocol == "grpc" else plan.streams
    connections: list[_Connection] = []
    for _ in range(min(count, plan.streams)):
        wire = GrpcWire(plan.prefix) if plan.protocol == "grpc" else HttpWire(plan.prefix, plan.key)
        connections.append(_Connection(wire))
        await loop.create_connection(partial(next, iter(connections[-1:])), host, int(port))
    model = f"pace-{plan.chunks}-{plan.rate}"
    begun_s = time.monotonic()
    seen = []
    for number in range(plan.streams):
        # Spread over a beat: callers do not come all at once.
        await asyncio.sleep(
            max(0.0, begun_s + number / plan.streams / plan.rate - time.monotonic())
        )
        seen.append(connections[number % len(connections)].ask(model))
    until_s = time.monotonic() + plan.chunks / plan.rate + PATIENCE_S
    while not all(one.ended for one in seen):
        if time.monotonic() > until_s or any(one.lost for one in connections):
            break
        await asyncio.sleep(0.05)
    seconds = time.monotonic() - begun_s
    bad = sum(not one.ok for one in seen)
    short = sum(len(one.ages_ns) != plan.chunks for one in seen)
    if bad or short:
        why = next((one.why for one in seen if one.why), "no end came")
        raise WrongAnswerError(
            f"{bad} of {plan.streams} streams failed ({why}), {short} lack pieces"
        )
    ages_ms = np.concatenate([one.ages_ns for one in seen]) / 1e6
    gaps_ms = np.array([one.gap_ns for one in seen]) / 1e6
    return {
        "chunks": len(ages_ms),
        "seconds": seconds,
        "age_p50_ms": float(np.quantile(ages_ms, 0.5)),
        "age_p99_ms": float(np.quantile(ages_ms, 0.99)),
        "age_max_ms": float(ages_ms.max()),
        "gap_max_ms": float(gaps_ms.max()),
    }


def main() -> None:
    """One plan from standard input, its figures to standard output."""
    plan = Streams(**json.loads(sys.stdin.readline()))
    try:
        document = asyncio.run(run(plan))
    except (WrongAnswerError, OSError) as error:
        document = {"failed": str(error)}
    document["plan"] = asdict(plan)
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
