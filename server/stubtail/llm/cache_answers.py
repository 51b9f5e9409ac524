"""Answers of the cache: events to a whole answer and back, and what a hit tells; pure."""

from collections.abc import Iterator

from stubtail.llm.events import Event
from stubtail.v1 import llm_pb2


class Gathered:
    """Puts the events of a stream together."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._answer = llm_pb2.ChatResponse()

    def add(self, event: Event) -> None:
        """Takes the next event."""
        if isinstance(event, str):
            self._texts.append(event)
        elif isinstance(event, llm_pb2.ChatDelta):
            self._add_delta(event)
        elif isinstance(event, llm_pb2.ChatStart):
            self._answer.start.CopyFrom(event)
        elif isinstance(event, llm_pb2.ChatRestart):
            self._texts.clear()
            self._answer.Clear()
            self._answer.start.CopyFrom(event.start)
        else:
            self._answer.end.CopyFrom(event)

    def answer(self) -> llm_pb2.ChatResponse:
        """All that has come, as one answer."""
        self._answer.text = "".join(self._texts)
        return self._answer

    def _add_delta(self, delta: llm_pb2.ChatDelta) -> None:
        answer = self._answer
        self._texts.append(delta.text)
        answer.reasoning += delta.reasoning
        answer.reasoning_signature += delta.reasoning_signature
        answer.logprobs.extend(delta.logprobs)
        for piece in delta.tool_calls:
            while len(answer.tool_calls) <= piece.index:
                answer.tool_calls.add()
            call = answer.tool_calls[piece.index]
            call.id += piece.id
            call.name += piece.name
            call.arguments_json += piece.arguments_fragment


def replayed(kept: bytes) -> llm_pb2.ChatResponse:
    """A kept answer as it is told again: who made it, its tokens, no money and no attempt."""
    answer = llm_pb2.ChatResponse.FromString(kept)
    end = answer.end
    end.cache = llm_pb2.CACHE_STATUS_HIT
    end.ClearField("attempts")
    end.ClearField("timing")
    _make_free(end.usage)
    return answer


def replayed_vectors(kept: bytes) -> llm_pb2.EmbedResponse:
    """Kept vectors as they are told again, likewise."""
    answer = llm_pb2.EmbedResponse.FromString(kept)
    answer.cache = llm_pb2.CACHE_STATUS_HIT
    answer.ClearField("attempts")
    answer.ClearField("timing")
    _make_free(answer.usage)
    return answer


def as_events(answer: llm_pb2.ChatResponse) -> Iterator[Event]:
    """A whole answer as a stream tells it: Start, what came, End."""
    yield answer.start
    calls = [
        llm_pb2.ToolCallDelta(
            index=index, id=one.id, name=one.name, arguments_fragment=one.arguments_json
        )
        for index, one in enumerate(answer.tool_calls)
    ]
    delta = llm_pb2.ChatDelta(
        text=answer.text,
        reasoning=answer.reasoning,
        reasoning_signature=answer.reasoning_signature,
        tool_calls=calls,
        logprobs=answer.logprobs,
    )
    if delta.ByteSize():
        yield delta
    yield answer.end


def _make_free(usage: llm_pb2.Usage) -> None:
    usage.source = llm_pb2.Usage.SOURCE_CACHE
    if usage.HasField("cost_nano_usd"):
        usage.cost_nano_usd = 0
