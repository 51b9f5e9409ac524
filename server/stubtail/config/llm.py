"""The settings of the proxy to language models: providers, aliases and prices as data."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from stubtail.config.rules import Entries, Rule

MIB = 1024 * 1024
_FIELD = re.compile(
    r"(tools|tool_choice|parallel_tool_calls|response_format|end_user)"
    r"|(sampling|messages|response_format|tools|tool_choice)(\.[a-z_]{1,40}){1,3}"
)
Strategy = Literal["priority", "weighted", "lowest_ttft", "least_busy", "lowest_cost"]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider; adding another that speaks the same protocol needs no code."""

    base_url: Annotated[
        str, Rule("address of its API, such as https://host/v1", why="paths are added to it")
    ] = ""
    kind: Annotated[
        Literal["openai", "anthropic"],
        Rule("the protocol that it speaks", why="most speak that of OpenAI"),
    ] = "openai"
    models: Annotated[
        tuple[str, ...],
        Rule("its models, as it calls them", why="what is not listed here cannot be asked for"),
    ] = ()
    api_key_env: Annotated[
        str,
        Rule("environment variable with its key", why="keys are never written into settings"),
    ] = ""
    api_key_file: Annotated[
        str, Rule("file with its key", why="for keys that are mounted; the environment wins")
    ] = ""
    concurrency_max: Annotated[
        int, Rule("most calls to it at once", 1, 100_000, why="others are asked meanwhile")
    ] = 256
    weight: Annotated[
        float, Rule("share of the calls, for weighted and least_busy", 0.001, 1e6, why="a ratio")
    ] = 1.0
    stream_usage: Annotated[
        bool,
        Rule("ask for token counts in streams", why="off for providers that refuse stream_options"),
    ] = True
    max_tokens: Annotated[
        int,
        Rule(
            "longest answer where a call names none, tokens; of kind anthropic only",
            1,
            10_000_000,
            why="that protocol must be told one",
        ),
    ] = 4096
    refuses: Annotated[
        tuple[str, ...],
        Rule(
            "fields of a chat request that it does not offer, such as sampling.top_logprobs",
            why="calls that have one pass it by, instead of being refused or half answered",
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class AliasSettings:
    """A name for models of one or several providers."""

    targets: Annotated[
        tuple[str, ...], Rule("what it stands for: provider/model", why="asked by the strategy")
    ] = ()
    strategy: Annotated[
        Literal["default"] | Strategy,
        Rule("how the targets are ordered", why="default is llm.strategy"),
    ] = "default"
    fallback: Annotated[
        str, Rule("alias that is asked after all targets", why="another model is better than none")
    ] = ""
    context_fallback: Annotated[
        str,
        Rule(
            "alias for requests that do not fit into a target's window", why="some have more room"
        ),
    ] = ""
    content_fallback: Annotated[
        str, Rule("alias for requests whose content a target refuses", why="policies differ")
    ] = ""
    hedge_after_ms: Annotated[
        int,
        Rule(
            "when a second target is asked as well, ms without content; 0 never",
            0,
            3_600_000,
            why="a slow start costs a second answer instead of a wait",
        ),
    ] = 0


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """What a million tokens of one provider/model cost."""

    input: Annotated[
        float, Rule("tokens of the request, US dollars a million", 0, 1e6, why="0 is free")
    ] = 0.0
    output: Annotated[
        float, Rule("tokens of the answer, US dollars a million", 0, 1e6, why="0 is free")
    ] = 0.0
    cached_input: Annotated[
        float | Literal["input"],
        Rule("tokens from the provider's cache, US dollars a million", 0, 1e6, why="often less"),
    ] = "input"
    cache_write: Annotated[
        float | Literal["input"],
        Rule("tokens written into that cache, US dollars a million", 0, 1e6, why="often more"),
    ] = "input"


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """The proxy to language models; without a provider there is none."""

    strategy: Annotated[
        Strategy, Rule("how providers of one model are ordered", why="priority surprises nobody")
    ] = "priority"
    calls_max: Annotated[
        int, Rule("most calls at once", 1, 100_000, why="each holds two connections' buffers")
    ] = 1024
    attempts_max: Annotated[
        int,
        Rule("most attempts of a call, all providers together", 1, 16, why="failures must end"),
    ] = 3
    connect_timeout_ms: Annotated[
        int, Rule("longest wait for a connection, ms", 10, 600_000, why="another may be reachable")
    ] = 3000
    first_token_timeout_ms: Annotated[
        int,
        Rule(
            "longest wait for the first content, from the start of an attempt, ms",
            10,
            3_600_000,
            why="reasoning models think before they speak",
        ),
    ] = 30_000
    stall_timeout_ms: Annotated[
        int,
        Rule("longest wait between two pieces of content, ms", 10, 3_600_000, why="nobody notices"),
    ] = 15_000
    caller_timeout_ms: Annotated[
        int,
        Rule(
            "longest wait for a caller to take a piece of its answer, ms",
            10,
            3_600_000,
            why="who asks and does not read holds a provider's slot and what was set aside",
        ),
    ] = 60_000
    total_timeout_ms: Annotated[
        int,
        Rule("longest answer, ms", 10, 86_400_000, why="a trickle defeats the stall timeout"),
    ] = 600_000
    event_bytes_max: Annotated[
        int, Rule("largest event of a stream, bytes", 1024, 2**30, why="it is held in memory whole")
    ] = MIB
    answer_bytes_max: Annotated[
        int, Rule("largest answer, bytes", 1024, 2**31, why="a provider must not fill our memory")
    ] = 16 * MIB
    breaker_window_ms: Annotated[
        int,
        Rule("attempts that a breaker judges by, ms", 100, 3_600_000, why="older ones are over"),
    ] = 30_000
    breaker_attempts_min: Annotated[
        int, Rule("fewest attempts to judge by a rate", 1, 10_000, why="one of one says nothing")
    ] = 10
    breaker_failure_rate: Annotated[
        float, Rule("share of failures that opens a breaker", 0.01, 1, why="one in two is too much")
    ] = 0.5
    breaker_failures_max: Annotated[
        int, Rule("failures in a row that open a breaker", 1, 10_000, why="few calls, no rate")
    ] = 5
    breaker_open_ms: Annotated[
        int,
        Rule("time before the first probe, ms; doubles", 10, 3_600_000, why="it needs to recover"),
    ] = 5000
    breaker_open_max_ms: Annotated[
        int, Rule("longest time between probes, ms", 10, 3_600_000, why="it may be well again")
    ] = 60_000
    providers: Annotated[
        Mapping[str, ProviderSettings],
        Entries(ProviderSettings, "Providers of language models, by names of your own."),
    ] = field(default_factory=dict)
    aliases: Annotated[
        Mapping[str, AliasSettings],
        Entries(AliasSettings, "Names for models, by which callers ask."),
    ] = field(default_factory=dict)
    prices: Annotated[
        Mapping[str, PriceSettings],
        Entries(PriceSettings, 'Prices by "provider/model".'),
    ] = field(default_factory=dict)


def llm_conflicts(llm: LlmSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between these settings: the keys involved and the rule."""
    for name, provider in llm.providers.items():
        yield from _provider_conflicts(name, provider)
    offered = {f"{name}/{model}" for name, one in llm.providers.items() for model in one.models}
    for name, alias in llm.aliases.items():
        yield from _alias_conflicts(name, alias, llm.aliases, offered)
    for name in llm.prices:
        if name not in offered:
            yield (f"llm.prices.{name}.input",), f"no provider offers {name}"
    if llm.breaker_open_ms > llm.breaker_open_max_ms:
        first, longest = llm.breaker_open_ms, llm.breaker_open_max_ms
        rule = f"the first time ({first}) must not be above the longest ({longest})"
        yield ("llm.breaker_open_ms", "llm.breaker_open_max_ms"), rule


def _provider_conflicts(
    name: str, provider: ProviderSettings
) -> Iterator[tuple[tuple[str, ...], str]]:
    key = f"llm.providers.{name}"
    if "/" in name or not name:
        yield (f"{key}.base_url",), "the name of a provider must have no slash"
    if (problem := _address_problem(provider.base_url)) is not None:
        yield (f"{key}.base_url",), problem
    if not provider.models:
        yield (f"{key}.models",), "must name at least one model"
    for path in provider.refuses:
        if not _FIELD.fullmatch(path):
            yield (f"{key}.refuses",), f"{path!r} must be a field such as tools or sampling.seed"


def _address_problem(text: str) -> str | None:
    wrong = "must be an http or https address without a query"
    try:
        url = urlsplit(text)
        _ = url.port  # half an IPv6 address and a port that is none are told only when asked for
    except ValueError:
        return wrong
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        return wrong
    if url.username or url.password:
        return "must hold no password; use api_key_env or api_key_file"
    return None


def _alias_conflicts(
    name: str, alias: AliasSettings, aliases: Mapping[str, AliasSettings], offered: Collection[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    key = f"llm.aliases.{name}"
    if not alias.targets:
        yield (f"{key}.targets",), "must name at least one provider/model"
    for target in alias.targets:
        if target not in offered:
            yield (f"{key}.targets",), f"no provider offers {target}"
    for field_name in ("fallback", "context_fallback", "content_fallback"):
        other = getattr(alias, field_name)
        if other and other not in aliases:
            yield (f"{key}.{field_name}",), f"there is no alias {other}"
        elif other == name and field_name != "fallback":
            yield (f"{key}.{field_name}",), "must be another alias"
    if name in _chain(aliases, alias.fallback):
        yield (f"{key}.fallback",), "its fallbacks lead back to it"


def _chain(aliases: Mapping[str, AliasSettings], name: str) -> list[str]:
    """The aliases that follow, each once."""
    found: list[str] = []
    while name in aliases and name not in found:
        found.append(name)
        name = aliases[name].fallback
    return found
