"""Tests of chat requests as Anthropic's Messages API wants them."""

import json
from typing import Any

import pytest

from stubtail.llm import anthropic_request
from stubtail.llm.anthropic_request import lacks
from stubtail.v1 import llm_pb2

SYSTEM, USER = llm_pb2.CHAT_ROLE_SYSTEM, llm_pb2.CHAT_ROLE_USER
ASSISTANT, TOOL = llm_pb2.CHAT_ROLE_ASSISTANT, llm_pb2.CHAT_ROLE_TOOL
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}


def message(role: llm_pb2.ChatRole, text: str = "", **fields: Any) -> llm_pb2.ChatMessage:
    """One message."""
    return llm_pb2.ChatMessage(role=role, text=text, **fields)


def asked(*messages: llm_pb2.ChatMessage, **fields: Any) -> llm_pb2.ChatRequest:
    """A request with these messages, or with one."""
    return llm_pb2.ChatRequest(messages=messages or [message(USER, "hi")], **fields)


def body(request: llm_pb2.ChatRequest, *, stream: bool = False) -> dict[str, Any]:
    """The JSON that is sent."""
    assert lacks(request) == ""
    common = anthropic_request.common_body(request)
    found: dict[str, Any] = json.loads(
        anthropic_request.encode(common, "claude", 4096, stream=stream)
    )
    return found


def test_a_plain_request_has_a_limit():
    """The protocol wants one; the caller's wins."""
    made = body(asked())
    assert made == {
        "model": "claude",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    assert body(asked(sampling=llm_pb2.Sampling(max_tokens=7)))["max_tokens"] == 7
    assert body(asked(), stream=True)["stream"] is True


def test_instructions_and_results_of_tools_have_their_places():
    """Instructions are a field, results are the user's, and neighbours of one role are one."""
    call = llm_pb2.ToolCall(id="t1", name="look", arguments_json='{"at": "sea"}')
    made = body(
        asked(
            message(SYSTEM, "Be brief."),
            message(llm_pb2.CHAT_ROLE_DEVELOPER, "In French."),
            message(USER, "Where?"),
            message(ASSISTANT, "Wait.", tool_calls=[call], reasoning="Hm", reasoning_signature="s"),
            message(TOOL, "Gulls.", tool_call_id="t1"),
            message(USER, "So?"),
        )
    )
    assert [block["text"] for block in made["system"]] == ["Be brief.", "In French."]
    user, assistant, last = made["messages"]
    assert user["content"] == [{"type": "text", "text": "Where?"}]
    assert assistant["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "text", "text": "Wait."},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sea"}},
    ]
    result = {"type": "tool_result", "tool_use_id": "t1"}
    said = [{"type": "text", "text": "Gulls."}]
    assert last["role"] == "user"
    assert last["content"] == [{**result, "content": said}, {"type": "text", "text": "So?"}]


def test_images_come_as_bytes_or_by_address():
    """A data: address holds its bytes."""
    parts = [
        llm_pb2.ContentPart(text="See"),
        llm_pb2.ContentPart(image=llm_pb2.InlineData(mime_type="image/png", data=b"\x01\x02")),
        llm_pb2.ContentPart(image_url="https://host/cat.png"),
        llm_pb2.ContentPart(image_url="data:image/gif;base64,R0lG"),
    ]
    blocks = body(asked(message(USER, parts=parts)))["messages"][0]["content"]
    assert [block.get("source") for block in blocks] == [
        None,
        {"type": "base64", "media_type": "image/png", "data": "AQI="},
        {"type": "url", "url": "https://host/cat.png"},
        {"type": "base64", "media_type": "image/gif", "data": "R0lG"},
    ]


def test_tools_and_their_choice():
    """One call at a time is a part of the choice here."""
    tool = llm_pb2.Tool(
        name="look", description="Looks.", parameters_json=json.dumps(SCHEMA), strict=True
    )
    made = body(asked(tools=[tool, llm_pb2.Tool(name="go")], parallel_tool_calls=False))
    assert made["tools"] == [
        {"name": "look", "input_schema": SCHEMA, "description": "Looks.", "strict": True},
        {"name": "go", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    choices: list[tuple[llm_pb2.ToolChoice, dict[str, str]]] = [
        (llm_pb2.ToolChoice(mode=llm_pb2.ToolChoice.MODE_REQUIRED), {"type": "any"}),
        (llm_pb2.ToolChoice(mode=llm_pb2.ToolChoice.MODE_NONE), {"type": "none"}),
        (llm_pb2.ToolChoice(function_name="look"), {"type": "tool", "name": "look"}),
    ]
    for choice, expected in choices:
        assert body(asked(tools=[tool], tool_choice=choice))["tool_choice"] == expected


def test_form_thoughts_and_sampling():
    """A schema, a budget for thoughts above which the limit lies, and what else is known."""
    schema = llm_pb2.JsonSchema(name="a", schema_json=json.dumps(SCHEMA))
    sampling = llm_pb2.Sampling(
        temperature=0.5,
        top_p=0.9,
        stop=["END"],
        reasoning_effort="low",
        reasoning_tokens=2048,
        seed=7,
    )
    made = body(
        asked(
            sampling=sampling,
            response_format=llm_pb2.ResponseFormat(json_schema=schema),
            end_user="u-1",
        )
    )
    assert made["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": SCHEMA},
    }
    assert made["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert made["max_tokens"] == 2048 + 4096
    assert (made["temperature"], made["top_p"], made["stop_sequences"]) == (0.5, 0.9, ["END"])
    assert made["metadata"] == {"user_id": "u-1"}
    assert "seed" not in made


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (asked(sampling=llm_pb2.Sampling(top_logprobs=0)), "sampling.top_logprobs"),
        (asked(sampling=llm_pb2.Sampling(frequency_penalty=0)), "sampling.frequency_penalty"),
        (asked(sampling=llm_pb2.Sampling(temperature=1.5)), "sampling.temperature"),
        (
            asked(response_format=llm_pb2.ResponseFormat(json_object=True)),
            "response_format.json_object",
        ),
        (asked(message(SYSTEM, "a")), "messages"),
        (asked(message(USER, "a"), message(SYSTEM, "b")), "messages[1].role"),
        (asked(message(USER, "a", name="Ann")), "messages[0].name"),
        (
            asked(message(USER, parts=[llm_pb2.ContentPart(image_url="data:image/png,x")])),
            "messages[0].parts",
        ),
        (
            asked(message(ASSISTANT, tool_calls=[llm_pb2.ToolCall(id="a", arguments_json="[")])),
            "messages[0].tool_calls.arguments_json",
        ),
    ],
)
def test_what_it_has_no_words_for_is_named(request_: llm_pb2.ChatRequest, field: str):
    """Nothing is dropped without a word."""
    assert lacks(request_) == field
