"""Tests of what the client sends for a chat, and of what it takes for a whole answer."""

from typing import Any

import pytest

from stubtail.v1 import llm_pb2
from stubtail_client import Internal, InvalidArgument, TokenLogprob
from stubtail_client.chat_wire import Collected, decode_chat, encode_chat

STOP = llm_pb2.FINISH_REASON_STOP


def sent(messages: Any = "Hi", **options: Any) -> llm_pb2.ChatRequest:
    """The request as the server gets it."""
    made: Any = options
    return llm_pb2.ChatRequest.FromString(encode_chat("fast", messages, made))


def message(seq: int, **event: Any) -> bytes:
    """One message of a stream."""
    return llm_pb2.ChatStreamResponse(seq=seq, **event).SerializeToString()


def start(seq: int = 0) -> bytes:
    """The first message."""
    return message(seq, start=llm_pb2.ChatStart(provider="p", model="m"))


def delta(seq: int, text: str) -> bytes:
    """A piece of text."""
    return message(seq, delta=llm_pb2.ChatDelta(text=text))


def end(seq: int, reason: llm_pb2.FinishReason = STOP) -> bytes:
    """The last message."""
    return message(seq, end=llm_pb2.ChatEnd(finish_reason=reason))


def test_a_text_is_what_the_user_says():
    """And nothing else is sent."""
    made = sent()
    assert [(one.role, one.text) for one in made.messages] == [(llm_pb2.CHAT_ROLE_USER, "Hi")]
    assert not made.HasField("response_format")


def test_every_option_has_its_field():
    """Zeros that are set are sent."""
    made = sent(
        [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "x", "tool_call_id": "c"}],
        system="Be kind",
        temperature=0.0,
        top_logprobs=0,
        max_tokens=9,
        stop=["."],
        tools=[{"name": "look", "parameters": {"type": "object"}}],
        json_schema={"type": "object"},
        only=["a"],
        strategy="lowest_cost",
        allow_fallback=False,
        max_attempts=2,
        end_user="u",
    )
    assert [one.text for one in made.messages] == ["Be kind", "Hi", "x"]
    assert made.messages[2].tool_call_id == "c"
    assert made.sampling.HasField("temperature")
    assert made.sampling.HasField("top_logprobs")
    assert (made.sampling.max_tokens, list(made.sampling.stop)) == (9, ["."])
    assert made.tools[0].parameters_json == '{"type": "object"}'
    assert made.response_format.json_schema.schema_json == '{"type": "object"}'
    assert made.routing.strategy == llm_pb2.ROUTING_STRATEGY_LOWEST_COST
    assert made.routing.HasField("allow_fallback")
    assert (list(made.routing.only), made.routing.max_attempts, made.end_user) == (["a"], 2, "u")


@pytest.mark.parametrize(
    "options",
    [{"temprature": 1}, {"temperature": "hot"}, {"strategy": "best"}, {"tools": [{}]}, {"stop": 3}],
)
def test_wrong_options_are_refused(options: dict[str, Any]):
    """Before anything is sent."""
    with pytest.raises(InvalidArgument):
        sent(**options)


def test_wrong_roles_are_refused():
    """With the place of the message."""
    with pytest.raises(InvalidArgument, match=r"messages\[0\].role"):
        sent([{"role": "robot", "content": "x"}])


def test_pieces_become_an_answer():
    """Texts are joined, calls of tools by their index."""
    collected = Collected()
    pieces = [
        llm_pb2.ToolCallDelta(index=1, id="c1", name="b", arguments_fragment="{"),
        llm_pb2.ToolCallDelta(index=0, id="c0", name="a", arguments_fragment="{}"),
        llm_pb2.ToolCallDelta(index=1, arguments_fragment="}"),
    ]
    for payload in (
        start(),
        delta(1, "Hi"),
        delta(2, " you"),
        message(3, delta=llm_pb2.ChatDelta(tool_calls=pieces)),
        end(4),
    ):
        collected.add(payload)

    answer = collected.finished()

    assert (answer.text, answer.provider, answer.complete) == ("Hi you", "p", True)
    assert [(one.id, one.arguments) for one in answer.tool_calls] == [("c0", "{}"), ("c1", "{}")]


@pytest.mark.parametrize(
    "payloads",
    [
        [],
        [start()],
        [start(), delta(1, "Hi")],
        [start(), delta(1, "Hi"), end(2, llm_pb2.FINISH_REASON_UPSTREAM_ERROR)],
        [start(), delta(1, "Hi"), end(2, llm_pb2.FINISH_REASON_STALLED)],
        [start(), delta(1, "Hi"), end(2, llm_pb2.FINISH_REASON_DEADLINE)],
        [start(), delta(1, "Hi"), end(2, llm_pb2.FINISH_REASON_UNSPECIFIED)],
    ],
)
def test_what_is_not_whole_is_never_taken_for_it(payloads: list[bytes]):
    """Even where something on the way ends a cut stream with OK."""
    collected = Collected()
    for payload in payloads:
        collected.add(payload)

    with pytest.raises(Internal) as caught:
        collected.finished()

    assert caught.value.partial is not None
    assert not caught.value.partial.complete


@pytest.mark.parametrize(
    "payloads", [[start(1)], [start(), delta(2, "x")], [start(), end(1), delta(2, "x")], [b"\xff"]]
)
def test_gaps_and_garbage_are_told(payloads: list[bytes]):
    """A lost message, one after the End, and bytes that are none."""
    collected = Collected()
    *before, last = payloads
    for payload in before:
        collected.add(payload)
    with pytest.raises(Internal):
        collected.add(last)


def test_a_whole_reply_needs_its_end():
    """A reply without one is none."""
    whole = llm_pb2.ChatResponse(text="Hi", end=llm_pb2.ChatEnd(finish_reason=STOP))
    assert decode_chat(whole.SerializeToString()).text == "Hi"
    for payload in (llm_pb2.ChatResponse(text="Hi").SerializeToString(), b"\xff"):
        with pytest.raises(Internal):
            decode_chat(payload)


def test_probabilities_are_given_whole_or_in_pieces():
    """Of a reply, and of the deltas of a stream up to where it begins anew."""
    yes = llm_pb2.TokenLogprob(token="Yes", logprob=-0.1)
    yes.top.add(token="No", logprob=-2.5)
    told = TokenLogprob("Yes", -0.1, (("No", -2.5),))
    end = llm_pb2.ChatEnd(finish_reason=STOP)
    whole = llm_pb2.ChatResponse(text="Yes", logprobs=[yes, yes], end=end)
    assert decode_chat(whole.SerializeToString()).logprobs == [told, told]
    collected = Collected()
    for seq in range(2):
        collected.add(message(seq, delta=llm_pb2.ChatDelta(text="Yes", logprobs=[yes])))
    assert collected.answer().logprobs == [told, told]
    collected.add(message(2, restart=llm_pb2.ChatRestart()))
    assert collected.answer().logprobs == []


def test_a_reason_that_nobody_knows_is_not_known_to_be_the_end():
    """The answer is there, and does not say that it is whole."""
    end = llm_pb2.ChatEnd(raw_finish_reason="max_time")
    answer = decode_chat(llm_pb2.ChatResponse(text="Hi", end=end).SerializeToString())
    assert (answer.text, answer.finish_reason, answer.complete) == ("Hi", "unspecified", False)
