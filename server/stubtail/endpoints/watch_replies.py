"""The replies of Watch: verdicts and pieces of state, in columns."""

from collections.abc import Iterator, Sequence
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stubtail import wire
from stubtail.anomaly.findings import Kind, severity
from stubtail.anomaly.watch_keys import Batch, WatchedKeys
from stubtail.v1 import anomaly_pb2

# The same fields with the same numbers, and every block of floats as bytes (see `wire`).
Response: Any = wire.derive(anomaly_pb2.WatchResponse)

FORGOTTEN_SHOWN_MAX: Final = 64
STATE_NUMBERS_MAX: Final = 100_000  # of one piece: 0.8 MB, as clients take 4 MiB unless told
POINT_KINDS: Final = (Kind.POINT, Kind.SPIKE, Kind.DIP)

Numbers = NDArray[np.float64]


def verdicts_reply(
    batch: Batch,
    keys: Sequence[str],
    values: Numbers,
    sequence: int,
    rate: float,
    *,
    keys_known: int,
    forgotten: Sequence[str],
    bands: bool,
) -> bytes:
    """The answer to the points of one message."""
    response = Response()
    reply = response.verdicts
    reply.sequence = sequence
    reply.keys_known = keys_known
    reply.forgotten.extend(forgotten[:FORGOTTEN_SHOWN_MAX])
    reply.forgotten_count = len(forgotten)
    for at in np.flatnonzero(batch.kind).tolist():
        kind = Kind(int(batch.kind[at]))
        expected = float(batch.expected[at])
        lower, upper = float(batch.lower[at]), float(batch.upper[at])
        value, deviation = float(values[at]), float(batch.deviation[at])
        reply.alarms.add(
            index=at,
            key=keys[at] if len(keys) > 1 else keys[0],
            kind=int(kind),
            severity=int(severity(_chance(kind, value, expected, lower, upper, rate))),
            value=value,
            expected=expected,
            lower=lower,
            upper=upper,
            deviation=deviation,
        )
    if bands:
        for field, column in (
            (reply.expected, batch.expected),
            (reply.lower, batch.lower),
            (reply.upper, batch.upper),
        ):
            with np.errstate(over="ignore"):  # beyond float32 a bound is infinite
                field.append(column.astype("<f4").tobytes())
    return bytes(response.SerializeToString())


def state_replies(keys: WatchedKeys, state_format: int) -> Iterator[bytes]:
    """All keys, in pieces; the last one is marked, and there is one even without a key."""
    slots = keys.slots
    each = max(STATE_NUMBERS_MAX // slots.numbers_per_key, 1)
    first, total = 0, len(slots)
    while True:
        names, numbers = slots.export(first, each)
        first += len(names)
        response = Response()
        state = response.state
        state.format = state_format
        state.season_length = keys.rules.season
        state.keys.extend(names)
        state.numbers.append(np.array(numbers, "<f8").tobytes())
        state.last = first >= total
        yield bytes(response.SerializeToString())
        if first >= total:
            return


def _chance(
    kind: Kind, value: float, expected: float, lower: float, upper: float, rate: float
) -> float:
    """About how rare a point is: the wanted rate at the band, and falling by it for each band more.

    The tail of a key is not known beyond its band; an exponential one is assumed.
    """
    if kind not in POINT_KINDS:
        return rate if kind != Kind.LEVEL_SHIFT else rate * rate
    room = upper - expected if value > expected else expected - lower
    times = abs(value - expected) / room if room > 0 else 10.0
    return float(np.exp(log(rate) * min(times, 50.0)))
