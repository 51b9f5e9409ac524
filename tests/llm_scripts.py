"""The ways in which the upstream of the tests answers, by the name of the model."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping

import numpy as np

from tests.llm_endless import PACE_S, endless_head, flood, slow_head, trickle
from tests.llm_upstream import TEXT, USAGE, WORDS, Script, Talk

HUGE = "ü" * 150_000  # a delta of 300 kB
QUOTE = "the prompt said: SECRET-PROMPT"  # providers quote requests in their errors


async def ok(talk: Talk) -> None:
    """A good answer."""
    if not talk.streams:
        return await talk.whole()
    await talk.begin()
    await talk.delta(finish="stop")
    await talk.usage()
    return await talk.done()


async def paced(talk: Talk) -> None:
    """A good answer, a word at a time."""
    await talk.head()
    for word in WORDS * 4:
        await talk.delta(word)
        await asyncio.sleep(PACE_S)
    await talk.delta(finish="length")
    await talk.done()


async def throttled(talk: Talk) -> None:
    """Too often, with a time."""
    error = {"error": {"message": QUOTE, "code": "rate_limit_exceeded"}}
    await talk.json(error, "429 Too Many Requests", "Retry-After: 30")


async def throttled_bare(talk: Talk) -> None:
    """Too often, without a time, and without a word that can be read."""
    await talk.sized(b"<html>slow down</html>", "429 Too Many Requests")


async def broken(talk: Talk) -> None:
    """A failure of the provider."""
    error = {"error": {"message": QUOTE, "type": "server_error"}}
    await talk.json(error, "500 Internal Server Error")


async def bad_key(talk: Talk) -> None:
    """The key is wrong."""
    error = {"error": {"message": "Incorrect API key: sk-SECRET-KEY", "code": "invalid_api_key"}}
    await talk.json(error, "401 Unauthorized")


async def too_long(talk: Talk) -> None:
    """The request is refused."""
    error = {"error": {"message": QUOTE, "code": "context_length_exceeded"}}
    await talk.json(error, "400 Bad Request")


async def garbage(talk: Talk) -> None:
    """No JSON."""
    if not talk.streams:
        return await talk.sized(b'{"choices": [')
    await talk.head()
    return await talk.piece(b'data: {"choices": [SECRET-ANSWER\n\n')


async def garbage_late(talk: Talk) -> None:
    """Two words, and then no JSON."""
    await talk.begin(2)
    await talk.piece(b"data: SECRET-ANSWER\n\n")
    await talk.delta(finish="stop")
    await talk.done()


async def no_http(talk: Talk) -> None:
    """Something else than HTTP."""
    await talk.raw(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")


async def silent(talk: Talk) -> None:
    """No head ever comes."""
    await talk.silence()


async def stall_before(talk: Talk) -> None:
    """A head and a chunk without content, and then nothing."""
    await talk.begin(0)
    await talk.silence()


async def comments(talk: Talk) -> None:
    """A head, and then comments for ever: signs of life that are no answer."""
    await talk.begin(0)
    await talk.comments()


async def stall_after(talk: Talk) -> None:
    """Two words, and then comments for ever."""
    await talk.begin(2)
    await talk.comments()


async def reset_before(talk: Talk) -> None:
    """The connection is dropped at once."""
    talk.reset()


async def reset_mid(talk: Talk) -> None:
    """Two words, and the connection is dropped."""
    await talk.begin(2)
    await talk.until_heard()
    talk.reset()


async def cut(talk: Talk) -> None:
    """Two words, and the body ends as if that were all."""
    if not talk.streams:
        await talk.sized(b'{"choices": [{"message": {"content": "Grey', extra=50)
        return await talk.leave()
    await talk.begin(2)
    return await talk.end()


async def cut_raw(talk: Talk) -> None:
    """Two words, and the connection is closed within the body."""
    await talk.begin(2)
    await talk.leave()


async def done_early(talk: Talk) -> None:
    """Two words, and the end of the stream, but no reason of an end."""
    if not talk.streams:
        return await talk.whole("Grey gulls ", None)
    await talk.begin(2)
    return await talk.done()


async def error_first(talk: Talk) -> None:
    """A stream that begins with an error."""
    await talk.head()
    await talk.event({"error": {"message": QUOTE, "code": "overloaded"}})
    await talk.done()


async def error_late(talk: Talk) -> None:
    """Two words, and an error in the place of the rest."""
    await talk.begin(2)
    await talk.event({"error": {"message": QUOTE, "code": 502}})
    await talk.done()


async def error_json(talk: Talk) -> None:
    """200, and an error in a body that is no stream."""
    await talk.json({"error": {"message": QUOTE, "code": 429}})


async def error_finish(talk: Talk) -> None:
    """Two words, and an error as the reason of the end."""
    if not talk.streams:
        return await talk.whole("Grey gulls ", "error")
    await talk.begin(2)
    await talk.delta(finish="error")
    return await talk.done()


async def no_usage(talk: Talk) -> None:
    """A good answer without counts, and without the last event."""
    await talk.begin()
    await talk.delta(finish="stop")
    await talk.end()


async def lingering(talk: Talk) -> None:
    """A good answer, after which the stream stays open."""
    await talk.begin()
    await talk.delta(finish="stop")
    await talk.usage(choices=None)
    await talk.comments()


async def huge(talk: Talk) -> None:
    """A large piece, and a small one."""
    await talk.head()
    await talk.delta(HUGE)
    await talk.delta("!", finish="stop")
    await talk.done()


async def too_huge(talk: Talk) -> None:
    """A word, and an event above the bound."""
    await talk.begin(1)
    await talk.piece(b"data: " + b"x" * (1 << 20))
    await talk.piece(b"x" * 4096)
    await talk.silence()


async def tools(talk: Talk) -> None:
    """Two calls of tools, in alternating pieces."""
    if not talk.streams:
        function = {"name": "look", "arguments": '{"at": "sea"}'}
        calls = [{"id": "c0", "type": "function", "function": function}]
        return await talk.whole(None, "tool_calls", tool_calls=calls)
    await talk.head()
    for index, name in enumerate(("look", "listen")):
        opening = {"index": index, "id": f"c{index}", "function": {"name": name, "arguments": ""}}
        await talk.delta(tool_calls=[opening])
    for part in ('{"at": ', '"sea"}'):
        for index in (0, 1):
            await talk.delta(tool_calls=[{"index": index, "function": {"arguments": part}}])
    await talk.delta(finish="tool_calls")
    return await talk.done()


async def bytewise(talk: Talk) -> None:
    """A good answer, a byte at a time, with lines ended by CR LF."""
    events = [talk.chunk(word) for word in WORDS] + [talk.chunk("", "stop")]
    texts = [json.dumps(event, ensure_ascii=False) for event in events]
    await talk.head()
    for byte in "".join(f"data: {text}\r\n\r\n" for text in [*texts, "[DONE]"]).encode():
        await talk.piece(bytes([byte]))
    await talk.end()


async def thinking(talk: Talk) -> None:
    """Thoughts, log-probabilities and a word."""
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.5}]
    logprobs = {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": top}]}
    if not talk.streams:
        return await talk.whole("Yes", reasoning_content="Hm.")
    await talk.head()
    await talk.delta(reasoning="Hm.")
    event = talk.chunk("Yes")
    event["choices"][0]["logprobs"] = logprobs
    await talk.event(event)
    await talk.delta(finish="stop")
    return await talk.done()


async def partial_usage(talk: Talk) -> None:
    """Counts with a word, and then the connection is dropped."""
    await talk.head()
    await talk.event({**talk.chunk("Grey "), "usage": {**USAGE, "completion_tokens": 1}})
    await talk.until_heard()
    talk.reset()


def vector(text: str) -> list[float]:
    """What the upstream makes of a text."""
    return [float(len(text)), 0.5, -1.0]


async def vectors(talk: Talk) -> None:
    """A vector for each text, as bytes, last text first."""
    data = [
        {"index": index, "embedding": b64encode(np.array(vector(text), "<f4").tobytes()).decode()}
        for index, text in enumerate(talk.body["input"])
    ]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    await talk.json({"data": data[::-1], "model": "vectors-2", "usage": usage})


async def vectors_only(talk: Talk) -> None:
    """The same by a model that refuses a chat, as those of OpenAI do."""
    if "input" in talk.body:
        return await vectors(talk)
    error = {"message": QUOTE, "code": "not_a_chat_model"}
    return await talk.json({"error": error}, "404 Not Found")


async def vector_lists(talk: Talk) -> None:
    """The same as lists of numbers, in the order of the texts, without counts."""
    await talk.json({"data": [{"embedding": vector(text)} for text in talk.body["input"]]})


async def vectors_missing(talk: Talk) -> None:
    """One vector too few."""
    data = [{"index": 0, "embedding": vector(text)} for text in talk.body["input"][1:]]
    await talk.json({"data": data})


SCRIPTS: Mapping[str, Script] = {
    script.__name__.replace("_", "-"): script
    for script in (
        ok, paced, throttled, throttled_bare, broken, bad_key, too_long, garbage, garbage_late,
        no_http, silent, slow_head, endless_head, stall_before, comments, stall_after,
        reset_before, reset_mid, cut, cut_raw,
        done_early, error_first, error_late, error_json, error_finish, no_usage, lingering, huge,
        too_huge, tools, bytewise, thinking, trickle, partial_usage, vectors, vector_lists,
        vectors_only, vectors_missing, flood,
    )
}  # fmt: skip
__all__ = ["HUGE", "SCRIPTS", "TEXT"]
