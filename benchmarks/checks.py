"""Correctness before and after a load, asked by an ordinary gRPC client."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import grpc

from benchmarks.errors import WrongAnswerError
from benchmarks.load import Load
from benchmarks.rows import Pool
from benchmarks.servers.echo import REPLY_BYTES

Expect = Literal["scores", "start", "anything"]
"""What a right reply is: the model's scores, the request's first bytes, or any OK reply."""

Ask = Callable[[str, Pool, Sequence[int]], list[tuple[int, bytes]]]
"""Replies to the calls of a pool at some indexes, as `ask` gives them; raises as it does."""

_CALL_S = 10.0
_CALLS = 16


def ask(address: str, pool: Pool, indexes: Sequence[int]) -> list[tuple[int, bytes]]:
    """The replies to some calls of `pool`, through grpcio.

    Raises:
        WrongAnswerError: A call ended with another status than OK.
    """
    replies = []
    with grpc.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(pool.calls.path, None, None)
        for index in indexes:
            try:
                message = call(pool.calls.messages[index], timeout=_CALL_S, wait_for_ready=True)
            except grpc.RpcError as error:
                code: Any = error
                raise WrongAnswerError(f"{code.code().name}: {code.details()}") from error
            replies.append((index, message))
    return replies


def check_server(
    address: str, pool: Pool, expect: Expect, seed: int, asking: Ask = ask
) -> set[int]:
    """Asks for some rows of `pool` and compares; the lengths of the right replies in bytes.

    Args:
        address: Where the server listens.
        pool: What to ask.
        expect: What a right reply is.
        seed: Which calls of the pool to use.
        asking: How to ask.

    Raises:
        WrongAnswerError: The server does not do what is measured.
    """
    size = len(pool.calls.messages)
    replies = asking(address, pool, [(seed + step * 97) % size for step in range(_CALLS)])
    check_replies(pool, replies, expect)
    return {len(message) for _, message in replies}


def check_replies(pool: Pool, replies: Sequence[tuple[int, bytes]], expect: Expect) -> None:
    """Compares replies with the truth; raises WrongAnswerError as `check_server` does."""
    if expect == "scores":
        pool.check(replies)
    elif expect == "start":
        for index, message in replies:
            if message != pool.calls.messages[index][:REPLY_BYTES]:
                raise WrongAnswerError("the echo returned something else than the request's start")


def check_load(pool: Pool, load: Load, sizes: set[int], expect: Expect) -> None:
    """Checks what came back under load: outcomes, lengths, and the kept sample of messages.

    Raises:
        WrongAnswerError: A call failed or was lost, or a reply is not what was asked for.
    """
    if load.failures:
        raise WrongAnswerError(f"calls failed under load: {dict(load.failures.most_common(3))}")
    if load.without_outcome:
        raise WrongAnswerError(f"{load.without_outcome} calls got no outcome")
    if not load.sizes <= sizes:
        raise WrongAnswerError(f"replies of {load.sizes - sizes} bytes; right ones have {sizes}")
    check_replies(pool, load.samples, expect)
