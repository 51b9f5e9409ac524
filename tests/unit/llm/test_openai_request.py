"""Tests of requests as OpenAI's chat completions take them."""

import json
from typing import Any

from stubtail.llm.openai_request import common_body, encode
from stubtail.v1 import llm_pb2

USER = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="Hi")


def body_of(**fields: Any) -> dict[str, Any]:
    """The body of a request with these fields, after a trip through JSON."""
    fields.setdefault("messages", [USER])
    common = common_body(llm_pb2.ChatRequest(**fields))
    made: dict[str, Any] = json.loads(encode(common, "m", stream=False, stream_usage=True))
    return made


def test_what_is_not_set_is_not_sent():
    """The smallest request has a model and messages."""
    assert body_of() == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_zeros_that_are_set_are_sent():
    """A temperature of 0 is a wish."""
    made = body_of(
        sampling=llm_pb2.Sampling(temperature=0, max_tokens=5, seed=0, stop=["x"], top_logprobs=0),
        parallel_tool_calls=False,
        end_user="u",
    )
    assert (made["temperature"], made["seed"], made["max_tokens"], made["stop"]) == (0, 0, 5, ["x"])
    assert (made["logprobs"], made["top_logprobs"]) == (True, 0)
    assert (made["parallel_tool_calls"], made["user"]) == (False, "u")


def test_streams_ask_for_usage_where_they_may():
    """`stream_options` is left out for providers that refuse it."""
    asked = json.loads(encode({}, "m", stream=True, stream_usage=True))
    assert asked == {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    assert json.loads(encode({}, "m", stream=True, stream_usage=False)) == {
        "model": "m",
        "stream": True,
    }


def test_messages_of_every_role():
    """Parts, calls of tools, their results, names and other alphabets."""
    call = llm_pb2.ToolCall(id="c1", name="look", arguments_json='{"a":1}')
    part = llm_pb2.ContentPart
    made = body_of(
        messages=[
            llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_SYSTEM, text="Sei höflich"),
            llm_pb2.ChatMessage(
                role=llm_pb2.CHAT_ROLE_USER,
                name="ann",
                parts=[
                    part(text="What?"),
                    part(image_url="https://x/y.png"),
                    part(image=llm_pb2.InlineData(mime_type="image/png", data=b"\x00\xff")),
                ],
            ),
            llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_ASSISTANT, tool_calls=[call]),
            llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_TOOL, tool_call_id="c1", text=""),
        ]
    )["messages"]

    assert made[0] == {"role": "system", "content": "Sei höflich"}
    assert made[1]["name"] == "ann"
    assert [one["type"] for one in made[1]["content"]] == ["text", "image_url", "image_url"]
    assert made[1]["content"][2]["image_url"]["url"] == "data:image/png;base64,AP8="
    function = {"name": "look", "arguments": '{"a":1}'}
    assert made[2] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    assert made[3] == {"role": "tool", "content": "", "tool_call_id": "c1"}


def test_tools_and_their_choice():
    """Schemas are objects; a choice is a word or a name."""
    tool = llm_pb2.Tool(name="look", description="Looks.", parameters_json='{"type":"object"}')
    made = body_of(tools=[tool], tool_choice=llm_pb2.ToolChoice(function_name="look"))
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
    assert made["tools"] == [{"type": "function", "function": function}]
    assert made["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    must = llm_pb2.ToolChoice(mode=llm_pb2.ToolChoice.MODE_REQUIRED)
    assert body_of(tool_choice=must)["tool_choice"] == "required"


def test_forms_of_answers():
    """Any object, or one by a schema."""
    plain = llm_pb2.ResponseFormat(json_object=True)
    assert body_of(response_format=plain)["response_format"] == {"type": "json_object"}
    schema = llm_pb2.JsonSchema(name="n", schema_json='{"type":"array"}', strict=True)
    made = body_of(response_format=llm_pb2.ResponseFormat(json_schema=schema))["response_format"]
    assert made["json_schema"] == {"name": "n", "schema": {"type": "array"}, "strict": True}
