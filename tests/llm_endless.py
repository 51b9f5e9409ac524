"""Upstreams of the tests that take very long, or never come to an end by themselves."""

import asyncio

from tests.llm_upstream import WORDS, Talk

PACE_S = 0.01
BIG = "x" * 100_000


async def trickle(talk: Talk) -> None:
    """Words for ever."""
    await talk.head()
    talk.said.set()
    while not talk.gone.is_set():
        await talk.delta("word ")
        await asyncio.sleep(PACE_S)


async def flood(talk: Talk) -> None:
    """Large pieces for ever, as fast as they are read."""
    await talk.head()
    while not talk.gone.is_set():
        await talk.delta(BIG)


async def slow_head(talk: Talk) -> None:
    """A good answer whose head comes byte by byte."""
    lines = ("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
    head = "\r\n".join([*lines, "", ""]).encode()
    for byte in head:
        await talk.raw(bytes([byte]))
        await asyncio.sleep(0)
    for word in WORDS:
        await talk.delta(word)
    await talk.delta(finish="stop")
    await talk.done()


async def endless_head(talk: Talk) -> None:
    """Headers for ever, a little at a time: signs of life that are no answer."""
    await talk.raw(b"HTTP/1.1 200 OK\r\n")
    talk.said.set()
    while not talk.gone.is_set():
        await talk.raw(b"X-Wait: more\r\n")
        await asyncio.sleep(PACE_S)
