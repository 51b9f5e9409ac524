"""The types of stubtail/v1/llm.proto. Written by proto/generate.py; do not edit."""

from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChatRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAT_ROLE_UNSPECIFIED: _ClassVar[ChatRole]
    CHAT_ROLE_SYSTEM: _ClassVar[ChatRole]
    CHAT_ROLE_USER: _ClassVar[ChatRole]
    CHAT_ROLE_ASSISTANT: _ClassVar[ChatRole]
    CHAT_ROLE_TOOL: _ClassVar[ChatRole]
    CHAT_ROLE_DEVELOPER: _ClassVar[ChatRole]

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]
    FINISH_REASON_TOOL_CALLS: _ClassVar[FinishReason]
    FINISH_REASON_CONTENT_FILTER: _ClassVar[FinishReason]
    FINISH_REASON_UPSTREAM_ERROR: _ClassVar[FinishReason]
    FINISH_REASON_STALLED: _ClassVar[FinishReason]
    FINISH_REASON_DEADLINE: _ClassVar[FinishReason]

class RoutingStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTING_STRATEGY_UNSPECIFIED: _ClassVar[RoutingStrategy]
    ROUTING_STRATEGY_PRIORITY: _ClassVar[RoutingStrategy]
    ROUTING_STRATEGY_WEIGHTED: _ClassVar[RoutingStrategy]
    ROUTING_STRATEGY_LOWEST_TTFT: _ClassVar[RoutingStrategy]
    ROUTING_STRATEGY_LEAST_BUSY: _ClassVar[RoutingStrategy]
    ROUTING_STRATEGY_LOWEST_COST: _ClassVar[RoutingStrategy]

class AttemptOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_OUTCOME_UNSPECIFIED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_OK: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CONNECT_FAILED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_UPSTREAM_ERROR: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_THROTTLED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_REFUSED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_AUTH_FAILED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_NO_FIRST_TOKEN: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_STALLED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_BROKEN_OFF: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_MALFORMED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_DEADLINE: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CONTEXT_TOO_LONG: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CONTENT_REFUSED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_SUPERSEDED: _ClassVar[AttemptOutcome]

class BreakerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_STATE_UNSPECIFIED: _ClassVar[BreakerState]
    BREAKER_STATE_CLOSED: _ClassVar[BreakerState]
    BREAKER_STATE_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_HALF_OPEN: _ClassVar[BreakerState]

class CacheStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHE_STATUS_UNSPECIFIED: _ClassVar[CacheStatus]
    CACHE_STATUS_MISS: _ClassVar[CacheStatus]
    CACHE_STATUS_HIT: _ClassVar[CacheStatus]
CHAT_ROLE_UNSPECIFIED: ChatRole
CHAT_ROLE_SYSTEM: ChatRole
CHAT_ROLE_USER: ChatRole
CHAT_ROLE_ASSISTANT: ChatRole
CHAT_ROLE_TOOL: ChatRole
CHAT_ROLE_DEVELOPER: ChatRole
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_LENGTH: FinishReason
FINISH_REASON_TOOL_CALLS: FinishReason
FINISH_REASON_CONTENT_FILTER: FinishReason
FINISH_REASON_UPSTREAM_ERROR: FinishReason
FINISH_REASON_STALLED: FinishReason
FINISH_REASON_DEADLINE: FinishReason
ROUTING_STRATEGY_UNSPECIFIED: RoutingStrategy
ROUTING_STRATEGY_PRIORITY: RoutingStrategy
ROUTING_STRATEGY_WEIGHTED: RoutingStrategy
ROUTING_STRATEGY_LOWEST_TTFT: RoutingStrategy
ROUTING_STRATEGY_LEAST_BUSY: RoutingStrategy
ROUTING_STRATEGY_LOWEST_COST: RoutingStrategy
ATTEMPT_OUTCOME_UNSPECIFIED: AttemptOutcome
ATTEMPT_OUTCOME_OK: AttemptOutcome
ATTEMPT_OUTCOME_CONNECT_FAILED: AttemptOutcome
ATTEMPT_OUTCOME_UPSTREAM_ERROR: AttemptOutcome
ATTEMPT_OUTCOME_THROTTLED: AttemptOutcome
ATTEMPT_OUTCOME_REFUSED: AttemptOutcome
ATTEMPT_OUTCOME_AUTH_FAILED: AttemptOutcome
ATTEMPT_OUTCOME_NO_FIRST_TOKEN: AttemptOutcome
ATTEMPT_OUTCOME_STALLED: AttemptOutcome
ATTEMPT_OUTCOME_BROKEN_OFF: AttemptOutcome
ATTEMPT_OUTCOME_MALFORMED: AttemptOutcome
ATTEMPT_OUTCOME_DEADLINE: AttemptOutcome
ATTEMPT_OUTCOME_CONTEXT_TOO_LONG: AttemptOutcome
ATTEMPT_OUTCOME_CONTENT_REFUSED: AttemptOutcome
ATTEMPT_OUTCOME_SUPERSEDED: AttemptOutcome
BREAKER_STATE_UNSPECIFIED: BreakerState
BREAKER_STATE_CLOSED: BreakerState
BREAKER_STATE_OPEN: BreakerState
BREAKER_STATE_HALF_OPEN: BreakerState
CACHE_STATUS_UNSPECIFIED: CacheStatus
CACHE_STATUS_MISS: CacheStatus
CACHE_STATUS_HIT: CacheStatus

class ChatRequest(_message.Message):
    __slots__ = ("model", "messages", "sampling", "tools", "tool_choice", "parallel_tool_calls", "response_format", "routing", "end_user", "cache")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    END_USER_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    model: str
    messages: _containers.RepeatedCompositeFieldContainer[ChatMessage]
    sampling: Sampling
    tools: _containers.RepeatedCompositeFieldContainer[Tool]
    tool_choice: ToolChoice
    parallel_tool_calls: bool
    response_format: ResponseFormat
    routing: Routing
    end_user: str
    cache: CacheControl
    def __init__(self, model: _Optional[str] = ..., messages: _Optional[_Iterable[_Union[ChatMessage, _Mapping[str, object]]]] = ..., sampling: _Optional[_Union[Sampling, _Mapping[str, object]]] = ..., tools: _Optional[_Iterable[_Union[Tool, _Mapping[str, object]]]] = ..., tool_choice: _Optional[_Union[ToolChoice, _Mapping[str, object]]] = ..., parallel_tool_calls: _Optional[bool] = ..., response_format: _Optional[_Union[ResponseFormat, _Mapping[str, object]]] = ..., routing: _Optional[_Union[Routing, _Mapping[str, object]]] = ..., end_user: _Optional[str] = ..., cache: _Optional[_Union[CacheControl, _Mapping[str, object]]] = ...) -> None: ...

class CacheControl(_message.Message):
    __slots__ = ("use", "max_age_ms")
    USE_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_MS_FIELD_NUMBER: _ClassVar[int]
    use: bool
    max_age_ms: int
    def __init__(self, use: _Optional[bool] = ..., max_age_ms: _Optional[int] = ...) -> None: ...

class ChatMessage(_message.Message):
    __slots__ = ("role", "text", "parts", "tool_calls", "tool_call_id", "name", "reasoning", "reasoning_signature")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    REASONING_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    role: ChatRole
    text: str
    parts: _containers.RepeatedCompositeFieldContainer[ContentPart]
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCall]
    tool_call_id: str
    name: str
    reasoning: str
    reasoning_signature: str
    def __init__(self, role: _Optional[_Union[ChatRole, str]] = ..., text: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[ContentPart, _Mapping[str, object]]]] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCall, _Mapping[str, object]]]] = ..., tool_call_id: _Optional[str] = ..., name: _Optional[str] = ..., reasoning: _Optional[str] = ..., reasoning_signature: _Optional[str] = ...) -> None: ...

class ContentPart(_message.Message):
    __slots__ = ("text", "image_url", "image")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    text: str
    image_url: str
    image: InlineData
    def __init__(self, text: _Optional[str] = ..., image_url: _Optional[str] = ..., image: _Optional[_Union[InlineData, _Mapping[str, object]]] = ...) -> None: ...

class InlineData(_message.Message):
    __slots__ = ("mime_type", "data")
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    mime_type: str
    data: bytes
    def __init__(self, mime_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("id", "name", "arguments_json")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments_json: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments_json: _Optional[str] = ...) -> None: ...

class Tool(_message.Message):
    __slots__ = ("name", "description", "parameters_json", "strict")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters_json: str
    strict: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters_json: _Optional[str] = ..., strict: _Optional[bool] = ...) -> None: ...

class ToolChoice(_message.Message):
    __slots__ = ("mode", "function_name")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[ToolChoice.Mode]
        MODE_AUTO: _ClassVar[ToolChoice.Mode]
        MODE_NONE: _ClassVar[ToolChoice.Mode]
        MODE_REQUIRED: _ClassVar[ToolChoice.Mode]
    MODE_UNSPECIFIED: ToolChoice.Mode
    MODE_AUTO: ToolChoice.Mode
    MODE_NONE: ToolChoice.Mode
    MODE_REQUIRED: ToolChoice.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_NAME_FIELD_NUMBER: _ClassVar[int]
    mode: ToolChoice.Mode
    function_name: str
    def __init__(self, mode: _Optional[_Union[ToolChoice.Mode, str]] = ..., function_name: _Optional[str] = ...) -> None: ...

class ResponseFormat(_message.Message):
    __slots__ = ("json_object", "json_schema")
    JSON_OBJECT_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    json_object: bool
    json_schema: JsonSchema
    def __init__(self, json_object: _Optional[bool] = ..., json_schema: _Optional[_Union[JsonSchema, _Mapping[str, object]]] = ...) -> None: ...

class JsonSchema(_message.Message):
    __slots__ = ("name", "schema_json", "strict")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema_json: str
    strict: bool
    def __init__(self, name: _Optional[str] = ..., schema_json: _Optional[str] = ..., strict: _Optional[bool] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("temperature", "top_p", "max_tokens", "stop", "seed", "frequency_penalty", "presence_penalty", "top_logprobs", "reasoning_effort", "reasoning_tokens")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    REASONING_EFFORT_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    top_p: float
    max_tokens: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    top_logprobs: int
    reasoning_effort: str
    reasoning_tokens: int
    def __init__(self, temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., max_tokens: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., seed: _Optional[int] = ..., frequency_penalty: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., top_logprobs: _Optional[int] = ..., reasoning_effort: _Optional[str] = ..., reasoning_tokens: _Optional[int] = ...) -> None: ...

class Routing(_message.Message):
    __slots__ = ("only", "ignore", "order", "strategy", "allow_fallback", "max_attempts", "connect_timeout_ms", "first_token_timeout_ms", "stall_timeout_ms", "hedge_after_ms", "allow_restart")
    ONLY_FIELD_NUMBER: _ClassVar[int]
    IGNORE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    STALL_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    HEDGE_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_RESTART_FIELD_NUMBER: _ClassVar[int]
    only: _containers.RepeatedScalarFieldContainer[str]
    ignore: _containers.RepeatedScalarFieldContainer[str]
    order: _containers.RepeatedScalarFieldContainer[str]
    strategy: RoutingStrategy
    allow_fallback: bool
    max_attempts: int
    connect_timeout_ms: int
    first_token_timeout_ms: int
    stall_timeout_ms: int
    hedge_after_ms: int
    allow_restart: bool
    def __init__(self, only: _Optional[_Iterable[str]] = ..., ignore: _Optional[_Iterable[str]] = ..., order: _Optional[_Iterable[str]] = ..., strategy: _Optional[_Union[RoutingStrategy, str]] = ..., allow_fallback: _Optional[bool] = ..., max_attempts: _Optional[int] = ..., connect_timeout_ms: _Optional[int] = ..., first_token_timeout_ms: _Optional[int] = ..., stall_timeout_ms: _Optional[int] = ..., hedge_after_ms: _Optional[int] = ..., allow_restart: _Optional[bool] = ...) -> None: ...

class ChatResponse(_message.Message):
    __slots__ = ("text", "reasoning", "tool_calls", "logprobs", "start", "end", "reasoning_signature")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    REASONING_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    text: str
    reasoning: str
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCall]
    logprobs: _containers.RepeatedCompositeFieldContainer[TokenLogprob]
    start: ChatStart
    end: ChatEnd
    reasoning_signature: str
    def __init__(self, text: _Optional[str] = ..., reasoning: _Optional[str] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCall, _Mapping[str, object]]]] = ..., logprobs: _Optional[_Iterable[_Union[TokenLogprob, _Mapping[str, object]]]] = ..., start: _Optional[_Union[ChatStart, _Mapping[str, object]]] = ..., end: _Optional[_Union[ChatEnd, _Mapping[str, object]]] = ..., reasoning_signature: _Optional[str] = ...) -> None: ...

class ChatStreamResponse(_message.Message):
    __slots__ = ("seq", "start", "delta", "end", "restart")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    RESTART_FIELD_NUMBER: _ClassVar[int]
    seq: int
    start: ChatStart
    delta: ChatDelta
    end: ChatEnd
    restart: ChatRestart
    def __init__(self, seq: _Optional[int] = ..., start: _Optional[_Union[ChatStart, _Mapping[str, object]]] = ..., delta: _Optional[_Union[ChatDelta, _Mapping[str, object]]] = ..., end: _Optional[_Union[ChatEnd, _Mapping[str, object]]] = ..., restart: _Optional[_Union[ChatRestart, _Mapping[str, object]]] = ...) -> None: ...

class ChatRestart(_message.Message):
    __slots__ = ("outcome", "start")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    outcome: AttemptOutcome
    start: ChatStart
    def __init__(self, outcome: _Optional[_Union[AttemptOutcome, str]] = ..., start: _Optional[_Union[ChatStart, _Mapping[str, object]]] = ...) -> None: ...

class ChatStart(_message.Message):
    __slots__ = ("provider", "model", "response_model", "upstream_id", "attempt")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODEL_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    response_model: str
    upstream_id: str
    attempt: int
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., response_model: _Optional[str] = ..., upstream_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class ChatDelta(_message.Message):
    __slots__ = ("text", "reasoning", "tool_calls", "logprobs", "reasoning_signature")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    REASONING_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    text: str
    reasoning: str
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCallDelta]
    logprobs: _containers.RepeatedCompositeFieldContainer[TokenLogprob]
    reasoning_signature: str
    def __init__(self, text: _Optional[str] = ..., reasoning: _Optional[str] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCallDelta, _Mapping[str, object]]]] = ..., logprobs: _Optional[_Iterable[_Union[TokenLogprob, _Mapping[str, object]]]] = ..., reasoning_signature: _Optional[str] = ...) -> None: ...

class ToolCallDelta(_message.Message):
    __slots__ = ("index", "id", "name", "arguments_fragment")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FRAGMENT_FIELD_NUMBER: _ClassVar[int]
    index: int
    id: str
    name: str
    arguments_fragment: str
    def __init__(self, index: _Optional[int] = ..., id: _Optional[str] = ..., name: _Optional[str] = ..., arguments_fragment: _Optional[str] = ...) -> None: ...

class TokenLogprob(_message.Message):
    __slots__ = ("token", "logprob", "top")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    token: str
    logprob: float
    top: _containers.RepeatedCompositeFieldContainer[TopLogprob]
    def __init__(self, token: _Optional[str] = ..., logprob: _Optional[float] = ..., top: _Optional[_Iterable[_Union[TopLogprob, _Mapping[str, object]]]] = ...) -> None: ...

class TopLogprob(_message.Message):
    __slots__ = ("token", "logprob")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    token: str
    logprob: float
    def __init__(self, token: _Optional[str] = ..., logprob: _Optional[float] = ...) -> None: ...

class ChatEnd(_message.Message):
    __slots__ = ("finish_reason", "raw_finish_reason", "usage", "timing", "attempts", "cache")
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    RAW_FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    finish_reason: FinishReason
    raw_finish_reason: str
    usage: Usage
    timing: LlmTiming
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    cache: CacheStatus
    def __init__(self, finish_reason: _Optional[_Union[FinishReason, str]] = ..., raw_finish_reason: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping[str, object]]] = ..., timing: _Optional[_Union[LlmTiming, _Mapping[str, object]]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping[str, object]]]] = ..., cache: _Optional[_Union[CacheStatus, str]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens", "cost_nano_usd", "source", "cache_write_input_tokens")
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Usage.Source]
        SOURCE_PROVIDER: _ClassVar[Usage.Source]
        SOURCE_PARTIAL: _ClassVar[Usage.Source]
        SOURCE_CACHE: _ClassVar[Usage.Source]
    SOURCE_UNSPECIFIED: Usage.Source
    SOURCE_PROVIDER: Usage.Source
    SOURCE_PARTIAL: Usage.Source
    SOURCE_CACHE: Usage.Source
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_output_tokens: int
    cost_nano_usd: int
    source: Usage.Source
    cache_write_input_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_input_tokens: _Optional[int] = ..., reasoning_output_tokens: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., source: _Optional[_Union[Usage.Source, str]] = ..., cache_write_input_tokens: _Optional[int] = ...) -> None: ...

class LlmTiming(_message.Message):
    __slots__ = ("before_us", "first_token_us", "total_us", "upstream_us", "caller_us", "proxy_us")
    BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_US_FIELD_NUMBER: _ClassVar[int]
    CALLER_US_FIELD_NUMBER: _ClassVar[int]
    PROXY_US_FIELD_NUMBER: _ClassVar[int]
    before_us: int
    first_token_us: int
    total_us: int
    upstream_us: int
    caller_us: int
    proxy_us: int
    def __init__(self, before_us: _Optional[int] = ..., first_token_us: _Optional[int] = ..., total_us: _Optional[int] = ..., upstream_us: _Optional[int] = ..., caller_us: _Optional[int] = ..., proxy_us: _Optional[int] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("provider", "model", "outcome", "http_status", "error_code", "started_us", "duration_us", "hedge")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    STARTED_US_FIELD_NUMBER: _ClassVar[int]
    DURATION_US_FIELD_NUMBER: _ClassVar[int]
    HEDGE_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    outcome: AttemptOutcome
    http_status: int
    error_code: str
    started_us: int
    duration_us: int
    hedge: bool
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., outcome: _Optional[_Union[AttemptOutcome, str]] = ..., http_status: _Optional[int] = ..., error_code: _Optional[str] = ..., started_us: _Optional[int] = ..., duration_us: _Optional[int] = ..., hedge: _Optional[bool] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ("model", "inputs", "dimensions", "routing", "end_user", "cache")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    END_USER_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    model: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    dimensions: int
    routing: Routing
    end_user: str
    cache: CacheControl
    def __init__(self, model: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., dimensions: _Optional[int] = ..., routing: _Optional[_Union[Routing, _Mapping[str, object]]] = ..., end_user: _Optional[str] = ..., cache: _Optional[_Union[CacheControl, _Mapping[str, object]]] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("embeddings", "provider", "model", "response_model", "usage", "timing", "attempts", "cache")
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODEL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    provider: str
    model: str
    response_model: str
    usage: Usage
    timing: LlmTiming
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    cache: CacheStatus
    def __init__(self, embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping[str, object]]]] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., response_model: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping[str, object]]] = ..., timing: _Optional[_Union[LlmTiming, _Mapping[str, object]]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping[str, object]]]] = ..., cache: _Optional[_Union[CacheStatus, str]] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class LlmServiceListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LlmServiceListModelsResponse(_message.Message):
    __slots__ = ("models", "aliases")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[LlmModel]
    aliases: _containers.RepeatedCompositeFieldContainer[LlmAlias]
    def __init__(self, models: _Optional[_Iterable[_Union[LlmModel, _Mapping[str, object]]]] = ..., aliases: _Optional[_Iterable[_Union[LlmAlias, _Mapping[str, object]]]] = ...) -> None: ...

class LlmModel(_message.Message):
    __slots__ = ("name", "provider", "model", "price")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    model: str
    price: Price
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping[str, object]]] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("input_nano_usd", "output_nano_usd", "cached_input_nano_usd", "cache_write_nano_usd")
    INPUT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    input_nano_usd: int
    output_nano_usd: int
    cached_input_nano_usd: int
    cache_write_nano_usd: int
    def __init__(self, input_nano_usd: _Optional[int] = ..., output_nano_usd: _Optional[int] = ..., cached_input_nano_usd: _Optional[int] = ..., cache_write_nano_usd: _Optional[int] = ...) -> None: ...

class LlmAlias(_message.Message):
    __slots__ = ("name", "targets", "fallback", "context_fallback", "content_fallback")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    name: str
    targets: _containers.RepeatedScalarFieldContainer[str]
    fallback: str
    context_fallback: str
    content_fallback: str
    def __init__(self, name: _Optional[str] = ..., targets: _Optional[_Iterable[str]] = ..., fallback: _Optional[str] = ..., context_fallback: _Optional[str] = ..., content_fallback: _Optional[str] = ...) -> None: ...

class GetProviderHealthRequest(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: str
    def __init__(self, provider: _Optional[str] = ...) -> None: ...

class GetProviderHealthResponse(_message.Message):
    __slots__ = ("upstreams",)
    UPSTREAMS_FIELD_NUMBER: _ClassVar[int]
    upstreams: _containers.RepeatedCompositeFieldContainer[UpstreamHealth]
    def __init__(self, upstreams: _Optional[_Iterable[_Union[UpstreamHealth, _Mapping[str, object]]]] = ...) -> None: ...

class UpstreamHealth(_message.Message):
    __slots__ = ("provider", "model", "breaker", "throttled", "available_in_ms", "in_flight", "first_token_us", "attempts", "failures")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    THROTTLED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_IN_MS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    breaker: BreakerState
    throttled: bool
    available_in_ms: int
    in_flight: int
    first_token_us: int
    attempts: int
    failures: int
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., breaker: _Optional[_Union[BreakerState, str]] = ..., throttled: _Optional[bool] = ..., available_in_ms: _Optional[int] = ..., in_flight: _Optional[int] = ..., first_token_us: _Optional[int] = ..., attempts: _Optional[int] = ..., failures: _Optional[int] = ...) -> None: ...
