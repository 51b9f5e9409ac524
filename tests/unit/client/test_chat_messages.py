"""Messages with images and tools, restarts, vectors: what the client sends and what it takes."""

from typing import Any

import numpy as np
import pytest

from stubtail.v1 import llm_pb2
from stubtail_client import Internal, InvalidArgument
from stubtail_client.chat_wire import Collected, decode_chat, encode_chat
from stubtail_client.embed_wire import (
    decode_embed,
    decode_language_models,
    decode_providers,
    encode_embed,
)

PNG, JPEG = b"\x89PNG\r\n\x1a\n..", b"\xff\xd8\xff.."


def sent(messages: Any = "Hi", **options: Any) -> llm_pb2.ChatRequest:
    """The request as the server gets it."""
    made: Any = options
    return llm_pb2.ChatRequest.FromString(encode_chat("fast", messages, made))


def test_images_beside_a_text_and_in_messages() -> None:
    """Bytes with their type, addresses as they are, in the order in which they are given."""
    (message,) = sent("What?", images=[PNG, "https://example.com/a.jpg", JPEG]).messages
    kinds = [part.WhichOneof("content") for part in message.parts]
    assert kinds == ["text", "image", "image_url", "image"]
    assert [message.parts[1].image.mime_type, message.parts[3].image.mime_type] == [
        "image/png",
        "image/jpeg",
    ]
    parts = ["What?", {"image": b"raw", "mime_type": "image/x-raw"}, {"image_url": "data:,"}]
    (message,) = sent([{"role": "user", "content": parts}]).messages
    assert message.parts[1].image.data == b"raw"
    assert message.parts[2].image_url == "data:,"


@pytest.mark.parametrize(
    ("messages", "options"),
    [
        ("Hi", {"images": [b"neither"]}),
        ([{"role": "user", "content": "Hi"}], {"images": [PNG]}),
        ([{"role": "user", "content": [{"video": b""}]}], {}),
        ([{"role": "nobody", "content": "Hi"}], {}),
        ([{"role": "user", "contents": "Hi"}], {}),
        ([{"role": "assistant", "tool_calls": [{"name": "no id"}]}], {}),
        ("Hi", {"tool_choice": 1}),
        ("Hi", {"cache": "yes"}),
        ("Hi", {"hedge_after_ms": -1}),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(messages: Any, options: dict[str, Any]) -> None:
    """With the same exception as a refusal of the server."""
    with pytest.raises(InvalidArgument):
        sent(messages, **options)


def test_a_round_with_a_tool() -> None:
    """The answer goes back as it came, then the result."""
    reply = llm_pb2.ChatResponse(
        tool_calls=[llm_pb2.ToolCall(id="c1", name="now", arguments_json="{}")],
        end=llm_pb2.ChatEnd(finish_reason=llm_pb2.FINISH_REASON_TOOL_CALLS),
    )
    answer = decode_chat(reply.SerializeToString())
    result = {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": "noon"}
    made = sent([{"role": "user", "content": "When?"}, answer.message(), result], tool_choice="now")
    assert made.messages[1].tool_calls[0].id == made.messages[2].tool_call_id == "c1"
    assert made.tool_choice.function_name == "now"
    assert sent(tool_choice="required").tool_choice.mode == llm_pb2.ToolChoice.MODE_REQUIRED


def test_whether_a_kept_answer_will_do() -> None:
    """Not unless it is asked for; with an age in seconds."""
    assert not sent().HasField("cache")
    assert not sent(cache=False).HasField("cache")
    assert sent(cache=True).cache.use
    assert sent(cache=1.5).cache.max_age_ms == 1500
    end = llm_pb2.ChatEnd(
        finish_reason=llm_pb2.FINISH_REASON_STOP,
        cache=llm_pb2.CACHE_STATUS_HIT,
        usage=llm_pb2.Usage(source=llm_pb2.Usage.SOURCE_CACHE, cost_nano_usd=0),
    )
    answer = decode_chat(llm_pb2.ChatResponse(text="Hi", end=end).SerializeToString())
    assert (answer.cached, answer.usage.source, answer.usage.cost_nano_usd) == (True, "cache", 0)


def test_a_restart_makes_what_came_void() -> None:
    """The answer is the second one alone, and by whom it was given."""
    collected = Collected()
    reply = llm_pb2.ChatStreamResponse
    start = llm_pb2.ChatStart(provider="p", model="m")
    again = llm_pb2.ChatStart(provider="q", model="m")
    end = llm_pb2.ChatEnd(finish_reason=llm_pb2.FINISH_REASON_STOP)
    call = llm_pb2.ToolCallDelta(index=0, id="c")
    pieces = [
        collected.add(message.SerializeToString())
        for message in (
            reply(seq=0, start=start),
            reply(seq=1, delta=llm_pb2.ChatDelta(text="Gre", tool_calls=[call])),
            reply(seq=2, restart=llm_pb2.ChatRestart(start=again)),
            reply(seq=3, delta=llm_pb2.ChatDelta(text="Gulls")),
            reply(seq=4, end=end),
        )
    ]
    assert [one.restart for one in pieces if one is not None] == [False, True, False]
    answer = collected.finished()
    assert (answer.text, answer.provider, answer.tool_calls) == ("Gulls", "q", [])


def test_vectors() -> None:
    """One text or several; what is no vector for each is told."""
    request = llm_pb2.EmbedRequest.FromString(encode_embed("m", "one", {"dimensions": 3}))
    assert (list(request.inputs), request.dimensions) == (["one"], 3)
    rows = [llm_pb2.Embedding(values=[0.5, 1.0]), llm_pb2.Embedding(values=[2.0, 3.0])]
    found = decode_embed(llm_pb2.EmbedResponse(embeddings=rows, provider="p").SerializeToString())
    assert found.vectors.dtype == np.float32
    assert found.vectors.tolist() == [[0.5, 1.0], [2.0, 3.0]]
    assert found[1].tolist() == [2.0, 3.0]
    ragged = [llm_pb2.Embedding(values=[0.5]), llm_pb2.Embedding(values=[2.0, 3.0])]
    for payload in (
        b"",
        b"\xff",
        llm_pb2.EmbedResponse(embeddings=ragged).SerializeToString(),
    ):
        with pytest.raises(Internal):
            decode_embed(payload)
    for wrong in ({"dimensions": -1}, {"dimension": 3}, {"strategy": "best"}):
        options: Any = wrong
        with pytest.raises(InvalidArgument):
            encode_embed("m", ["one"], options)


def test_garbage_for_models_and_providers() -> None:
    """Is told as such."""
    for decode in (decode_language_models, decode_providers):
        with pytest.raises(Internal):
            decode(b"\xff")
