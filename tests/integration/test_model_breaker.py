"""The breaker of a model on a real server: refusals with a time, one probe, health and metrics."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from stubtail.standard import health_pb2
from tests import model_files
from tests.integration import odd_models
from tests.integration.calls import Code, Refusal, call, infer, infer_request, refused
from tests.integration.conftest import UNBOUNDED
from tests.server_process import ServerProcess

INFER = "/inference.GRPCInferenceService/ModelInfer"
CHECK = "/grpc.health.v1.Health/Check"
FAILURES = 3
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
def server(transport: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose breakers open after three failures."""
    model_files.write_model(tmp_path / "patient_picky" / "1", odd_models.patient("picky"))
    options = [part for one in SETTINGS for part in ("--set", f"scheduling.{one}")]
    with ServerProcess(tmp_path, transport, *options) as process:
        yield process


def test_a_failing_model_is_not_run_for_a_while(server: ServerProcess) -> None:
    """Callers are told why and until when; a probe that works brings it back.

    A busy machine may let the time between two probes pass unseen: then the next call is one.
    """
    bad, good = (infer_request("patient_picky", x=rows(second)) for second in (1000, 1))
    with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
        infer(channel, good)
        assert (state_of(server), health(channel)) == ("closed", SERVING)
        for _ in range(FAILURES):
            assert refused(channel, INFER, bad).reason == "INFERENCE_FAILED"
        seen: list[Refusal] = []

        def shut_out() -> bool:
            seen.append(refused(channel, INFER, bad))
            return seen[-1].reason == "BREAKER_OPEN"

        wait_until(shut_out, "the breaker does not open")
        found = seen[-1]
        assert (found.code, found.metadata) == (
            Code.UNAVAILABLE,
            {"model": "patient_picky", "version": "1"},
        )
        assert found.retry_s is not None
        assert 0 < found.retry_s < 1
        wait_until(lambda: shut_out() and health(channel) == NOT_SERVING, "health does not tell")
        wait_until(lambda: state_of(server) == "half-open", "no probe is due")
        wait_until(lambda: health(channel) == SERVING, "no call would come to be the probe")

        infer(channel, good)
        assert state_of(server) == "closed"
        infer(channel, good)
