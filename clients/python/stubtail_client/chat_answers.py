"""What a language model answered, whole or in pieces, and what it took."""

from dataclasses import dataclass, field

FINISHED = ("stop", "length", "tool_calls", "content_filter", "unspecified")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model calls.

    Attributes:
        id: the name of this call; the message with the result refers to it.
        name: of the tool.
        arguments: JSON, as the model wrote it: it may be wrong.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A piece of a call of a tool: those with the same index belong together."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatPiece:
    """A piece of an answer. `str(piece)` is its text."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the server to get an answer.

    Attributes:
        provider, model: who was asked.
        outcome: "ok", "connect_failed", "throttled", "stalled" and so on.
        http_status: 0 where there was none.
        error_code: the provider's; empty where it gave none.
        seconds: how long it took.
    """

    provider: str
    model: str
    outcome: str
    http_status: int
    error_code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """Tokens and cost.

    Attributes:
        source: "provider"; "partial" where the answer is incomplete; "" where nobody counted.
        cost_nano_usd: billionths of a US dollar; None where there is no price.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    cost_nano_usd: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer, or as much of it as came.

    Attributes:
        text: what the model says.
        reasoning: what it thought, where the provider tells.
        tool_calls: what it calls.
        finish_reason: "stop", "length", "tool_calls", "content_filter"; "upstream_error",
            "stalled", "deadline" or "" where the answer is incomplete.
        provider, model: who answered; empty where nobody began to.
        attempts: every try of the server.
        first_token_s: from the start of the attempt that answered to its first content.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = ""
    provider: str = ""
    model: str = ""
    usage: ChatUsage = ChatUsage()
    attempts: list[Attempt] = field(default_factory=list)
    first_token_s: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the provider said that this is all."""
        return self.finish_reason in FINISHED
