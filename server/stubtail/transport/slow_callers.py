"""Callers who ask and then do not read: how long they are waited for, and what they are told."""

import asyncio
from typing import Any

from stubtail.errors import CallError, Code


def untaken(take_s: float) -> CallError:
    """DEADLINE_EXCEEDED for a caller who has taken none of its answer for so long, seconds."""
    told = f"the caller took none of the answer for {take_s:g} s: read it, or cancel the call"
    return CallError(Code.DEADLINE_EXCEEDED, "ANSWER_TOO_SLOW", told, retry_after_s=-1.0)


async def write_within(take_s: float, context: Any, reply: bytes) -> None:
    """Sends a message over grpc.aio; raises CallError where it is not taken in `take_s` seconds."""
    end = asyncio.timeout(take_s)
    try:
        async with end:
            await context.write(reply)
    except TimeoutError:
        if not end.expired():
            raise
        raise untaken(take_s) from None
    finally:
        # It knows the task, which keeps what cancelled it, whose frames have this one: a cycle that
        # would hold the call until a full collection, and those are rare here.
        del end
