"""The breaker of a model on a real server: refusals with a time, its proof, health and metrics."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from stubtail.standard import health_pb2
from tests import model_files
from tests.integration import odd_models
from tests.integration.calls import (
    TIMEOUT_S,
    Code,
    call,
    infer,
    infer_request,
    refusal,
    refused,
    start,
)
from tests.integration.conftest import UNBOUNDED
from tests.server_process import ServerProcess

INFER = "/inference.GRPCInferenceService/ModelInfer"
CHECK = "/grpc.health.v1.Health/Check"
FAILURES = 3
AT_ONCE = 64
CALLS = 60
SETTINGS = ("breaker_failures_max=3", "breaker_open_ms=400", "breaker_open_max_ms=400")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Waits for something that comes soon, and fails where it does not."""
    end_s = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.01)


def rows(second: float) -> np.ndarray:
    """One row; a second value above 3 makes the model fail."""
    return np.array([[0.0, second, 0.0]], np.float32)


def state_of(server: ServerProcess) -> str:
    """The state of the breaker, by the metrics."""
    page = server.http("/metrics")[1]
    line = 'stubtail_model_breakers{model="patient_picky",state="%s",version="1"} 1.0'
    (found,) = [state for state in ("closed", "half-open", "open") if line % state in page]
    return found


def health(channel: grpc.Channel) -> int:
    """The status of the model."""
    request = health_pb2.HealthCheckRequest(service="patient_picky")
    reply = health_pb2.HealthCheckResponse.FromString(call(channel, CHECK, request))
    return int(reply.status)


@pytest.fixture
def fault(tmp_path: Path) -> Path:
    """While this file is there, every graph of the server fails."""
    return tmp_path / "fault"


@pytest.fixture
def server(transport: str, tmp_path: Path, fault: Path) -> Iterator[ServerProcess]:
    """A server whose breakers open after three failures."""
    models = tmp_path / "models"
    model_files.write_model(models / "patient_picky" / "1", odd_models.patient("picky"))
    options = [part for one in SETTINGS for part in ("--set", f"scheduling.{one}")]
    process = ServerProcess(models, transport, *options)
    module = process.command.index("stubtail")
    process.command[module : module + 1] = ["tests.faulty_serve", str(fault)]
    with process:
        yield process


def test_a_failing_model_is_not_run_for_a_while(server: ServerProcess, fault: Path) -> None:
    """Callers are told why and until when; once it answers its own row again, they are answered.

    A busy machine may let the time between two probes pass unseen: then the next call finds one.
    """
    good = infer_request("patient_picky", x=rows(1))
    with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
        infer(channel, good)
        assert (state_of(server), health(channel)) == ("closed", SERVING)
        fault.touch()
        for _ in range(FAILURES):
            assert refused(channel, INFER, good).reason == "INFERENCE_FAILED"
        found = refused(channel, INFER, good)
        assert (found.code, found.reason, found.metadata) == (
            Code.UNAVAILABLE,
            "BREAKER_OPEN",
            {"model": "patient_picky", "version": "1"},
        )
        assert found.retry_s is not None
        assert 0 < found.retry_s < 1

        def shut_out() -> bool:
            return refused(channel, INFER, good).reason == "BREAKER_OPEN"

        wait_until(lambda: shut_out() and health(channel) == NOT_SERVING, "health does not tell")
        wait_until(lambda: state_of(server) == "half-open", "no probe is due")
        wait_until(lambda: health(channel) == SERVING, "no call would come to find one")

        fault.unlink()
        infer(channel, good)
        assert state_of(server) == "closed"
        infer(channel, good)


def test_nobody_closes_a_model_to_others(server: ServerProcess) -> None:
    """One caller sends rows that the model fails on, as fast as it can; another one is answered.

    Each in a connection of its own, so that neither waits for the other there.
    """
    poison, good = (infer_request("patient_picky", x=rows(second)) for second in (1000, 1))
    over = threading.Event()
    ends: list[str] = []

    def flood() -> None:
        with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
            while not over.is_set():
                calls = [start(channel, INFER, poison) for _ in range(AT_ONCE)]
                ends.extend(refusal(call.exception(TIMEOUT_S)).reason for call in calls)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
            wait_until(lambda: len(ends) >= AT_ONCE, "nothing fails")
            for _ in range(CALLS):
                infer(channel, good)
            assert health(channel) == SERVING
        assert state_of(server) == "closed"
    finally:
        over.set()
        flooding.join()
    assert set(ends) == {"INFERENCE_FAILED"}
    assert len(ends) > 10 * FAILURES
