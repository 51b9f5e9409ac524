"""What a language model answered, whole or in pieces, and what it took."""

from dataclasses import dataclass, field
from typing import Any, Self

from stubtail.v1 import llm_pb2

FINISHED = ("stop", "length", "tool_calls", "content_filter")
UNKNOWN = "unspecified"


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
    """A piece of an answer. `str(piece)` is its text.

    With `restart` it brings nothing, and what came before it is void: the answer begins anew. That
    only happens with `allow_restart`.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()
    restart: bool = False

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

    @classmethod
    def of(cls, one: llm_pb2.Attempt) -> Self:
        """From the message."""
        return cls(
            provider=one.provider,
            model=one.model,
            outcome=word(llm_pb2.AttemptOutcome, one.outcome, "ATTEMPT_OUTCOME_"),
            http_status=one.http_status,
            error_code=one.error_code,
            seconds=one.duration_us / 1e6,
        )


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with the logarithm of its probability, and the likeliest ones in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, one: llm_pb2.TokenLogprob) -> Self:
        """From the message."""
        return cls(one.token, one.logprob, tuple((top.token, top.logprob) for top in one.top))


def word(enum: Any, number: int, prefix: str) -> str:
    """The name of a value in small letters; its number where a newer server has sent it."""
    try:
        name: str = enum.Name(number)
    except ValueError:
        return str(number)
    return name.removeprefix(prefix).lower()


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """Tokens and cost.

    Attributes:
        source: "provider"; "cache" where it came from the server's; "partial" where the answer is
            incomplete; "" where nobody counted.
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
        reasoning: what it thought, where the provider tells; `reasoning_signature` is its seal.
        tool_calls: what it calls.
        finish_reason: "stop", "length", "tool_calls", "content_filter"; "upstream_error",
            "stalled", "deadline" or "" where the answer is incomplete; "unspecified" where the
            provider gave a reason that nobody knows: the answer may be incomplete.
        provider, model: who answered; empty where nobody began to.
        attempts: every try of the server.
        first_token_s: from the start of the attempt that answered to its first content.
        cached: whether it came from the server's cache; then nobody was asked, and it cost nothing.
        logprobs: of each token, where `top_logprobs` asked for them.
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
    cached: bool = False
    reasoning_signature: str = ""
    logprobs: list[TokenLogprob] = field(default_factory=list)

    def message(self) -> dict[str, Any]:
        """The answer as a message of the next request, before the results of its tools."""
        made: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            made["tool_calls"] = self.tool_calls
        if self.reasoning_signature:  # a provider that seals its thoughts wants them back
            made["reasoning"] = self.reasoning
            made["reasoning_signature"] = self.reasoning_signature
        return made

    @property
    def complete(self) -> bool:
        """Whether the provider gave a reason of the end that whole answers are known to have."""
        return self.finish_reason in FINISHED
