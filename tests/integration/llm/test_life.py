"""The proxy in the life of a server: its services, its drain, and what it does not need."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc

from tests.integration.calls import Code, call, refused
from tests.integration.llm.chats import SERVICE, begin, chat, request, stream
from tests.integration.llm.conftest import PATIENT, wait_until, write_settings
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ServerProcess


def test_a_server_without_providers_has_no_such_service(channel: grpc.Channel) -> None:
    """The service is not offered, and says so as gRPC does."""
    found = refused(channel, SERVICE + "Chat", request("p/ok"))
    assert found.code == Code.UNIMPLEMENTED


def test_a_server_without_providers_needs_no_packages() -> None:
    """Neither httptools nor pybreaker is imported."""
    code = "import sys, stubtail.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"httptools", "pybreaker"} & set(done.stdout.split())


def test_health_and_reflection_know_the_service(llm: grpc.Channel) -> None:
    """Where it is offered, everybody is told."""
    from stubtail.standard import health_pb2

    made = health_pb2.HealthCheckRequest(service="stubtail.v1.LlmService")
    reply = health_pb2.HealthCheckResponse.FromString(
        call(llm, "/grpc.health.v1.Health/Check", made)
    )
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_streams_end_well_when_the_server_drains(
    transport: str, llm_models: Path, upstream: LlmUpstream, tmp_path: Path
) -> None:
    """An answer that has begun goes on to its end; then the server leaves."""
    file = write_settings(tmp_path / "c.toml", upstream, **PATIENT)
    with ServerProcess(llm_models, transport, "--config", str(file)) as server:
        with grpc.insecure_channel(server.address) as channel:
            made = request("p/paced")
            messages = begin(channel, made)
            told = [next(messages)]
            wait_until(lambda: bool(upstream.of(made.end_user)), "the upstream was not asked")
            stopping = threading.Thread(target=server.stop, args=(signal.SIGTERM,))
            stopping.start()

            told.extend(messages)

            stopping.join()
        assert server.process is not None
        assert server.process.returncode == 0
    assert "".join(one.delta.text for one in told) == TEXT * 4
    assert told[-1].WhichOneof("event") == "end"
    assert "Traceback" not in server.output


def test_metrics_tell_of_attempts_and_tokens(llm: grpc.Channel, llm_server: ServerProcess) -> None:
    """By provider and model; the fixture checks that no text of anybody is among them."""
    chat(llm, request("keyed/ok"))
    stream(llm, request("p/cut@7"))

    page = llm_server.http("/metrics")[1]

    keyed = 'gen_ai_provider_name="keyed",gen_ai_request_model="ok"'
    assert f'stubtail_llm_attempts_total{{{keyed},outcome="ok"}}' in page
    assert f'stubtail_llm_tokens_total{{{keyed},gen_ai_token_type="output"}}' in page or (
        f'stubtail_llm_tokens_total{{gen_ai_token_type="output",{keyed}}}' in page
    )
    cut = 'gen_ai_provider_name="p",gen_ai_request_model="cut@7"'
    assert f'stubtail_llm_attempts_total{{{cut},outcome="broken_off"}} 1.0' in page
