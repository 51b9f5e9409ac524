"""Checks a chat request before anybody is asked: what is wrong is told with its field; pure."""

import json
import re
from typing import Final

from stubtail.errors import invalid_field
from stubtail.v1 import llm_pb2

MESSAGES_MAX: Final = 4096
PARTS_MAX: Final = 256
TOOLS_MAX: Final = 256
STOPS_MAX: Final = 16
NAMES_MAX: Final = 64
NAME_CHARACTERS_MAX: Final = 256
INPUTS_MAX: Final = 2048
DIMENSIONS_MAX: Final = 65_536
HEDGE_MS_MAX: Final = 3_600_000
BOUNDS: Final = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 2**31 - 1),
    "reasoning_tokens": (1024, 2**31 - 1),
}
# Asked for once: each of these lists is made anew.
ROLES: Final = frozenset(llm_pb2.ChatRole.values())
SPEAKERS: Final = ROLES - {llm_pb2.CHAT_ROLE_UNSPECIFIED, llm_pb2.CHAT_ROLE_TOOL}
STRATEGIES: Final = frozenset(llm_pb2.RoutingStrategy.values())
MODES: Final = frozenset(llm_pb2.ToolChoice.Mode.values())
HALF_PAIR: Final = "must not have half of a surrogate pair, such as \\ud83d alone, in a text"
_ESCAPE = re.compile(r"\\u[dD]")
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MIME_TYPE = re.compile(r"image/[a-z0-9.+-]{1,64}")
_WORD = re.compile(r"[a-z]{1,32}")


def check_chat(request: llm_pb2.ChatRequest) -> None:
    """Raises CallError INVALID_ARGUMENT for the first field that is wrong."""
    if not 0 < len(request.model) <= NAME_CHARACTERS_MAX:
        raise invalid_field("model", f"must have 1 to {NAME_CHARACTERS_MAX} characters")
    if len(request.end_user) > NAME_CHARACTERS_MAX:
        raise invalid_field("end_user", f"must have at most {NAME_CHARACTERS_MAX} characters")
    if not 0 < len(request.messages) <= MESSAGES_MAX:
        raise invalid_field("messages", f"must be 1 to {MESSAGES_MAX}")
    for index, message in enumerate(request.messages):
        # Nearly all are a role and a text.
        if message.role not in SPEAKERS or not message.text or _has_more(message):
            _check_message(f"messages[{index}]", message)
    # What is not there is right, and reading its fields would take longer than all above.
    if request.HasField("sampling"):
        _check_sampling(request.sampling)
    if request.tools or request.HasField("tool_choice"):
        _check_tools(request)
    if request.HasField("response_format"):
        _check_format(request.response_format)
    if request.HasField("routing"):
        _check_routing(request.routing)


def check_embed(request: llm_pb2.EmbedRequest) -> None:
    """Raises CallError INVALID_ARGUMENT for the first field that is wrong."""
    if not 0 < len(request.model) <= NAME_CHARACTERS_MAX:
        raise invalid_field("model", f"must have 1 to {NAME_CHARACTERS_MAX} characters")
    if len(request.end_user) > NAME_CHARACTERS_MAX:
        raise invalid_field("end_user", f"must have at most {NAME_CHARACTERS_MAX} characters")
    if not 0 < len(request.inputs) <= INPUTS_MAX or not all(request.inputs):
        raise invalid_field("inputs", f"must be 1 to {INPUTS_MAX:,} texts, none empty")
    if request.HasField("dimensions") and not 0 < request.dimensions <= DIMENSIONS_MAX:
        raise invalid_field("dimensions", f"must be 1 to {DIMENSIONS_MAX:,}")
    if request.HasField("routing"):
        _check_routing(request.routing)


def _check_routing(routing: llm_pb2.Routing) -> None:
    for field in ("only", "ignore", "order"):
        if len(getattr(routing, field)) > NAMES_MAX:
            raise invalid_field(f"routing.{field}", f"must be at most {NAMES_MAX}")
    if routing.strategy not in STRATEGIES:
        raise invalid_field("routing.strategy", "must be a known strategy")
    for field in ("connect_timeout_ms", "first_token_timeout_ms", "stall_timeout_ms"):
        if routing.HasField(field) and not getattr(routing, field):
            raise invalid_field(f"routing.{field}", "must be above 0")
    if routing.hedge_after_ms > HEDGE_MS_MAX:
        raise invalid_field("routing.hedge_after_ms", f"must be at most {HEDGE_MS_MAX:,}")


def _has_more(message: llm_pb2.ChatMessage) -> bool:
    """Whether a message has what only some roles may have, or none that has a text."""
    return bool(
        message.parts
        or message.tool_calls
        or message.tool_call_id
        or message.reasoning
        or message.reasoning_signature
    )


def _check_message(where: str, message: llm_pb2.ChatMessage) -> None:
    role = message.role
    if role not in ROLES or role == llm_pb2.CHAT_ROLE_UNSPECIFIED:
        raise invalid_field(f"{where}.role", "must be one of the roles")
    if message.text and message.parts:
        raise invalid_field(f"{where}.parts", "must be empty where text is set")
    if len(message.parts) > PARTS_MAX:
        raise invalid_field(f"{where}.parts", f"must be at most {PARTS_MAX}")
    for index, part in enumerate(message.parts):
        _check_part(f"{where}.parts[{index}]", part)
    if message.tool_calls and role != llm_pb2.CHAT_ROLE_ASSISTANT:
        raise invalid_field(f"{where}.tool_calls", "only the assistant calls tools")
    for index, call in enumerate(message.tool_calls):
        _check_call(f"{where}.tool_calls[{index}]", call)
    if (message.reasoning or message.reasoning_signature) and role != llm_pb2.CHAT_ROLE_ASSISTANT:
        raise invalid_field(f"{where}.reasoning", "only the assistant's thoughts are known")
    if bool(message.tool_call_id) != (role == llm_pb2.CHAT_ROLE_TOOL):
        rule = "must name the call whose result this is, and only CHAT_ROLE_TOOL has one"
        raise invalid_field(f"{where}.tool_call_id", rule)


def _check_call(where: str, call: llm_pb2.ToolCall) -> None:
    if not call.id or not call.name:
        raise invalid_field(where, "must have an id and a name")
    if _has_half_pair(call.arguments_json):
        raise invalid_field(f"{where}.arguments_json", HALF_PAIR)


def _check_part(where: str, part: llm_pb2.ContentPart) -> None:
    kind = part.WhichOneof("content")
    if kind is None:
        raise invalid_field(where, "must have text, image_url or image")
    if kind == "image_url" and not part.image_url.startswith(("https://", "http://", "data:")):
        raise invalid_field(f"{where}.image_url", "must begin with https://, http:// or data:")
    if kind == "image":
        if not _MIME_TYPE.fullmatch(part.image.mime_type):
            raise invalid_field(f"{where}.image.mime_type", 'must be like "image/png"')
        if not part.image.data:
            raise invalid_field(f"{where}.image.data", "must not be empty")


def _check_sampling(sampling: llm_pb2.Sampling) -> None:
    for field, (least, most) in BOUNDS.items():
        # NaN fails every comparison, and is refused with the rest.
        if sampling.HasField(field) and not least <= getattr(sampling, field) <= most:
            raise invalid_field(f"sampling.{field}", f"must be {least} to {most}")
    if len(sampling.stop) > STOPS_MAX or not all(sampling.stop):
        raise invalid_field("sampling.stop", f"must be at most {STOPS_MAX} texts, none empty")
    if sampling.HasField("reasoning_effort") and not _WORD.fullmatch(sampling.reasoning_effort):
        raise invalid_field("sampling.reasoning_effort", 'must be a word such as "low"')


def _check_tools(request: llm_pb2.ChatRequest) -> None:
    if len(request.tools) > TOOLS_MAX:
        raise invalid_field("tools", f"must be at most {TOOLS_MAX}")
    for index, tool in enumerate(request.tools):
        _check_name(f"tools[{index}].name", tool.name)
        if tool.parameters_json:
            _check_object(f"tools[{index}].parameters_json", tool.parameters_json)
    choice = request.tool_choice
    if choice.WhichOneof("choice") == "function_name":
        if choice.function_name not in {tool.name for tool in request.tools}:
            raise invalid_field("tool_choice.function_name", "must be the name of one of the tools")
    elif choice.mode not in MODES:
        raise invalid_field("tool_choice.mode", "must be a known mode")


def _check_format(response_format: llm_pb2.ResponseFormat) -> None:
    kind = response_format.WhichOneof("format")
    if kind == "json_object" and not response_format.json_object:
        raise invalid_field("response_format.json_object", "must be true where it is set")
    if kind == "json_schema":
        where = "response_format.json_schema"
        _check_name(f"{where}.name", response_format.json_schema.name)
        _check_object(f"{where}.schema_json", response_format.json_schema.schema_json)


def _check_name(where: str, name: str) -> None:
    if not _FUNCTION_NAME.fullmatch(name):
        raise invalid_field(where, "must be 1 to 64 letters, digits, _ and -")


def _check_object(where: str, text: str) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid_field(where, "must be JSON") from error
    if not isinstance(document, dict):
        raise invalid_field(where, "must be a JSON object")
    if _has_half_pair(text):
        raise invalid_field(where, HALF_PAIR)


def _has_half_pair(text: str) -> bool:
    """Whether a text of some JSON has one half of a surrogate pair, which UTF-8 cannot hold."""
    if not _ESCAPE.search(text):
        return False
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        pass  # a model may have called a tool with what is no JSON
    return False
