"""Messages of a chat as callers write them, and as they are sent; no I/O."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stubtail.v1 import llm_pb2
from stubtail_client.errors import invalid_rows

MessagesInput = str | Sequence[Mapping[str, Any]]
_ROLES = {
    "system": llm_pb2.CHAT_ROLE_SYSTEM,
    "user": llm_pb2.CHAT_ROLE_USER,
    "assistant": llm_pb2.CHAT_ROLE_ASSISTANT,
    "tool": llm_pb2.CHAT_ROLE_TOOL,
    "developer": llm_pb2.CHAT_ROLE_DEVELOPER,
}
_KEYS = {
    *("role", "content", "name", "tool_calls", "tool_call_id"),
    *("reasoning", "reasoning_signature"),
}
_MODES = {
    "auto": llm_pb2.ToolChoice.MODE_AUTO,
    "none": llm_pb2.ToolChoice.MODE_NONE,
    "required": llm_pb2.ToolChoice.MODE_REQUIRED,
}
# The first bytes of the image formats that providers take.
_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def messages_of(
    messages: MessagesInput, system: str, images: Sequence[str | bytes]
) -> list[llm_pb2.ChatMessage]:
    """All messages of a request.

    Raises:
        InvalidArgument: one has no role, or something that cannot be sent.
    """
    made = [llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_SYSTEM, text=system)] if system else []
    if isinstance(messages, str):
        content: Any = [messages, *map(_image, images)] if images else messages
        messages = [{"role": "user", "content": content}]
    elif images:
        raise invalid_rows("images", "go into the messages where these are given as dicts")
    return [*made, *(_message(index, one) for index, one in enumerate(messages))]


def tool_of(tool: Mapping[str, Any]) -> llm_pb2.Tool:
    """A tool; raises KeyError without a name."""
    return llm_pb2.Tool(
        name=tool["name"],
        description=tool.get("description", ""),
        parameters_json=json.dumps(tool["parameters"]) if "parameters" in tool else "",
        strict=tool.get("strict"),
    )


def tool_choice_of(choice: str) -> llm_pb2.ToolChoice:
    """A rule for any tool, or the name of one."""
    if choice in _MODES:
        return llm_pb2.ToolChoice(mode=_MODES[choice])
    return llm_pb2.ToolChoice(function_name=choice)


def _message(index: int, one: Mapping[str, Any]) -> llm_pb2.ChatMessage:
    where = f"messages[{index}]"
    role = _ROLES.get(one.get("role", ""))
    if not role:
        raise invalid_rows(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    unknown = one.keys() - _KEYS
    if unknown:
        raise invalid_rows(f"{where}.{min(unknown)}", "is not known")
    content = one.get("content") or ""
    return llm_pb2.ChatMessage(
        role=role,
        text=content if isinstance(content, str) else "",
        parts=[] if isinstance(content, str) else [_part(where, part) for part in content],
        tool_calls=[_tool_call(call) for call in one.get("tool_calls", ())],
        tool_call_id=one.get("tool_call_id", ""),
        name=one.get("name", ""),
        reasoning=one.get("reasoning", ""),
        reasoning_signature=one.get("reasoning_signature", ""),
    )


def _part(where: str, part: Any) -> llm_pb2.ContentPart:
    if isinstance(part, str):
        return llm_pb2.ContentPart(text=part)
    if "text" in part:
        return llm_pb2.ContentPart(text=part["text"])
    if "image_url" in part:
        return llm_pb2.ContentPart(image_url=part["image_url"])
    if "image" in part:
        data = part["image"]
        kind = part.get("mime_type") or _mime_type(data)
        return llm_pb2.ContentPart(image=llm_pb2.InlineData(mime_type=kind, data=data))
    raise invalid_rows(f"{where}.content", "a part has text, image_url or image")


def _image(image: str | bytes) -> dict[str, Any]:
    return {"image_url": image} if isinstance(image, str) else {"image": image}


def _mime_type(data: bytes) -> str:
    for first, kind in _FORMATS:
        if data.startswith(first):
            return kind
    raise invalid_rows("images", "are PNG, JPEG, GIF or WebP; others need a mime_type")


def _tool_call(call: Any) -> llm_pb2.ToolCall:
    """A ToolCall of an answer, or a dict with its fields."""
    given = (
        call
        if isinstance(call, Mapping)
        else {"id": call.id, "name": call.name, "arguments": call.arguments}
    )
    return llm_pb2.ToolCall(
        id=given["id"], name=given["name"], arguments_json=given.get("arguments", "")
    )
