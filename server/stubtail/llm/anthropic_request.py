"""A chat request as the JSON of Anthropic's Messages API; pure.

Its layer for OpenAI's protocol drops what it does not know without a word; this one has its own
words for most, and `lacks` names the rest before anybody is asked.
"""

import json
import re
from base64 import b64encode
from typing import Any, Final

from stubtail.llm.pieces import load
from stubtail.v1 import llm_pb2

INSTRUCTIONS: Final = frozenset({llm_pb2.CHAT_ROLE_SYSTEM, llm_pb2.CHAT_ROLE_DEVELOPER})
CHOICES: Final = {
    llm_pb2.ToolChoice.MODE_AUTO: "auto",
    llm_pb2.ToolChoice.MODE_NONE: "none",
    llm_pb2.ToolChoice.MODE_REQUIRED: "any",
}
_LACKING: Final = ("frequency_penalty", "presence_penalty", "top_logprobs")
_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=]+)")
_NO_ARGUMENTS: Final = {"type": "object", "properties": {}}


def lacks(request: llm_pb2.ChatRequest) -> str:
    """The field of the request that this protocol has no words for; empty where there is none.

    A seed is no such field: the same answer is promised only as far as a provider can.
    """
    sampling = request.sampling
    for name in _LACKING:
        if sampling.HasField(name):
            return f"sampling.{name}"
    if sampling.temperature > 1:
        return "sampling.temperature"
    if request.response_format.WhichOneof("format") == "json_object":
        return "response_format.json_object"
    spoken = False
    for index, message in enumerate(request.messages):
        field = _lacking_of(message, first=not spoken)
        if field:
            return f"messages[{index}].{field}"
        spoken = spoken or message.role not in INSTRUCTIONS
    return "" if spoken else "messages"


def _lacking_of(message: llm_pb2.ChatMessage, *, first: bool) -> str:
    """The field of a message that there are no words for; instructions come first or not at all."""
    instructs = message.role in INSTRUCTIONS
    if instructs and not first:
        return "role"
    if message.name:
        return "name"
    for part in message.parts:
        if (instructs and part.WhichOneof("content") != "text") or _bad_data(part.image_url):
            return "parts"
    bad = any(not _is_object(call.arguments_json) for call in message.tool_calls)
    return "tool_calls.arguments_json" if bad else ""


def common_body(request: llm_pb2.ChatRequest) -> dict[str, Any]:
    """All of the body that is the same for every model and attempt; `lacks` has been asked."""
    sampling = request.sampling
    body: dict[str, Any] = {"messages": _messages(request)}
    if system := [
        block for one in request.messages if one.role in INSTRUCTIONS for block in _said(one)
    ]:
        body["system"] = system
    if sampling.HasField("max_tokens"):
        body["max_tokens"] = sampling.max_tokens
    body.update({n: getattr(sampling, n) for n in ("temperature", "top_p") if sampling.HasField(n)})
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    if sampling.HasField("reasoning_tokens"):
        body["thinking"] = {"type": "enabled", "budget_tokens": sampling.reasoning_tokens}
    if request.tools:
        body["tools"] = [_tool(one) for one in request.tools]
    if choice := _choice(request):
        body["tool_choice"] = choice
    if config := _output(request):
        body["output_config"] = config
    if request.end_user:
        body["metadata"] = {"user_id": request.end_user}
    return body


def encode(common: dict[str, Any], model: str, max_tokens: int, *, stream: bool) -> bytes:
    """The body for one upstream; `max_tokens` is sent where the caller named none."""
    body = {"model": model, "max_tokens": max_tokens, **common}
    thinking = common.get("thinking")
    if thinking and "max_tokens" not in common:
        # Thoughts count towards the limit, which must be above their budget.
        body["max_tokens"] = thinking["budget_tokens"] + max_tokens
    if stream:
        body["stream"] = True
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _messages(request: llm_pb2.ChatRequest) -> list[dict[str, Any]]:
    """The conversation: results of tools are the user's, and neighbours of one role are one."""
    made: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role in INSTRUCTIONS:
            continue
        role = "assistant" if message.role == llm_pb2.CHAT_ROLE_ASSISTANT else "user"
        blocks = _blocks(message)
        if made and made[-1]["role"] == role:
            made[-1]["content"] += blocks
        else:
            made.append({"role": role, "content": blocks})
    return made


def _blocks(message: llm_pb2.ChatMessage) -> list[dict[str, Any]]:
    if message.role == llm_pb2.CHAT_ROLE_TOOL:
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": message.tool_call_id}
        if said := _said(message):
            result["content"] = said
        return [result]
    blocks: list[dict[str, Any]] = []
    if message.reasoning_signature:
        seal = message.reasoning_signature
        if message.reasoning:
            thought = {"type": "thinking", "thinking": message.reasoning, "signature": seal}
        else:
            thought = {"type": "redacted_thinking", "data": seal}
        blocks.append(thought)
    blocks += _said(message)
    blocks += [
        {"type": "tool_use", "id": one.id, "name": one.name, "input": _arguments(one)}
        for one in message.tool_calls
    ]
    return blocks


def _said(message: llm_pb2.ChatMessage) -> list[dict[str, Any]]:
    if message.parts:
        return [_part(part) for part in message.parts]
    return [{"type": "text", "text": message.text}] if message.text else []


def _part(part: llm_pb2.ContentPart) -> dict[str, Any]:
    kind = part.WhichOneof("content")
    if kind == "text":
        return {"type": "text", "text": part.text}
    if kind == "image":
        source = _inline(part.image.mime_type, b64encode(part.image.data).decode())
    elif found := _DATA_URL.fullmatch(part.image_url):
        source = _inline(found[1], found[2])
    else:
        source = {"type": "url", "url": part.image_url}
    return {"type": "image", "source": source}


def _inline(mime_type: str, data: str) -> dict[str, str]:
    return {"type": "base64", "media_type": mime_type, "data": data}


def _bad_data(url: str) -> bool:
    return url.startswith("data:") and not _DATA_URL.fullmatch(url)


def _is_object(text: str) -> bool:
    try:
        return not text or isinstance(load(text.encode()), dict)
    except ValueError:
        return False


def _arguments(call: llm_pb2.ToolCall) -> Any:
    return load(call.arguments_json.encode()) if call.arguments_json else {}


def _tool(tool: llm_pb2.Tool) -> dict[str, Any]:
    schema = load(tool.parameters_json.encode()) if tool.parameters_json else _NO_ARGUMENTS
    made: dict[str, Any] = {"name": tool.name, "input_schema": schema}
    if tool.description:
        made["description"] = tool.description
    if tool.HasField("strict"):
        made["strict"] = tool.strict
    return made


def _choice(request: llm_pb2.ChatRequest) -> dict[str, Any] | None:
    """Which tools must be called; one at a time is a part of this choice here."""
    choice = request.tool_choice
    made: dict[str, Any] | None = None
    if choice.WhichOneof("choice") == "function_name":
        made = {"type": "tool", "name": choice.function_name}
    elif choice.mode in CHOICES:
        made = {"type": CHOICES[choice.mode]}
    if request.tools and request.HasField("parallel_tool_calls"):
        made = made or {"type": "auto"}
        if made["type"] != "none":
            made["disable_parallel_tool_use"] = not request.parallel_tool_calls
    return made


def _output(request: llm_pb2.ChatRequest) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.sampling.HasField("reasoning_effort"):
        config["effort"] = request.sampling.reasoning_effort
    if request.response_format.WhichOneof("format") == "json_schema":
        schema = load(request.response_format.json_schema.schema_json.encode())
        config["format"] = {"type": "json_schema", "schema": schema}
    return config
