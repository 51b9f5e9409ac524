"""The settings of what stands around calls to language models: limits, cache, redaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from stubtail.config.llm import LlmSettings
from stubtail.config.rules import Entries, Rule

MIB = 1024 * 1024
Concurrency = Annotated[
    int, Rule("calls at once; 0: no limit", 0, 100_000, why="one must not take every slot")
]
Requests = Annotated[
    int, Rule("calls in any minute; 0: no limit", 0, 10**9, why="what a minute may bring")
]
Tokens = Annotated[
    int,
    Rule("tokens in any minute, both ways; 0: no limit", 0, 10**12, why="calls differ in size"),
]
Money = Annotated[
    float,
    Rule("US dollars in any 24 hours; 0: no limit", 0, 1e6, why="counted in billionths, exactly"),
]


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one caller, one tenant or one provider may take."""

    concurrency: Concurrency = 0
    requests_per_minute: Requests = 0
    tokens_per_minute: Tokens = 0
    usd_per_day: Money = 0.0


@dataclass(frozen=True, slots=True)
class LlmLimitsSettings:
    """What each caller may take of language models; each process counts for itself."""

    concurrency: Concurrency = 0
    requests_per_minute: Requests = 0
    tokens_per_minute: Tokens = 0
    usd_per_day: Money = 0.0
    callers_max: Annotated[
        int,
        Rule("callers counted apart; those beyond share", 1, 1_000_000, why="up to 12 kB each"),
    ] = 1000
    answer_tokens: Annotated[
        int,
        Rule(
            "longest answer where a call names none, tokens",
            1,
            10**6,
            why="what is set aside must be an upper bound; used where tokens or money are limited",
        ),
    ] = 1024
    bytes_per_token: Annotated[
        float,
        Rule(
            "bytes of a request for each token that is set aside",
            1,
            8,
            why="no token is shorter than a byte: 1 is exact; 3 lets more calls in",
        ),
    ] = 1.0
    callers: Annotated[
        Mapping[str, LimitSettings],
        Entries(LimitSettings, "Limits of single callers, in place of those above."),
    ] = field(default_factory=dict)
    providers: Annotated[
        Mapping[str, LimitSettings],
        Entries(LimitSettings, "Limits on what all callers together take of a provider."),
    ] = field(default_factory=dict)
    tenants: Annotated[
        Mapping[str, LimitSettings],
        Entries(LimitSettings, "Limits on what all callers of a tenant together take."),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LlmCacheSettings:
    """Answers that are kept for calls that ask for it, apart for each caller."""

    enabled: Annotated[
        bool, Rule("keep answers", why="off: an old answer is somebody's decision")
    ] = False
    ttl_ms: Annotated[
        int, Rule("how long an answer is kept, ms", 1, 30 * 86_400_000, why="it grows stale")
    ] = 600_000
    entries_max: Annotated[
        int, Rule("most answers kept", 1, 10**7, why="each has a key and its place in the order")
    ] = 10_000
    bytes_max: Annotated[
        int, Rule("most bytes kept", 1024, 2**36, why="memory; the least used goes first")
    ] = 64 * MIB
    entry_bytes_max: Annotated[
        int, Rule("largest answer kept, bytes", 1024, 2**30, why="one must not push out all others")
    ] = MIB


@dataclass(frozen=True, slots=True)
class LlmPrivacySettings:
    """What is taken out of requests before a provider sees them."""

    redact_emails: Annotated[
        bool, Rule("replace e-mail addresses by [EMAIL]", why="off: a prompt is sent as it is")
    ] = False
    redact_phones: Annotated[
        bool, Rule("replace phone numbers by [PHONE]", why="off: as above; some are missed")
    ] = False
    redact_cards: Annotated[
        bool, Rule("replace card numbers by [CARD]", why="off: as above; Luhn's check decides")
    ] = False


def limit_conflicts(
    limits: LlmLimitsSettings, llm: LlmSettings
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between these settings: the keys involved and the rule."""
    for name in limits.providers:
        if name not in llm.providers:
            yield (f"llm_limits.providers.{name}.concurrency",), f"there is no provider {name}"
    entries = (*limits.callers.values(), *limits.providers.values(), *limits.tenants.values())
    if not limits.usd_per_day and not any(one.usd_per_day for one in entries):
        return
    for name, provider in llm.providers.items():
        for model in provider.models:
            if f"{name}/{model}" not in llm.prices:
                rule = f"money is limited, so {name}/{model} needs a price, 0 where it is free"
                yield (f"llm.prices.{name}/{model}.input",), rule


def cache_conflicts(cache: LlmCacheSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between these settings: the keys involved and the rule."""
    if cache.entry_bytes_max > cache.bytes_max:
        one, total = cache.entry_bytes_max, cache.bytes_max
        rule = f"one answer ({one} bytes) must fit into all of it ({total} bytes)"
        yield ("llm_cache.entry_bytes_max", "llm_cache.bytes_max"), rule
