"""The Python client's chats, sync and async, against a server whose providers fail."""

import asyncio
import re

import pytest

from stubtail_client import (
    AsyncClient,
    Client,
    InvalidArgument,
    Overloaded,
    StubtailError,
    Unavailable,
)
from tests.integration.llm.chats import USERS
from tests.integration.llm.conftest import wait_until
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ROOT, ServerProcess


def test_a_whole_answer(llm_server: ServerProcess) -> None:
    """Text, who gave it, and what it took."""
    with Client(llm_server.address) as client:
        answer = client.chat("p/ok", "Hello", temperature=0.0)
    assert (answer.text, answer.finish_reason, answer.provider) == (TEXT, "stop", "p")
    assert answer.usage.cost_nano_usd == 7 * 500 + 4 * 100 + 5 * 1500
    assert [one.outcome for one in answer.attempts] == ["ok"]
    assert answer.complete


def test_pieces_as_they_come(llm_server: ServerProcess) -> None:
    """The loop gives the pieces, and then the stream has the answer."""
    with Client(llm_server.address) as client:
        stream = client.chat_stream("after broken", "Hello")
        assert "".join(piece.text for piece in stream) == TEXT
    assert stream.answer.text == TEXT
    assert [one.outcome for one in stream.answer.attempts] == ["upstream_error", "ok"]


def test_probabilities_of_tokens(llm_server: ServerProcess) -> None:
    """With what could have come in their place."""
    with Client(llm_server.address) as client:
        stream = client.chat_stream("p/thinking", "Hello", top_logprobs=2)
        assert "".join(piece.text for piece in stream) == "Yes"
    (one,) = stream.answer.logprobs
    assert (one.token, one.logprob) == ("Yes", -0.1)
    assert one.top == (("Yes", -0.1), ("No", -2.5))


def test_the_example_of_the_page(
    llm_server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """What clients/README.md shows is run."""
    page = (ROOT / "clients" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)

    exec(block.replace("127.0.0.1:8500", llm_server.address), {})

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{TEXT} p ")
    assert second == TEXT


def test_a_broken_stream_raises_with_what_came(llm_server: ServerProcess) -> None:
    """However the upstream ends it, the loop does not end by itself."""
    with Client(llm_server.address) as client:
        for model in ("cut", "cut-raw", "done-early", "error-late"):
            with pytest.raises(Unavailable) as caught:
                list(client.chat_stream(f"p/{model}", "Hello"))
            error = caught.value
            assert error.reason == "ANSWER_INTERRUPTED"
            assert error.partial is not None
            assert (error.partial.text, error.partial.complete) == ("Grey gulls ", False)
            assert error.partial.finish_reason == "upstream_error"
            assert len(error.partial.attempts) == 1
            assert error.attempts == error.partial.attempts


def test_failures_before_the_first_word_tell_of_every_attempt(llm_server: ServerProcess) -> None:
    """Who was asked and how each attempt ended, for a whole answer, a stream and vectors."""
    with Client(llm_server.address) as client:
        for ask in (
            lambda: client.chat("p/broken", "Hello"),
            lambda: list(client.chat_stream("p/too-long", "Hello")),
            lambda: client.embed("p/vectors-missing", ["Hello"]),
        ):
            with pytest.raises(StubtailError) as caught:
                ask()
            told = [(one.provider, one.outcome) for one in caught.value.attempts]
            outcome = caught.value.metadata["outcome"].lower()
            assert told[-1] == ("p", outcome)
            assert len(told) == int(caught.value.metadata["attempts"])


def test_refusals_have_their_classes(llm_server: ServerProcess) -> None:
    """What the caller must change, and when to come back."""
    with Client(llm_server.address) as client:
        with pytest.raises(InvalidArgument):
            client.chat("p/too-long", "Hello")
        with pytest.raises(Overloaded) as caught:
            client.chat("p/throttled@6", "Hello", timeout=5)
    assert caught.value.retry_after_s is not None


def test_leaving_a_loop_cancels_the_call(llm_server: ServerProcess, upstream: LlmUpstream) -> None:
    """The upstream's connection is closed when nobody reads on."""
    with Client(llm_server.address) as client:
        user = next(USERS)
        with client.chat_stream("p/trickle", "Hello", end_user=user) as stream:
            next(stream)
        (talk,) = upstream.of(user)
        assert talk.gone.wait(10)


async def test_the_async_twin(llm_server: ServerProcess, upstream: LlmUpstream) -> None:
    """Whole, in pieces, broken off, and left."""
    async with AsyncClient(llm_server.address) as client:
        assert (await client.chat("p/ok", "Hello")).text == TEXT
        stream = client.chat_stream("p/ok", "Hello")
        assert "".join([str(piece) async for piece in stream]) == TEXT
        assert stream.answer.complete
        with pytest.raises(Unavailable) as caught:
            async for _ in client.chat_stream("p/cut", "Hello"):
                pass
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Grey gulls "
        user = next(USERS)
        async with client.chat_stream("p/trickle", "Hello", end_user=user) as left:
            await anext(left)
        (talk,) = upstream.of(user)
        assert await asyncio.to_thread(talk.gone.wait, 10)


async def test_a_cancelled_task_cancels_its_call(
    llm_server: ServerProcess, upstream: LlmUpstream
) -> None:
    """The CancelledError goes on, and the upstream hears of it."""
    async with AsyncClient(llm_server.address) as client:
        user = next(USERS)
        task = asyncio.create_task(client.chat("p/silent", "Hello", end_user=user))
        await asyncio.to_thread(
            wait_until, lambda: bool(upstream.of(user)), "the upstream was not asked"
        )
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (talk,) = upstream.of(user)
        assert await asyncio.to_thread(talk.gone.wait, 10)
