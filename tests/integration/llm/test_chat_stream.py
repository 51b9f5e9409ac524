"""ChatStream over real connections: a complete answer is told as complete, and nothing else is."""

import json
from typing import Any

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.calls import Code, refused
from tests.integration.llm.chats import SERVICE, Told, request, stream
from tests.llm_scripts import HUGE
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ServerProcess

TWO_WORDS = "Grey gulls "
# Before the first content nobody has been told anything: (model, outcome, status, reason).
EARLY = [
    ("broken", "UPSTREAM_ERROR", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("throttled", "THROTTLED", Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY"),
    ("throttled-bare", "THROTTLED", Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY"),
    ("bad-key", "AUTH_FAILED", Code.INTERNAL, "PROVIDER_AUTH"),
    ("too-long", "CONTEXT_TOO_LONG", Code.INVALID_ARGUMENT, "UPSTREAM_REFUSED"),
    ("garbage", "MALFORMED", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("no-http", "BROKEN_OFF", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("silent", "NO_FIRST_TOKEN", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("endless-head", "NO_FIRST_TOKEN", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("stall-before", "NO_FIRST_TOKEN", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("comments", "NO_FIRST_TOKEN", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("reset-before", "BROKEN_OFF", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("error-first", "UPSTREAM_ERROR", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("error-json", "THROTTLED", Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY"),
]
# After it: (model, text, finish reason, outcome, reason).
LATE = [
    ("stall-after", TWO_WORDS, "STALLED", "STALLED", "ANSWER_STALLED"),
    ("reset-mid", TWO_WORDS, "UPSTREAM_ERROR", "BROKEN_OFF", "ANSWER_INTERRUPTED"),
    ("cut", TWO_WORDS, "UPSTREAM_ERROR", "BROKEN_OFF", "ANSWER_INTERRUPTED"),
    ("cut-raw", TWO_WORDS, "UPSTREAM_ERROR", "BROKEN_OFF", "ANSWER_INTERRUPTED"),
    ("done-early", TWO_WORDS, "UPSTREAM_ERROR", "BROKEN_OFF", "ANSWER_INTERRUPTED"),
    ("garbage-late", TWO_WORDS, "UPSTREAM_ERROR", "MALFORMED", "ANSWER_INTERRUPTED"),
    ("error-late", TWO_WORDS, "UPSTREAM_ERROR", "UPSTREAM_ERROR", "ANSWER_INTERRUPTED"),
    ("error-finish", TWO_WORDS, "UPSTREAM_ERROR", "UPSTREAM_ERROR", "ANSWER_INTERRUPTED"),
    ("too-huge", "Grey ", "UPSTREAM_ERROR", "MALFORMED", "ANSWER_INTERRUPTED"),
    ("partial-usage", "Grey ", "UPSTREAM_ERROR", "BROKEN_OFF", "ANSWER_INTERRUPTED"),
]
SHORT = {"first_token_timeout_ms": 300, "stall_timeout_ms": 300}
HASTY = {"silent", "endless-head", "stall-before", "comments", "stall-after"}


def outcomes(end: llm_pb2.ChatEnd) -> list[str]:
    """How the attempts ended."""
    return [outcome(one.outcome) for one in end.attempts]


def outcome(value: llm_pb2.AttemptOutcome) -> str:
    """The name of an outcome without its prefix."""
    return llm_pb2.AttemptOutcome.Name(value).removeprefix("ATTEMPT_OUTCOME_")


def finish(end: llm_pb2.ChatEnd | None) -> str:
    """The name of the reason of an end."""
    assert end is not None
    return llm_pb2.FinishReason.Name(end.finish_reason).removeprefix("FINISH_REASON_")


def patience(model: str) -> dict[str, Any]:
    """Short times where a fault is one of time; a busy machine is not hurried elsewhere."""
    return SHORT if model in HASTY else {}


def complete(told: Told) -> llm_pb2.ChatEnd:
    """The End of a stream that must be complete."""
    assert told.error is None, told.error
    assert told.end is not None
    return told.end


def test_a_good_answer(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Start, words and End, with usage, cost, attempts and times."""
    made = request("p/ok")

    told = stream(llm, made)

    end = complete(told)
    assert told.text == TEXT
    assert told.start == llm_pb2.ChatStart(
        provider="p", model="ok", response_model="ok-0613", upstream_id="up-1", attempt=1
    )
    assert (finish(end), end.raw_finish_reason) == ("STOP", "stop")
    usage = end.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens) == (11, 5, 4)
    assert usage.reasoning_output_tokens == 2
    assert usage.source == llm_pb2.Usage.SOURCE_PROVIDER
    assert usage.cost_nano_usd == 7 * 500 + 4 * 100 + 5 * 1500
    assert outcomes(end) == ["OK"]
    timing = end.timing
    assert timing.total_us >= timing.first_token_us > 0
    parts_us = timing.upstream_us + timing.caller_us + timing.proxy_us
    assert abs(timing.total_us - parts_us) <= 2  # each is rounded
    (talk,) = upstream.of(made.end_user)
    assert talk.body["stream_options"] == {"include_usage": True}
    assert talk.body["messages"] == [{"role": "user", "content": "SECRET-PROMPT"}]
    assert "authorization" not in talk.headers


@pytest.mark.parametrize(("model", "status"), [("no-usage", "nobody"), ("lingering", "provider")])
def test_loose_ends_are_complete(llm: grpc.Channel, model: str, status: str) -> None:
    """The reason of the end makes an answer complete, whatever does or does not come after it."""
    told = stream(llm, request(f"p/{model}"))

    end = complete(told)
    assert (told.text, finish(end)) == (TEXT, "STOP")
    counted = end.usage.source == llm_pb2.Usage.SOURCE_PROVIDER
    assert counted == (status == "provider")
    assert not end.usage.HasField("cost_nano_usd")


@pytest.mark.parametrize("model", ["bytewise", "huge", "thinking", "slow-head"])
def test_odd_forms_are_read(llm: grpc.Channel, model: str) -> None:
    """Bytes one by one with CR LF, large pieces, thoughts and log-probabilities."""
    told = stream(llm, request(f"p/{model}"))

    complete(told)
    assert told.text == {"huge": HUGE + "!", "thinking": "Yes"}.get(model, TEXT)
    if model == "thinking":
        assert told.deltas[0].reasoning == "Hm."
        assert [top.token for top in told.deltas[1].logprobs[0].top] == ["Yes", "No"]


def test_tool_calls_keep_their_places(llm: grpc.Channel) -> None:
    """Pieces of two calls that alternate can be put together by their index."""
    told = stream(llm, request("p/tools"))

    assert finish(complete(told)) == "TOOL_CALLS"
    arguments = {0: "", 1: ""}
    pieces = [piece for delta in told.deltas for piece in delta.tool_calls]
    for piece in pieces:
        arguments[piece.index] += piece.arguments_fragment
    assert arguments == {0: '{"at": "sea"}', 1: '{"at": "sea"}'}
    assert [(piece.id, piece.name) for piece in pieces[:2]] == [("c0", "look"), ("c1", "listen")]


@pytest.mark.parametrize(("model", "ended", "code", "reason"), EARLY)
def test_early_faults_are_a_plain_status(
    llm: grpc.Channel, model: str, ended: str, code: grpc.StatusCode, reason: str
) -> None:
    """Without another upstream, a fault before the first content is a status and nothing else."""
    told = stream(llm, request(f"p/{model}@0", max_attempts=1, **patience(model)))

    assert (told.start, told.deltas, told.end) == (None, [], None)
    assert told.error is not None
    assert (told.error.code, told.error.reason) == (code, reason)
    assert told.error.metadata["outcome"] == ended
    assert "SECRET" not in told.error.message + str(told.error.metadata)


@pytest.mark.parametrize(("model", "ended"), [fault[:2] for fault in EARLY])
def test_early_faults_fail_over(
    llm: grpc.Channel, upstream: LlmUpstream, model: str, ended: str
) -> None:
    """With another upstream, nobody but the list of attempts tells of the fault."""
    made = request(f"after {model}@1", **patience(model))

    told = stream(llm, made)

    end = complete(told)
    assert (told.text, outcomes(end)) == (TEXT, [ended, "OK"])
    assert told.start is not None
    assert (told.start.provider, told.start.attempt) == ("q", 2)
    assert [talk.model for talk in upstream.of(made.end_user)] == [f"{model}@1", "ok"]


@pytest.mark.parametrize(("model", "text", "finished", "ended", "reason"), LATE)
def test_late_faults_are_never_taken_for_an_end(
    llm: grpc.Channel,
    transport: str,
    upstream: LlmUpstream,
    model: str,
    text: str,
    finished: str,
    ended: str,
    reason: str,
) -> None:
    """After the first content no other upstream is asked: an End that says why, and an error."""
    made = request(f"after {model}", **patience(model))
    last_word = text.rsplit(maxsplit=1)[-1] + " "

    def heard(word: str) -> None:
        if word.endswith(last_word):
            upstream.of(made.end_user)[0].heard.set()

    told = stream(llm, made, heard)

    assert told.text == text
    assert told.error is not None
    assert (told.error.code, told.error.reason) == (Code.UNAVAILABLE, reason)
    if transport == "grpcio":  # the native front cannot send it, and a begun call is not retried
        assert told.error.pushback_ms is not None
        assert told.error.pushback_ms < 0  # never again: the caller has part of an answer
    assert "SECRET" not in told.error.message
    assert told.end is not None
    assert (finish(told.end), told.end.raw_finish_reason) == (finished, "")
    assert outcomes(told.end) == [ended]
    assert told.end.usage.source == llm_pb2.Usage.SOURCE_PARTIAL
    assert len(upstream.of(made.end_user)) == 1
    if model == "partial-usage":
        assert told.end.usage.output_tokens == 1


def test_providers_out_of_reach_fail_over(llm: grpc.Channel) -> None:
    """A closed port, and a port that speaks no TLS."""
    end = complete(stream(llm, request("unreachable", connect_timeout_ms=800)))

    assert outcomes(end) == ["CONNECT_FAILED", "CONNECT_FAILED", "OK"]


def test_aliases_fall_back_on_others(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """An alias after an alias; the fault of its first target comes after content, and ends it."""
    made = request("chain", max_attempts=3)

    told = stream(llm, made)

    assert told.error is not None
    assert told.error.reason == "ANSWER_INTERRUPTED"
    assert [talk.model for talk in upstream.of(made.end_user)] == ["broken", "cut"]


def test_the_same_upstream_is_asked_again(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """What may be over in a moment is tried again, within one budget of attempts."""
    made = request("p/broken@2", max_attempts=3)

    told = stream(llm, made)

    assert told.error is not None
    assert told.error.metadata["attempts"] == "3"
    assert len(upstream.of(made.end_user)) == 3


@pytest.mark.parametrize("method", ["Chat", "ChatStream"])
def test_channels_do_not_multiply_attempts(
    llm_server: ServerProcess, upstream: LlmUpstream, method: str
) -> None:
    """A channel that retries what is UNAVAILABLE leaves failed chats alone: ours were enough."""
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.01s",
        "maxBackoff": "0.01s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    options = [("grpc.service_config", json.dumps(config)), ("grpc.enable_retries", 1)]
    made = request("p/broken@6", max_attempts=2)

    with grpc.insecure_channel(llm_server.address, options) as channel:
        if method == "Chat":
            assert refused(channel, SERVICE + "Chat", made).reason == "UPSTREAM_FAILED"
        else:
            assert stream(channel, made).error is not None

    assert len(upstream.of(made.end_user)) == 2


def test_keys_are_sent_and_not_shown(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """The key of a file is in the request; logs and pages are searched for it at the end."""
    made = request("keyed/ok")

    complete(stream(llm, made))

    (talk,) = upstream.of(made.end_user)
    assert talk.headers["authorization"] == "Bearer sk-SECRET-KEY"
