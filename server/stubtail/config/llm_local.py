"""The settings of the language models that run on this machine, without any key."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from stubtail.config.llm import AliasSettings, LlmSettings, PriceSettings, ProviderSettings
from stubtail.config.rules import Rule

CHAT_PROVIDER: Final = "builtin"
CHAT_MODEL: Final = "smollm2-135m"
EMBED_PROVIDER: Final = "builtin-embeddings"
EMBED_MODEL: Final = "all-minilm-l6-v2"
ALIASES: Final = {
    "fast": f"{CHAT_PROVIDER}/{CHAT_MODEL}",
    "embeddings": f"{EMBED_PROVIDER}/{EMBED_MODEL}",
}
# Replaced by the address of the child process; port 9 discards, and nobody listens there.
NOWHERE: Final = "http://127.0.0.1:9/v1"
# To images llama.cpp would answer 500, and a few of them open the breaker for everybody; of the
# others nothing reaches the model, as its template has no place for them.
REFUSES: Final = (
    "messages.parts.image",
    "messages.parts.image_url",
    "tools",
    "sampling.reasoning_effort",
)
WAITING: Final = 64  # calls that the child queues for each of its slots


@dataclass(frozen=True, slots=True)
class LlmLocalSettings:
    """Small models on this machine: a chat model and one for embeddings, in a child process."""

    enabled: Annotated[
        bool, Rule("run them; needs the extra llm-local", why="off: 350 MB and a core while busy")
    ] = False
    threads: Annotated[
        int, Rule("threads of the chat model", 1, 256, why="scoring shares the cores with it")
    ] = 1
    slots: Annotated[
        int, Rule("answers written at once", 1, 64, why="each has its context in memory")
    ] = 2
    context_tokens: Annotated[
        int,
        Rule("tokens of a request with its answer", 256, 8192, why="23 kB of memory each"),
    ] = 2048
    start_timeout_ms: Annotated[
        int,
        Rule("how long the start of the server waits for them, ms", 0, 600_000, why="it serves on"),
    ] = 30_000


def with_local(llm: LlmSettings, local: LlmLocalSettings) -> LlmSettings:
    """The providers of the settings and those of this machine, free of charge.

    What the settings name themselves stays as it is.
    """
    if not local.enabled:
        return llm
    waiting = local.slots * WAITING
    chat = ProviderSettings(
        base_url=NOWHERE,
        models=(CHAT_MODEL,),
        concurrency_max=waiting,
        refuses=REFUSES,
    )
    embed = ProviderSettings(base_url=NOWHERE, models=(EMBED_MODEL,), concurrency_max=WAITING)
    return replace(
        llm,
        providers={CHAT_PROVIDER: chat, EMBED_PROVIDER: embed, **llm.providers},
        aliases={**{name: AliasSettings((one,)) for name, one in ALIASES.items()}, **llm.aliases},
        prices={**{name: PriceSettings() for name in ALIASES.values()}, **llm.prices},
    )
