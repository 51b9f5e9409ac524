"""Calls that keep a patient model (`odd_models.patient`) busy for a chosen time."""

import time
from typing import Any

import grpc
import numpy as np

from tests.integration.calls import INFER, infer_request, start

TIMED = (("stubtail-timing", "1"),)
PROBE_TRIPS = 4_000
PROBES = 5


def row(trips: int) -> np.ndarray:
    """A row whose run takes so many trips."""
    return np.array([[trips, 0, 0]], np.float32)


def timing(call: Any) -> dict[str, int]:
    """The timing that an answered call asked for."""
    text = dict(call.trailing_metadata())["stubtail-timing"]
    return {
        name: int(value) for name, _, value in (part.partition("=") for part in text.split(";"))
    }


def trips_for(channel: grpc.Channel, model: str, seconds: float) -> int:
    """How many trips take at least so long, going by the fastest of a few runs."""
    runs_us = []
    for _ in range(PROBES):
        call = start(channel, INFER, infer_request(model, x=row(PROBE_TRIPS)), metadata=TIMED)
        call.result()
        runs_us.append(timing(call)["run"])
    return int(PROBE_TRIPS * seconds * 1e6 / min(runs_us))


def begin(channel: grpc.Channel, path: str, request: Any, **options: Any) -> Any:
    """Starts a long call and waits until it most likely runs."""
    call = start(channel, path, request, **options)
    time.sleep(0.05)
    assert not call.done()
    return call
