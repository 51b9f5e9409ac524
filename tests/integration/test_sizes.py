"""Large messages, large metadata and compression: what is taken, what is refused, and by whom.

The transports differ here, and these tests say how: the native front has limits of its own.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from tests.integration.calls import (
    INFER,
    OIP,
    SCORE,
    Code,
    Refusal,
    call,
    dense,
    infer,
    infer_request,
    refusal,
    refused,
    score,
)
from tests.integration.conftest import ROWS, UNBOUNDED, assert_answers
from tests.server_process import ServerProcess

pytestmark = pytest.mark.usefixtures("healthy")

MIB = 1024 * 1024
LIMIT = 16 * MIB
HEALTH = "/grpc.health.v1.Health/Check"


def of_size(size: int) -> bytes:
    """A valid Score request for the model `affine`, padded by an unknown field."""
    request = dense("affine", ROWS).SerializeToString()
    tag = b"\xa2\x06"  # field 100, length-delimited
    padding = size - len(request) - len(tag) - 4
    length = bytes([padding & 127 | 128, padding >> 7 & 127 | 128, padding >> 14 & 127 | 128])
    return tag + length + bytes([padding >> 21]) + bytes(padding) + request


def assert_too_large(found: Refusal, size: int, transport: str) -> None:
    """Refused for its size, with the size and the limit."""
    assert found.code == Code.RESOURCE_EXHAUSTED
    assert str(size) in found.message
    assert str(LIMIT) in found.message
    if transport == "native":
        assert found.reason == "MESSAGE_TOO_LARGE"
        assert found.metadata == {"size_bytes": str(size), "limit_bytes": str(LIMIT)}
    else:
        assert found.reason == "", "grpc-core refuses by itself, without details"
    # Sending it again would not help. (The front cannot send a push-back of -1, which says so.)
    assert found.retry_s is None
    assert found.pushback_ms is None


def test_a_message_at_the_limit_is_answered(channel: grpc.Channel) -> None:
    """16 MiB to the byte."""
    payload = of_size(LIMIT)
    assert len(payload) == LIMIT
    assert call(channel, SCORE, payload) == call(channel, SCORE, dense("affine", ROWS))


@pytest.mark.parametrize("path", [SCORE, INFER, HEALTH])
@pytest.mark.parametrize("size", [LIMIT + 1, 17 * MIB])
def test_a_message_above_the_limit_is_refused(
    channel: grpc.Channel, transport: str, path: str, size: int
) -> None:
    """RESOURCE_EXHAUSTED with both sizes, whatever the method."""
    assert_too_large(refused(channel, path, of_size(size)), size, transport)


def test_a_large_message_to_another_method_is_refused(channel: grpc.Channel) -> None:
    """Methods behind the native front have the same limit."""
    found = refused(channel, OIP + "ModelMetadata", bytes(17 * MIB))
    assert found.code == Code.RESOURCE_EXHAUSTED


def test_100_mib_are_refused_while_others_are_served(server: ServerProcess, transport: str) -> None:
    """One caller's huge message keeps nobody else waiting."""
    payload = bytes(100 * MIB)

    def send_huge() -> Refusal:
        with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
            return refused(channel, INFER, payload)

    with ThreadPoolExecutor(1) as pool, grpc.insecure_channel(server.address, UNBOUNDED) as other:
        huge: Future[Refusal] = pool.submit(send_huge)
        served = 0
        while not huge.done() or served < 3:
            assert_answers(other)
            served += 1
    assert_too_large(huge.result(), 100 * MIB, transport)


def test_large_answers_come_back_whole(channel: grpc.Channel) -> None:
    """65,536 rows of OIP answers and Score answers."""
    rows = np.random.default_rng(1).random((65536, 3), np.float32)
    expected = rows * np.float32(2) + np.float32(1)
    np.testing.assert_array_equal(infer(channel, infer_request("affine", x=rows))["y"], expected)
    reply = score(channel, dense("affine", rows))
    np.testing.assert_array_equal(reply.probabilities, expected.ravel())


@pytest.mark.parametrize("path", [SCORE, OIP + "ServerMetadata"])
@pytest.mark.parametrize("kib", [1, 9, 15])
def test_metadata_below_16_kib_is_taken(channel: grpc.Channel, path: str, kib: int) -> None:
    """Every time: there is no range in which only some of the calls are taken."""
    request = dense("affine", ROWS) if path == SCORE else b""
    for _ in range(10):
        assert call(channel, path, request, metadata=(("x-large", "v" * kib * 1024),))


@pytest.mark.parametrize("path", [SCORE, OIP + "ServerMetadata"])
def test_metadata_of_20_kib_is_refused(channel: grpc.Channel, transport: str, path: str) -> None:
    """The call fails and its connection goes on.

    The native front answers with HTTP 431, which gRPC clients show as UNKNOWN; grpc-core with
    RESOURCE_EXHAUSTED.
    """
    assert_answers(channel)
    found = refused(channel, path, b"", metadata=(("x-large", "v" * 20 * 1024),))

    if transport == "native":
        assert (found.code, "431" in found.message) == (Code.UNKNOWN, True)
    else:
        assert found.code == Code.RESOURCE_EXHAUSTED
    assert found.reason == ""


def test_metadata_of_64_kib_is_refused(server: ServerProcess, transport: str) -> None:
    """The native front closes the connection (GOAWAY), grpc-core fails the call alone."""
    with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
        found = refused(channel, SCORE, b"", metadata=(("x-large", "v" * 64 * 1024),))
        expected = Code.UNAVAILABLE if transport == "native" else Code.RESOURCE_EXHAUSTED
        assert found.code == expected
        assert_answers(channel)


@pytest.mark.parametrize("path", [SCORE, INFER, OIP + "ModelMetadata"])
def test_gzip_is_taken_by_every_method(channel: grpc.Channel, path: str) -> None:
    """Compressed requests are answered as others are."""
    rows = np.zeros((1000, 3), np.float32)
    request = {
        SCORE: dense("affine", rows),
        INFER: infer_request("affine", x=rows),
        OIP + "ModelMetadata": inference_pb2.ModelMetadataRequest(name="affine"),
    }[path]
    plain = call(channel, path, request)
    assert call(channel, path, request, compression=grpc.Compression.Gzip) == plain


def test_a_message_is_bounded_after_decompression(channel: grpc.Channel, transport: str) -> None:
    """17 MiB of zeros are a few KiB compressed, and refused all the same."""
    found = refused(channel, INFER, bytes(17 * MIB), compression=grpc.Compression.Gzip)
    assert found.code == Code.RESOURCE_EXHAUSTED
    assert found.reason == ("MESSAGE_TOO_LARGE" if transport == "native" else "")


def test_deflate_is_taken_by_grpcio_alone(channel: grpc.Channel, transport: str) -> None:
    """The native front knows gzip and says UNIMPLEMENTED to deflate, as gRPC asks for."""
    request = dense("affine", np.zeros((1000, 3), np.float32))
    if transport == "grpcio":
        assert call(channel, SCORE, request, compression=grpc.Compression.Deflate)
        return
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, SCORE, request, compression=grpc.Compression.Deflate)
    found = refusal(caught.value)
    assert (found.code, "deflate" in found.message) == (Code.UNIMPLEMENTED, True)


def test_methods_that_do_not_exist_are_unimplemented(channel: grpc.Channel) -> None:
    """Also for methods of the protocol that are described but not offered."""
    for path in (OIP + "SystemSharedMemoryStatus", OIP + "Nothing", "/no.such.Service/Method"):
        assert refused(channel, path, b"").code == Code.UNIMPLEMENTED
