"""The command `stubtail llm check`: asks each model of each provider for a word, prints a table."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TextIO

from stubtail import __version__
from stubtail.config import Settings, provider_keys, with_local
from stubtail.config.llm_local import EMBED_PROVIDER
from stubtail.errors import CallError
from stubtail.llm.local import local_models
from stubtail.llm.proxy import Proxy
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

QUESTION = "Answer with the one word: yes"
TOKENS_MAX = 16  # a check should cost next to nothing
HEADS = ("model", "result", "first ms", "total ms", "tokens", "detail")


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one model; times in seconds."""

    name: str
    ok: bool
    first_s: float
    total_s: float
    tokens: int
    detail: str
    refused: bool = False

    def cells(self) -> tuple[str, ...]:
        """The cells of its row."""
        result = "ok" if self.ok else "FAILED"
        first = f"{self.first_s * 1e3:.0f}" if self.ok else "-"
        tokens = str(self.tokens) if self.tokens else "-"
        return (self.name, result, first, f"{self.total_s * 1e3:.0f}", tokens, self.detail)


def run_check(settings: Settings, out: TextIO) -> bool:
    """Prints the table; returns whether every model answered."""
    checked = asyncio.run(_check_all(settings))
    if not checked:
        out.write("no provider is configured; see [llm.providers.NAME] in `stubtail config`\n")
        return False
    rows = [HEADS, *(one.cells() for one in checked)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.write("  ".join(cells).rstrip() + "\n")
    return all(one.ok for one in checked)


async def _check_all(settings: Settings) -> list[Checked]:
    settings = replace(settings, llm=with_local(settings.llm, settings.llm_local))
    proxy = Proxy(settings.llm, provider_keys(settings), f"stubtail/{__version__}")
    local = local_models(settings, proxy.upstreams) if settings.llm_local.enabled else None
    await proxy.start()
    try:
        if local is not None:
            await local.start()
        return list(await asyncio.gather(*(_check_one(proxy, one) for one in proxy.upstreams)))
    finally:
        await proxy.aclose()
        if local is not None:
            await local.aclose()


async def _check_one(proxy: Proxy, upstream: Upstream) -> Checked:
    if upstream.provider == EMBED_PROVIDER:
        return await _check_vectors(proxy, upstream.name)
    checked = await _check(proxy, upstream.name)
    if not checked.refused:
        return checked
    # Providers list models that make vectors beside those that chat, and refuse them a chat.
    vectors = await _check_vectors(proxy, upstream.name)
    return vectors if vectors.ok else checked


async def _check_vectors(proxy: Proxy, name: str) -> Checked:
    started_s = time.monotonic()
    routing = llm_pb2.Routing(allow_fallback=False, max_attempts=1)
    request = llm_pb2.EmbedRequest(model=name, inputs=[QUESTION], routing=routing)
    try:
        reply = await proxy.embed(request)
    except CallError as error:
        spent_s = time.monotonic() - started_s
        return Checked(name, False, 0.0, spent_s, 0, error.message)
    spent_s = time.monotonic() - started_s
    tokens = reply.usage.input_tokens
    return Checked(name, True, spent_s, spent_s, tokens, "embeddings")


async def _check(proxy: Proxy, name: str) -> Checked:
    request = llm_pb2.ChatRequest(
        model=name,
        messages=[llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text=QUESTION)],
        sampling=llm_pb2.Sampling(max_tokens=TOKENS_MAX),
        routing=llm_pb2.Routing(allow_fallback=False, max_attempts=1),
    )
    started_s = time.monotonic()
    end = llm_pb2.ChatEnd()
    try:
        async for event in proxy.stream(request):
            if isinstance(event, llm_pb2.ChatEnd):
                end = event
    except CallError as error:
        spent_s = time.monotonic() - started_s
        refused = error.reason == "UPSTREAM_REFUSED"
        return Checked(name, False, 0.0, spent_s, 0, error.message, refused)
    first_s = end.timing.first_token_us / 1e6
    counted = end.usage.source == llm_pb2.Usage.SOURCE_PROVIDER
    detail = "" if counted else "no token counts: costs of streams are not known"
    total_s = time.monotonic() - started_s
    return Checked(name, True, first_s, total_s, end.usage.output_tokens, detail)
