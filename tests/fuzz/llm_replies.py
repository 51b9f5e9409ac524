"""What hostile providers of language models answer: what is nearly right, or not at all."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

KEY: Final = "sk-FUZZ-KEY"  # of the provider, which may repeat it
HELD_OPEN: Final = b"..."  # a provider whose bytes end with it says no more, and does not leave
BYTES: Final = (
    b"data: ", b"\n\n", b"\r\n", b"event: error\n", b"[DONE]", b'"content":', b'"choices":[',
    b'"index":0', b'"finish_reason":"stop"', b'"usage":', b'"error":{"code":', KEY.encode(),
    b"0\r\n\r\n", b"Retry-After: ", b"\xff", b"1" * 400, b"[" * 1000, HELD_OPEN,
)  # fmt: skip
_DATE: Final = b"Wed, 21 Oct 2099 07:28:00 GMT"
_NEVER: Final = b"Wed, 21 Oct %d 07:28:00 GMT" % 10**20
_ODD: Final[tuple[Any, ...]] = (
    None,
    0,
    -1,
    True,
    "",
    "x",
    KEY,
    [],
    {},
    [{}],
    1e300,
    10**400,
    "\ud83d",
    float("nan"),
)


def replies(provider: str, way: str) -> Callable[[Random], bytes]:
    """Makes replies that are nearly right."""
    make = {
        "openai.chat": _openai_whole,
        "openai.stream": _openai_events,
        "openai.embed": _vectors,
        "anthropic.chat": _anthropic_whole,
        "anthropic.stream": _anthropic_events,
    }[f"{provider}.{way}"]

    def generate(random: Random) -> bytes:
        status = random.choice([b"200 OK"] * 6 + [b"400 No", b"401 No", b"429 No", b"503 No"])
        streams = way == "stream" and random.random() < 0.9
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: "
        head += b"text/event-stream\r\n" if streams else b"application/json\r\n"
        if random.random() < 0.2:
            head += b"Retry-After: " + random.choice([b"1", b"x", _DATE, _NEVER]) + b"\r\n"
        body = make(random) if status == b"200 OK" else _error(random)
        framing = random.randrange(3)
        if framing == 0:
            head += b"Content-Length: %d\r\n" % len(body)
        elif framing == 1:
            head += b"Transfer-Encoding: chunked\r\n"
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        end = HELD_OPEN if random.random() < 0.03 else b""
        return head + b"\r\n" + body + end

    return generate


def _value(random: Random, usual: Any) -> Any:
    return usual if random.random() < 0.9 else random.choice(_ODD)


def _dumps(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _error(random: Random) -> bytes:
    code = _value(random, random.choice(["rate_limit_exceeded", "down", KEY, 400]))
    return _dumps({"error": _value(random, {"code": code, "message": KEY})})


def _usage(random: Random) -> Any:
    details = {"cached_tokens": _value(random, 1)}
    usage: dict[str, Any] = {
        "prompt_tokens": _value(random, 3),
        "completion_tokens": _value(random, 2),
    }
    return _value(random, {**usage, "prompt_tokens_details": _value(random, details)})


def _message(random: Random) -> dict[str, Any]:
    found: dict[str, Any] = {"content": _value(random, "Hello ")}
    if random.random() < 0.2:
        function: Any = {"name": _value(random, "f"), "arguments": _value(random, "{}")}
        call = {"index": _value(random, 0), "id": _value(random, "c"), "function": function}
        found["tool_calls"] = _value(random, [_value(random, call)])
    return found


def _choice(random: Random, part: str, finish: str | None) -> dict[str, Any]:
    said = {"index": _value(random, 0), part: _value(random, _message(random))}
    if random.random() < 0.1:
        token = {"token": _value(random, "t"), "logprob": _value(random, -0.1)}
        said["logprobs"] = _value(random, {"content": _value(random, [token])})
    return {**said, "finish_reason": _value(random, finish)}


def _openai_whole(random: Random) -> bytes:
    choices = _value(random, [_value(random, _choice(random, "message", "stop"))])
    return _dumps({"id": _value(random, "i"), "choices": choices, "usage": _usage(random)})


def _openai_events(random: Random) -> bytes:
    said: list[dict[str, Any]] = [
        {"model": "m", "choices": [_choice(random, "delta", None)]} for _ in range(3)
    ]
    said.append({"model": "m", "choices": [_choice(random, "delta", "stop")]})
    said.append({"choices": [], "usage": _usage(random)})
    if random.random() < 0.1:
        said.insert(random.randrange(5), {"error": {"code": KEY}})
    return b"".join(b"data: " + _dumps(one) + b"\n\n" for one in said) + b"data: [DONE]\n\n"


def _vectors(random: Random) -> bytes:
    data: list[dict[str, Any]] = [
        {"index": _value(random, index), "embedding": _value(random, [_value(random, 0.5), 1.0])}
        for index in range(2)
    ]
    if random.random() < 0.3:
        data = [{"embedding": _value(random, "AACAPwAAAEA=")} for _ in range(2)]
    return _dumps({"data": _value(random, data), "usage": _usage(random)})


def _block(random: Random) -> dict[str, Any]:
    kind = random.choice(["text", "text", "thinking", "tool_use", "redacted_thinking"])
    said = {"text": "Hello ", "thinking": "Hm", "signature": "s", "data": "d", "id": "c"}
    made = {name: _value(random, text) for name, text in said.items()}
    return {"type": kind, **made, "name": "f", "input": _value(random, {"a": 1})}


def _counts(random: Random) -> Any:
    return _value(random, {"input_tokens": _value(random, 3), "output_tokens": _value(random, 2)})


def _anthropic_whole(random: Random) -> bytes:
    content = _value(random, [_value(random, _block(random)) for _ in range(2)])
    reason = _value(random, random.choice(["end_turn", "refusal", "pause_turn"]))
    return _dumps({"content": content, "stop_reason": reason, "usage": _counts(random)})


def _anthropic_events(random: Random) -> bytes:
    number = _value(random, 0)
    delta = _value(random, {"type": "text_delta", "text": _value(random, "Hello ")})
    said: list[dict[str, Any]] = [
        {"type": "message_start", "message": _value(random, {"usage": _counts(random)})},
        {"type": "content_block_start", "index": number, "content_block": _block(random)},
        {"type": "content_block_delta", "index": number, "delta": delta},
        {"type": "content_block_stop", "index": number},
        {
            "type": "message_delta",
            "delta": _value(random, {"stop_reason": _value(random, "end_turn")}),
            "usage": _counts(random),
        },
        {"type": "message_stop"},
    ]
    if random.random() < 0.2:
        del said[random.randrange(len(said))]
    if random.random() < 0.1:
        said.insert(random.randrange(5), {"type": "error", "error": {"type": KEY}})
    names = [str(one["type"]).encode() for one in said]
    return b"".join(
        b"event: " + name + b"\ndata: " + _dumps(one) + b"\n\n"
        for name, one in zip(names, said, strict=True)
    )
