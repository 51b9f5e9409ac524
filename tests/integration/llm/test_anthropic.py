"""Anthropic's Messages API over real connections: the same answers in other words."""

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.calls import Code, refused, refused_field
from tests.integration.llm.chats import SERVICE, chat, request, stream
from tests.integration.llm.test_chat_stream import complete, finish, outcomes
from tests.llm_upstream import TEXT, LlmUpstream

CHAT = SERVICE + "Chat"
TWO_WORDS = "Grey gulls "


def check_usage(usage: llm_pb2.Usage) -> None:
    """Cached tokens are among the input here; what was written into the cache costs more."""
    assert (usage.input_tokens, usage.output_tokens) == (11, 5)
    assert (usage.cached_input_tokens, usage.cache_write_input_tokens) == (4, 2)
    assert usage.cost_nano_usd == 5 * 3000 + 4 * 300 + 2 * 3750 + 5 * 15_000
    assert usage.source == llm_pb2.Usage.SOURCE_PROVIDER


def test_a_streamed_answer(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Its own request, its own events, and the same Start, words and End."""
    made = request("claude/says")

    told = stream(llm, made)

    end = complete(told)
    assert told.text == TEXT
    assert told.start is not None
    assert (told.start.response_model, told.start.upstream_id) == ("claude-x", "msg-1")
    assert (finish(end), end.raw_finish_reason) == ("STOP", "end_turn")
    check_usage(end.usage)
    (talk,) = upstream.of(made.end_user)
    assert (talk.headers["x-api-key"], talk.headers["anthropic-version"]) == (
        "sk-SECRET-KEY",
        "2023-06-01",
    )
    assert "authorization" not in talk.headers
    assert (talk.body["max_tokens"], talk.body["stream"]) == (777, True)
    said = [{"type": "text", "text": "SECRET-PROMPT"}]
    assert talk.body["messages"] == [{"role": "user", "content": said}]


def test_a_whole_answer(llm: grpc.Channel) -> None:
    """One reply."""
    reply = chat(llm, request("claude/says"))

    assert (reply.text, reply.end.raw_finish_reason) == (TEXT, "end_turn")
    check_usage(reply.end.usage)


def test_thoughts_and_tools(llm: grpc.Channel) -> None:
    """Streamed or whole, thoughts have their seal, and the call of the tool its arguments."""
    told = stream(llm, request("claude/thinks"))

    assert finish(complete(told)) == "TOOL_CALLS"
    assert "".join(one.reasoning for one in told.deltas) == "Hm."
    assert "".join(one.reasoning_signature for one in told.deltas) == "seal"
    calls = [call for delta in told.deltas for call in delta.tool_calls]
    assert (calls[0].id, calls[0].name, {call.index for call in calls}) == ("t1", "look", {0})
    assert "".join(call.arguments_fragment for call in calls) == '{"at": "sea"}'

    reply = chat(llm, request("claude/thinks"))
    assert (reply.reasoning, reply.reasoning_signature) == ("Hm.", "seal")
    assert reply.tool_calls[0].arguments_json == '{"at":"sea"}'


@pytest.mark.parametrize("method", ["Chat", "ChatStream"])
def test_overload_is_a_failure_of_the_provider(llm: grpc.Channel, method: str) -> None:
    """529 before anything."""
    made = request("claude/overloads", max_attempts=1)
    if method == "Chat":
        found = refused(llm, CHAT, made)
    else:
        told = stream(llm, made)
        assert told.error is not None
        found = told.error
    assert (found.code, found.reason) == (Code.UNAVAILABLE, "UPSTREAM_FAILED")
    assert (found.metadata["http_status"], found.metadata["error_code"]) == (
        "529",
        "overloaded_error",
    )


@pytest.mark.parametrize(
    ("model", "ended"), [("overloads-late", "UPSTREAM_ERROR"), ("leaves", "BROKEN_OFF")]
)
def test_late_faults_are_never_taken_for_an_end(llm: grpc.Channel, model: str, ended: str) -> None:
    """An error event, and a last event without the reason of the end."""
    told = stream(llm, request(f"claude/{model}"))

    assert told.text == TWO_WORDS
    assert told.error is not None
    assert told.error.reason == "ANSWER_INTERRUPTED"
    assert told.end is not None
    assert (finish(told.end), outcomes(told.end)) == ("UPSTREAM_ERROR", [ended])
    assert told.end.usage.source == llm_pb2.Usage.SOURCE_PARTIAL


@pytest.mark.parametrize(
    ("alias", "ended"), [("outgrown", "CONTEXT_TOO_LONG"), ("refused", "CONTENT_REFUSED")]
)
def test_what_does_not_fit_or_is_refused_goes_elsewhere(
    llm: grpc.Channel, upstream: LlmUpstream, alias: str, ended: str
) -> None:
    """To the alias that the settings name for it, past the other targets."""
    made = request(alias)
    told = stream(llm, made)

    assert (told.text, outcomes(complete(told))) == (TEXT, [ended, "OK"])
    assert [talk.model for talk in upstream.of(made.end_user)][1:] == ["ok"]
    assert [one.model for one in chat(llm, request(alias)).end.attempts][1:] == ["ok"]


def test_what_it_cannot_do_is_asked_of_others_or_refused(
    llm: grpc.Channel, upstream: LlmUpstream
) -> None:
    """A field that a provider does not offer is never dropped: the provider is passed by."""
    made = request("claude/says")
    made.sampling.top_logprobs = 2
    field, expected = refused_field(llm, CHAT, made)
    assert field == "sampling.top_logprobs"
    assert "claude/says has no sampling.top_logprobs" in expected
    assert upstream.of(made.end_user) == []

    made = request("ok", order=["strict", "q"])
    made.sampling.seed = 7
    assert chat(llm, made).start.provider == "q"
    made = request("ok", order=["strict", "q"])
    assert chat(llm, made).start.provider == "strict"
