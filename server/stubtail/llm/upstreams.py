"""One model of one provider: its gate, its slots, and how quickly it begins to answer; pure."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stubtail.breaker import BreakerOptions, Gate, Permit, Refusal
from stubtail.config import Secret
from stubtail.llm import failures
from stubtail.llm.dialects import Dialect
from stubtail.llm.failures import AttemptFailedError, Outcome
from stubtail.llm.prices import PriceTable
from stubtail.llm.routing import decayed
from stubtail.metrics.llm import (
    CHUNK_EDGES_S,
    DURATION_EDGES_S,
    FIRST_EDGES_S,
    KINDS,
    OPERATIONS,
    TOKEN_EDGES,
    Spread,
    UpstreamNumbers,
)
from stubtail.v1 import llm_pb2

EWMA_NEW = 0.3  # what the newest time to the first content counts
OUTCOME_NAMES = {
    value: name.removeprefix("ATTEMPT_OUTCOME_").lower()
    for name, value in llm_pb2.AttemptOutcome.items()
}
KEY_PART = 8  # characters of a key that give something away
BUSY_WAIT_S = 0.1  # a slot is free again after some calls; nobody knows when


@dataclass(slots=True)
class Provider:
    """One provider, with the calls that all of its models are answering."""

    name: str
    base_url: str
    key: Secret
    concurrency_max: int
    weight: float
    stream_usage: bool
    dialect: Dialect
    max_tokens: int = 4096
    refuses: tuple[str, ...] = ()
    in_flight: int = 0

    def told(self, code: str) -> str:
        """Its code for an error, as it may be passed on: not where its key, or much of it, is."""
        key = self.key.reveal()
        shows = bool(key) and (key in code or (len(code) >= KEY_PART and code in key))
        return "" if shows else code

    def lacks(self, request: llm_pb2.ChatRequest) -> str:
        """The field of a request that it does not offer; empty where it offers all."""
        if not self.refuses:
            return ""
        return next((path for path in self.refuses if _is_set(request, path)), "")


class Upstream:
    """One model of one provider.

    Args:
        provider: who offers it.
        model: as the provider calls it.
        price: what it costs; None where nobody said.
        options: of its breaker.
        random: 0 to 1.
    """

    def __init__(
        self,
        provider: Provider,
        model: str,
        price: PriceTable | None,
        options: BreakerOptions,
        random: Callable[[], float],
    ) -> None:
        self.origin = provider
        self.provider = provider.name
        self.model = model
        self.chat_url = provider.base_url + provider.dialect.chat_path
        self.embed_url = provider.base_url + provider.dialect.embed_path
        self.headers = provider.dialect.headers(provider.key)
        self.name = f"{provider.name}/{model}"
        self.weight = provider.weight
        self.price = price
        self.gate = Gate(self.name, options, random)
        self.in_flight = 0
        self.attempts = 0
        self.failures = 0
        self._ttft_s = 0.0
        self._ttft_at_s = 0.0
        self._outcomes: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._cost_nano_usd = 0
        self._first = Spread(FIRST_EDGES_S)
        self._duration = {one: Spread(DURATION_EDGES_S) for one in OPERATIONS}
        self._chunk = Spread(CHUNK_EDGES_S)
        self._usage = {(one, kind): Spread(TOKEN_EDGES) for one in OPERATIONS for kind in KINDS}

    @property
    def cost(self) -> int | None:
        """A price to compare by: one token in, one token out."""
        return None if self.price is None else self.price.input + self.price.output

    def ttft_s(self, now_s: float) -> float:
        """The recent time to the first content, as it counts now; 0 where nothing is known."""
        return decayed(self._ttft_s, now_s - self._ttft_at_s)

    @property
    def ttft_mean_s(self) -> float:
        """The recent time to the first content; 0 where nothing is known."""
        return self._ttft_s

    def note_first_content(self, seconds: float, now_s: float) -> None:
        """An answer began after so many seconds."""
        before = self._ttft_s
        self._ttft_s = seconds if not before else before + EWMA_NEW * (seconds - before)
        self._ttft_at_s = now_s
        self._first.add(seconds)

    def note_chunk(self, seconds: float) -> None:
        """Something more came of an answer after so many seconds."""
        self._chunk.add(seconds)

    def note_attempt(self, operation: str, outcome: Outcome, seconds: float) -> None:
        """An attempt ended so, after so many seconds."""
        self._outcomes[OUTCOME_NAMES[outcome]] += 1
        self._duration[operation].add(seconds)

    def note_usage(self, operation: str, usage: llm_pb2.Usage) -> None:
        """An answer took so many tokens."""
        if usage.source == llm_pb2.Usage.SOURCE_PROVIDER:
            self._usage[operation, "input"].add(usage.input_tokens)
            self._usage[operation, "output"].add(usage.output_tokens)
        self._tokens["input"] += usage.input_tokens
        self._tokens["output"] += usage.output_tokens
        self._cost_nano_usd += usage.cost_nano_usd

    def numbers(self, now_s: float) -> UpstreamNumbers:
        """What metrics tell of it; any thread."""
        return UpstreamNumbers(
            provider=self.provider,
            model=self.model,
            breaker=self.gate.state(now_s),
            throttled=self.gate.is_throttled(now_s),
            in_flight=self.in_flight,
            outcomes=self._outcomes.copy(),
            tokens=self._tokens.copy(),
            cost_nano_usd=self._cost_nano_usd,
            first=self._first,
            duration=self._duration,
            chunk=self._chunk,
            usage=self._usage,
        )

    def lease(self, now_s: float) -> "Lease | Refusal":
        """The right to ask once, which must be closed, or why there is none."""
        if self.origin.in_flight >= self.origin.concurrency_max:
            return Refusal(throttled=True, wait_s=BUSY_WAIT_S)
        permit = self.gate.acquire(now_s)
        return permit if isinstance(permit, Refusal) else Lease(self, permit)


class Lease:
    """A slot and a permit of an upstream. `close` gives both back, however the attempt ended.

    Attributes:
        settled: whether the attempt has ended.
        unused: whether the upstream said at once that it does not answer.
    """

    def __init__(self, upstream: Upstream, permit: Permit) -> None:
        self.upstream = upstream
        self._permit = permit
        self._open = True
        self.settled = False
        self.unused = False
        upstream.in_flight += 1
        upstream.attempts += 1
        upstream.origin.in_flight += 1

    def began(self, first_s: float, now_s: float) -> None:
        """Content came after so long: a probe has found out what it was for, others may come in."""
        self.upstream.note_first_content(first_s, now_s)
        if self._permit.is_probe:
            self._permit.ok(now_s)
            permit = self.upstream.gate.acquire(now_s)
            if isinstance(permit, Permit):
                self._permit = permit

    def answered(self, now_s: float) -> None:
        """The answer is complete."""
        self.settled = True
        self._permit.ok(now_s)

    def failed(self, failure: AttemptFailedError, now_s: float) -> None:
        """The attempt failed; what that means for the gate depends on why."""
        self.settled = True
        self.unused = failure.outcome in failures.UNUSED
        if failure.outcome != failures.SUPERSEDED:
            self.upstream.failures += 1
        if failure.outcome in failures.BLAMELESS:
            self._permit.drop(now_s)
        elif failure.outcome == failures.THROTTLED:
            wait_s = failure.retry_after_s
            self._permit.throttled(now_s, failures.THROTTLE_S if wait_s is None else wait_s)
        else:
            if failure.retry_after_s:
                self.upstream.gate.throttle(now_s + failure.retry_after_s)
            self._permit.fail(now_s)

    def close(self, now_s: float) -> None:
        """Gives slot and permit back; a permit that nobody settled counts nothing."""
        if self._open:
            self._open = False
            self._permit.drop(now_s)
            self.upstream.in_flight -= 1
            self.upstream.origin.in_flight -= 1


def is_field(path: str) -> bool:
    """Whether a chat request can have a field like `sampling.seed`."""
    found: Any = llm_pb2.ChatRequest.DESCRIPTOR
    for name in path.split("."):
        field = found.fields_by_name.get(name) if found is not None else None
        if field is None:
            return False
        found = field.message_type
    return True


def _is_set(request: llm_pb2.ChatRequest, path: str) -> bool:
    """Whether a request has a field, such as `tools`, `sampling.seed` or `messages.name`."""
    found: list[Any] = [request]
    for name in path.split("."):
        found = [value for one in found for value in _values(one, name)]
    return bool(found)


def _values(message: Any, name: str) -> list[Any]:
    field = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    if field.is_repeated:
        return list(value)
    given = message.HasField(name) if field.has_presence else bool(value)
    return [value] if given else []
