"""The ways in which an upstream of the tests answers that speaks Anthropic's Messages API."""

from collections.abc import Mapping
from typing import Any

from tests.llm_upstream import TEXT, WORDS, Script, Talk

USAGE: dict[str, int] = {
    "input_tokens": 5,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 2,
}
QUOTE = "the prompt said: SECRET-PROMPT"


async def begin(talk: Talk, words: int = len(WORDS)) -> None:
    """The head, the opening events, a ping, and some words."""
    await talk.head()
    message = {"id": "msg-1", "model": "claude-x", "usage": {**USAGE, "output_tokens": 1}}
    await talk.named("message_start", message=message)
    await talk.named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    await talk.named("ping")
    for word in WORDS[:words]:
        delta = {"type": "text_delta", "text": word}
        await talk.named("content_block_delta", index=0, delta=delta)


async def finish(talk: Talk, reason: str, output_tokens: int = 5) -> None:
    """The closing events."""
    usage = {"output_tokens": output_tokens}
    await talk.named("message_delta", delta={"stop_reason": reason}, usage=usage)
    await talk.named("message_stop")
    await talk.end()


async def whole(talk: Talk, reason: str, *content: dict[str, Any]) -> None:
    """A whole answer."""
    reply: dict[str, Any] = {"id": "msg-1", "model": "claude-x", "type": "message"}
    reply["content"] = content
    await talk.json({**reply, "stop_reason": reason, "usage": {**USAGE, "output_tokens": 5}})


async def says(talk: Talk) -> None:
    """A good answer."""
    if not talk.streams:
        return await whole(talk, "end_turn", {"type": "text", "text": TEXT})
    await begin(talk)
    await talk.named("content_block_stop", index=0)
    return await finish(talk, "end_turn")


async def thinks(talk: Talk) -> None:
    """Thoughts with their seal, and a call of a tool."""
    if not talk.streams:
        thought = {"type": "thinking", "thinking": "Hm.", "signature": "seal"}
        call = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sea"}}
        return await whole(talk, "tool_use", thought, call)
    await talk.head()
    await talk.named("message_start", message={"id": "msg-1", "usage": USAGE})
    await talk.named("content_block_start", index=0, content_block={"type": "thinking"})
    for delta in (
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "signature_delta", "signature": "seal"},
    ):
        await talk.named("content_block_delta", index=0, delta=delta)
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    await talk.named("content_block_start", index=1, content_block=call)
    for part in ("", '{"at": ', '"sea"}'):
        delta = {"type": "input_json_delta", "partial_json": part}
        await talk.named("content_block_delta", index=1, delta=delta)
    return await finish(talk, "tool_use")


async def overloads(talk: Talk) -> None:
    """529 before anything."""
    error = {"type": "overloaded_error", "message": QUOTE}
    await talk.json({"type": "error", "error": error}, "529 Overloaded")


async def overloads_late(talk: Talk) -> None:
    """Two words, and an error in the place of the rest."""
    await begin(talk, 2)
    error = {"type": "overloaded_error", "message": QUOTE}
    await talk.named("error", error=error)
    await talk.end()


async def leaves(talk: Talk) -> None:
    """Two words, and the stream ends without a reason of its end."""
    await begin(talk, 2)
    await talk.named("message_stop")
    await talk.end()


async def outgrown(talk: Talk) -> None:
    """The prompt is too long: only the text of the error says so."""
    error = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}
    await talk.json({"type": "error", "error": error}, "400 Bad Request")


async def refuses(talk: Talk) -> None:
    """Nothing, and a refusal as the reason of the end."""
    if not talk.streams:
        return await whole(talk, "refusal")
    await begin(talk, 0)
    return await finish(talk, "refusal", 0)


ANTHROPIC: Mapping[str, Script] = {
    script.__name__.replace("_", "-"): script
    for script in (says, thinks, overloads, overloads_late, leaves, outgrown, refuses)
}
