"""A chat request as the JSON of OpenAI's chat completions; pure.

Only what the caller set is sent: what a provider does not know, it cannot refuse.
"""

import json
from base64 import b64encode
from typing import Any, Final

from stubtail.v1 import llm_pb2

ROLES: Final = {
    llm_pb2.CHAT_ROLE_SYSTEM: "system",
    llm_pb2.CHAT_ROLE_USER: "user",
    llm_pb2.CHAT_ROLE_ASSISTANT: "assistant",
    llm_pb2.CHAT_ROLE_TOOL: "tool",
    llm_pb2.CHAT_ROLE_DEVELOPER: "developer",
}
MODES: Final = {
    llm_pb2.ToolChoice.MODE_AUTO: "auto",
    llm_pb2.ToolChoice.MODE_NONE: "none",
    llm_pb2.ToolChoice.MODE_REQUIRED: "required",
}
_PLAIN: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
)
# `json.dumps` with options makes an encoder for each call.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def lacks(request: llm_pb2.ChatRequest) -> str:
    """The field of the request that this protocol has no words for; empty where there is none."""
    if request.HasField("sampling") and request.sampling.HasField("reasoning_tokens"):
        return "sampling.reasoning_tokens"
    return ""


def common_body(request: llm_pb2.ChatRequest) -> dict[str, Any]:
    """All of the body that is the same for every provider and attempt.

    Schemas must have been checked: they are parsed here.
    """
    body: dict[str, Any] = {"messages": [_message(one) for one in request.messages]}
    if request.HasField("sampling"):
        _add_sampling(body, request.sampling)
    if request.tools:
        body["tools"] = [{"type": "function", "function": _tool(one)} for one in request.tools]
    if request.HasField("tool_choice"):
        _add_choice(body, request.tool_choice)
    if request.HasField("parallel_tool_calls"):
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.HasField("response_format"):
        _add_format(body, request.response_format)
    if request.end_user:
        body["user"] = request.end_user
    return body


def encode(common: dict[str, Any], model: str, *, stream: bool, stream_usage: bool) -> bytes:
    """The body for one upstream."""
    body = {"model": model, **common}
    if stream:
        body["stream"] = True
        if stream_usage:
            body["stream_options"] = {"include_usage": True}
    return _json(body).encode()


def _add_sampling(body: dict[str, Any], sampling: llm_pb2.Sampling) -> None:
    body.update({name: getattr(sampling, name) for name in _PLAIN if sampling.HasField(name)})
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.HasField("top_logprobs"):
        body["logprobs"] = True
        body["top_logprobs"] = sampling.top_logprobs


def _add_choice(body: dict[str, Any], choice: llm_pb2.ToolChoice) -> None:
    if choice.WhichOneof("choice") == "function_name":
        body["tool_choice"] = {"type": "function", "function": {"name": choice.function_name}}
    elif choice.mode in MODES:
        body["tool_choice"] = MODES[choice.mode]


def _add_format(body: dict[str, Any], wanted: llm_pb2.ResponseFormat) -> None:
    form = wanted.WhichOneof("format")
    if form == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif form == "json_schema":
        schema = _schema(wanted.json_schema)
        body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _message(message: llm_pb2.ChatMessage) -> dict[str, Any]:
    made: dict[str, Any] = {"role": ROLES[message.role]}
    if message.parts:
        made["content"] = [_part(part) for part in message.parts]
    elif message.text or not message.tool_calls:
        made["content"] = message.text
    else:
        made["content"] = None
    if message.tool_calls:
        made["tool_calls"] = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.name, "arguments": one.arguments_json},
            }
            for one in message.tool_calls
        ]
    if message.tool_call_id:
        made["tool_call_id"] = message.tool_call_id
    if message.name:
        made["name"] = message.name
    return made


def _part(part: llm_pb2.ContentPart) -> dict[str, Any]:
    kind = part.WhichOneof("content")
    if kind == "text":
        return {"type": "text", "text": part.text}
    url = part.image_url
    if kind == "image":
        url = f"data:{part.image.mime_type};base64,{b64encode(part.image.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool(tool: llm_pb2.Tool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name}
    if tool.description:
        made["description"] = tool.description
    if tool.parameters_json:
        made["parameters"] = json.loads(tool.parameters_json)
    if tool.HasField("strict"):
        made["strict"] = tool.strict
    return made


def _schema(schema: llm_pb2.JsonSchema) -> dict[str, Any]:
    made: dict[str, Any] = {"name": schema.name, "schema": json.loads(schema.schema_json)}
    if schema.HasField("strict"):
        made["strict"] = schema.strict
    return made
