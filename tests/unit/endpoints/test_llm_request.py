"""Tests of which chat requests are taken, and of how a wrong one is told."""

from collections.abc import Callable
from typing import Any

import pytest

from stubtail.endpoints.llm_request import check_chat
from stubtail.errors import CallError, Code
from stubtail.v1 import llm_pb2

Change = Callable[[llm_pb2.ChatRequest], object]


def request() -> llm_pb2.ChatRequest:
    """A request that is right."""
    made = llm_pb2.ChatRequest(model="fast", end_user="u")
    made.messages.add(role=llm_pb2.CHAT_ROLE_USER, text="Hi")
    made.messages.add(role=llm_pb2.CHAT_ROLE_ASSISTANT).tool_calls.add(id="c", name="look")
    made.messages.add(role=llm_pb2.CHAT_ROLE_TOOL, tool_call_id="c", text="sea")
    made.messages.add(role=llm_pb2.CHAT_ROLE_USER).parts.add(image_url="https://x/y.png")
    made.tools.add(name="look", parameters_json='{"type": "object"}')
    made.tool_choice.function_name = "look"
    made.response_format.json_schema.name = "n"
    made.response_format.json_schema.schema_json = "{}"
    made.sampling.temperature = 0.5
    made.routing.strategy = llm_pb2.ROUTING_STRATEGY_WEIGHTED
    return made


def set_field(path: str, value: object) -> Change:
    """Sets a field by its path."""

    def change(made: llm_pb2.ChatRequest) -> None:
        *parents, last = path.split(".")
        target: Any = made
        for name in parents:
            target = target[int(name)] if name.isdigit() else getattr(target, name)
        setattr(target, last, value)

    return change


def test_a_right_request_is_taken():
    """Everything at once."""
    check_chat(request())


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud83d\\ude00"}', '{"a": "\\\\ud83d"}', "{broken \\ud83d", "5"]
)
def test_arguments_that_can_be_sent_are_taken(text: str):
    """Whole pairs, what only looks like half of one, and what is no JSON: a model may write it."""
    made = request()
    made.messages[1].tool_calls[0].arguments_json = text
    check_chat(made)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("model", set_field("model", "")),
        ("model", set_field("model", "m" * 257)),
        ("end_user", set_field("end_user", "u" * 257)),
        ("messages", lambda made: made.ClearField("messages")),
        ("messages[0].role", set_field("messages.0.role", 0)),
        ("messages[0].role", set_field("messages.0.role", 99)),
        ("messages[3].parts", set_field("messages.3.text", "both")),
        ("messages[3].parts[1]", lambda made: made.messages[3].parts.add()),
        (
            "messages[3].parts[0].image_url",
            set_field("messages.3.parts.0.image_url", "file:///etc/passwd"),
        ),
        (
            "messages[3].parts[1].image.mime_type",
            lambda made: (
                made.messages[3]
                .parts.add()
                .image.MergeFrom(llm_pb2.InlineData(mime_type="text/html", data=b"x"))
            ),
        ),
        (
            "messages[3].parts[1].image.data",
            lambda made: (
                made.messages[3]
                .parts.add()
                .image.MergeFrom(llm_pb2.InlineData(mime_type="image/png"))
            ),
        ),
        ("messages[0].tool_calls", lambda made: made.messages[0].tool_calls.add(id="c", name="x")),
        ("messages[1].tool_calls[1]", lambda made: made.messages[1].tool_calls.add(id="c")),
        ("messages[2].tool_call_id", set_field("messages.2.tool_call_id", "")),
        ("messages[0].tool_call_id", set_field("messages.0.tool_call_id", "c")),
        ("sampling.temperature", set_field("sampling.temperature", float("nan"))),
        ("sampling.top_p", set_field("sampling.top_p", 1.5)),
        ("sampling.max_tokens", set_field("sampling.max_tokens", 0)),
        ("sampling.top_logprobs", set_field("sampling.top_logprobs", 21)),
        ("sampling.stop", lambda made: made.sampling.stop.append("")),
        ("sampling.reasoning_effort", set_field("sampling.reasoning_effort", "very high")),
        ("tools[0].name", set_field("tools.0.name", "look at")),
        ("tools[0].parameters_json", set_field("tools.0.parameters_json", "[]")),
        ("tools[0].parameters_json", set_field("tools.0.parameters_json", "[" * 100_000)),
        ("tools[0].parameters_json", set_field("tools.0.parameters_json", '{"a": "\\uD83D"}')),
        (
            "messages[1].tool_calls[0].arguments_json",
            set_field("messages.1.tool_calls.0.arguments_json", '{"a": "\\udc00\\ud83d"}'),
        ),
        ("tool_choice.function_name", set_field("tool_choice.function_name", "listen")),
        ("tool_choice.mode", set_field("tool_choice.mode", 99)),
        ("response_format.json_object", set_field("response_format.json_object", False)),
        (
            "response_format.json_schema.schema_json",
            set_field("response_format.json_schema.schema_json", ""),
        ),
        ("routing.strategy", set_field("routing.strategy", 99)),
        ("routing.only", lambda made: made.routing.only.extend(["p"] * 65)),
        ("routing.stall_timeout_ms", set_field("routing.stall_timeout_ms", 0)),
    ],
)
def test_a_wrong_field_is_named(field: str, change: Change):
    """Each by its own path, before anybody is asked."""
    made = request()
    change(made)

    with pytest.raises(CallError) as caught:
        check_chat(made)

    assert (caught.value.code, caught.value.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert caught.value.message.startswith(f"{field}: ")
