"""Language models on the command line: tokens as they come, and what Ctrl-C does."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from stubtail_client import AsyncClient, Client, InvalidArgument
from tests.integration.llm.chats import USERS
from tests.integration.llm.conftest import wait_until
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ServerProcess

PNG = b"\x89PNG\r\n\x1a\nrest"


def run(server: ServerProcess, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    command = [sys.executable, "-m", "stubtail_client", words[0], "--server", server.address]
    return subprocess.run(
        [*command, *words[1:]], input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_question_and_its_answer(llm_server: ServerProcess) -> None:
    """As words, from a pipe, as JSON, and what it took."""
    done = run(llm_server, "chat", "p/ok", "--usage", "Hello", "there")
    assert (done.returncode, done.stdout) == (0, TEXT + "\n"), done.stderr
    assert done.stderr.startswith("p/ok: 11 tokens in, 5 out, $0.0000114, first after") or (
        done.stderr.startswith("p/ok: 11 tokens in, 5 out, $0.000011, first after")
    )
    done = run(llm_server, "chat", "p/ok", "--json", "-", text="Hello\n")
    document = json.loads(done.stdout)
    assert (document["text"], document["finish_reason"]) == (TEXT, "stop")


def test_what_came_before_a_failure_is_shown(llm_server: ServerProcess) -> None:
    """And the exit code is that of a failure."""
    done = run(llm_server, "chat", "p/cut", "Hello")
    assert (done.returncode, done.stdout) == (1, "Grey gulls \n")
    assert "ANSWER_INTERRUPTED" in done.stderr


def test_ctrl_c_cancels_the_call(llm_server: ServerProcess, upstream: LlmUpstream) -> None:
    """The upstream's connection is closed, and a shell sees an interrupt."""
    before = len(upstream.talks)
    command = [sys.executable, "-m", "stubtail_client", "chat", "--server", llm_server.address]
    process = subprocess.Popen(
        [*command, "p/trickle", "Hello"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    wait_until(
        lambda: any(talk.model == "trickle" for talk in upstream.talks[before:]), "nobody asked"
    )
    talk = next(one for one in upstream.talks[before:] if one.model == "trickle")
    assert talk.gone.wait(10)


def test_vectors_models_and_providers(llm_server: ServerProcess) -> None:
    """Each as lines."""
    done = run(llm_server, "embed", "p/vectors", "one", "two")
    vectors = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(vectors) == 2, done.stderr
    assert len(vectors[0]) == len(vectors[1]) > 0
    listed = run(llm_server, "llms").stdout
    assert "p/ok" in listed
    assert "$0.5 in, $1.5 out" in listed
    shown = run(llm_server, "providers", "p").stdout
    assert "p/ok" in shown
    assert "closed" in shown
    wrong = run(llm_server, "chat", "nobody-knows", "Hello")
    assert wrong.returncode == 1
    assert "stubtail_client llms" in wrong.stderr


def request_of(upstream: LlmUpstream, user: str) -> dict[str, Any]:
    """What the provider got from this person."""
    (talk,) = upstream.of(user)
    return talk.body


def test_images_and_tools_reach_the_provider(
    llm_server: ServerProcess, upstream: LlmUpstream
) -> None:
    """By their arguments, and by messages; the answer of a tool goes back with its call."""
    user = next(USERS)
    tool = {"name": "now", "description": "the time", "parameters": {"type": "object"}}
    with Client(llm_server.address) as client:
        answer = client.chat(
            "p/tools", "What?", images=[PNG, "https://example.com/a.png"], tools=[tool],
            tool_choice="now", end_user=user,
        )  # fmt: skip
        body = request_of(upstream, user)
        kinds = [part["type"] for part in body["messages"][0]["content"]]
        assert kinds == ["text", "image_url", "image_url"]
        assert body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;")
        assert body["tool_choice"] == {"type": "function", "function": {"name": "now"}}
        assert answer.tool_calls
        user = next(USERS)
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": "noon"}
            for call in answer.tool_calls
        ]
        client.chat("p/ok", [answer.message(), *results], tools=[tool], end_user=user)
        messages = request_of(upstream, user)["messages"]
        assert messages[0]["tool_calls"][0]["id"] == messages[1]["tool_call_id"]
        for wrong in (
            {"images": [b"no image"]},
            {"tool_choice": 5},
            {"cache": "yes"},
            {"temprature": 1},
        ):
            options: Any = wrong
            with pytest.raises(InvalidArgument):
                client.chat("p/ok", "Hello", **options)


async def test_the_other_methods_of_the_async_client(llm_server: ServerProcess) -> None:
    """Vectors, models and providers, as with the other client."""
    async with AsyncClient(llm_server.address) as client:
        found = await client.embed("p/vectors", ["one", "two"])
        assert found.vectors.shape[0] == len(found) == 2
        assert (found.provider, found.cached) == ("p", False)
        models = await client.language_models()
        assert models.aliases["fast"] == ["p/ok"]
        assert next(one for one in models.models if one.name == "p/ok").input_usd == 0.5
        (ok,) = [one for one in await client.providers("p") if one.model == "ok"]
        assert (ok.breaker, ok.throttled) == ("closed", False)
