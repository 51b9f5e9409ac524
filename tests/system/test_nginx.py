"""The recipe for TLS in front of the native transport, with the real nginx."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import trustme

from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from tests.load import INFER, reason_of, request_bytes
from tests.server_process import ROOT
from tests.system.conftest import StartServer

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx (Debian package nginx-light)")
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
WATCH = "/grpc.health.v1.Health/Watch"
ROWS = np.array([[1, 2, 3]], np.float32)


@pytest.fixture
def authority() -> trustme.CA:
    """Who vouches for nginx."""
    return trustme.CA()


@pytest.fixture
def address(
    serve: StartServer, models: Path, tmp_path: Path, authority: trustme.CA
) -> Iterator[str]:
    """The recipe in front of a server on the native transport."""
    server = serve(models, "native")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    (tmp_path / "server.pem").write_bytes(chain)
    (tmp_path / "server.key").write_bytes(issued.private_key_pem.bytes())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    recipe = (ROOT / "server" / "recipes" / "nginx.conf").read_text(encoding="utf-8")
    recipe = recipe.replace("listen 8443", f"listen 127.0.0.1:{port}")
    recipe = recipe.replace("server 127.0.0.1:8500", f"server {server.address}")
    (tmp_path / "nginx.conf").write_text(recipe, encoding="utf-8")
    command = [str(NGINX), "-p", str(tmp_path), "-c", "nginx.conf", "-g", "daemon off;"]
    with (tmp_path / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=tmp_path)
    try:
        wait_for(port, process, tmp_path)
        yield f"localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Until nginx takes connections."""
    end_s = time.monotonic() + 10
    while time.monotonic() < end_s and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError((folder / "nginx.log").read_text(encoding="utf-8"))


async def test_calls_errors_and_streams_pass(address: str, authority: trustme.CA) -> None:
    """Answers, error details in trailers, deadlines, both kinds of stream, and large messages."""
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with grpc.aio.secure_channel(address, credentials) as channel:
        infer = channel.unary_unary(INFER)
        reply = inference_pb2.ModelInferResponse.FromString(
            await infer(request_bytes("affine", ROWS))
        )
        assert np.frombuffer(reply.raw_output_contents[0], np.float32).tolist() == [3, 5, 7]
        large = np.ones((65_536, 3), np.float32)
        assert len(await infer(request_bytes("affine", large), timeout=20)) > large.nbytes

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(request_bytes("nobody", ROWS))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert reason_of(caught.value)[0] == "MODEL_NOT_FOUND"

        stream = channel.stream_stream(STREAM)()
        for _ in range(3):
            await stream.write(request_bytes("affine", ROWS))
            answer = inference_pb2.ModelStreamInferResponse.FromString(await stream.read())
            assert answer.error_message == ""
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK

        watch = channel.unary_stream(WATCH)(b"")
        first = health_pb2.HealthCheckResponse.FromString(await watch.read())
        assert first.status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()


async def test_plain_text_does_not_pass(address: str) -> None:
    """TLS alone is spoken on its port."""
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(INFER)(request_bytes("affine", ROWS), timeout=5)
        assert await call.code() is not grpc.StatusCode.OK


async def test_many_calls_in_flight_are_all_answered(address: str, authority: trustme.CA) -> None:
    """1,984 calls, 64 at a time, on four connections."""
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.secure_channel(address, credentials, options) for _ in range(4)]
    rng = np.random.default_rng(5)

    async def calls(channel: grpc.aio.Channel) -> int:
        right = 0
        for _ in range(31):
            rows = rng.uniform(-9, 9, (1, 3)).astype(np.float32)
            reply = await channel.unary_unary(INFER)(request_bytes("affine", rows), timeout=20)
            found = inference_pb2.ModelInferResponse.FromString(reply).raw_output_contents[0]
            right += bool(np.allclose(np.frombuffer(found, np.float32), rows * 2 + 1, rtol=1e-6))
        return right

    counts = await asyncio.gather(*(calls(channels[number % 4]) for number in range(64)))
    assert counts == [31] * 64
    for channel in channels:
        await channel.close()
