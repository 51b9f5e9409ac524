"""Upstreams of the tests that never come to an end by themselves."""

import asyncio

from tests.llm_upstream import Talk

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
