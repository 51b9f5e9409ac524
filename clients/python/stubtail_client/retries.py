"""When a call is made again: which failures, how often, after how long, of how many calls. Pure."""

import random
import threading

from stubtail_client.errors import StubtailError

ATTEMPTS_MAX = 3
# The second wait outlasts a server that shuts down: it closes its connections after 0.1 s, and
# until then every call on them is refused.
BACKOFF_FIRST_S = 0.02
BACKOFF_FACTOR = 8
BACKOFF_MAX_S = 0.2
_JITTER = 0.2  # of both sides, so that callers who failed together do not come back together
# Retries stop while more than a few per cent of the calls fail, so that they cannot feed a fire.
RETRY_TOKENS = 50
TOKEN_RATIO = 0.1
# Hedges are at most a tenth of the calls, and ten at once after a quiet time.
HEDGE_TOKENS = 10
_LLM_PREFIX = "/stubtail.v1.LlmService/"
# What every copy of a call is told: it is about the request, or about who calls.
_DEFINITE = {
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "UNAUTHENTICATED",
}
# The provider of a language model failed: the server has tried again itself, and more is paid for.
_ASKED_UPSTREAM = {"UPSTREAM_FAILED", "ANSWER_INTERRUPTED", "ANSWER_STALLED"}


class Budget:
    """Bounds extra attempts by a share of the calls; threads may share it.

    Args:
        most: tokens at the beginning, and never more.
        least: an attempt is allowed while more than so many are left.
    """

    def __init__(self, most: float, least: float) -> None:
        self._most, self._least = most, least
        self._tokens = most
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """Puts a share of a token back. A full budget, which is the usual one, takes no lock."""
        if self._tokens < self._most:
            with self._lock:
                self._tokens = min(self._tokens + TOKEN_RATIO, self._most)

    def failed(self) -> bool:
        """Takes a token, and tells whether enough are left for another attempt."""
        with self._lock:
            self._tokens = max(self._tokens - 1, 0)
            return self._tokens > self._least

    def take(self) -> bool:
        """Takes a token where there is one."""
        with self._lock:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def retry_budget() -> Budget:
    """The budget of the retries of one client."""
    return Budget(RETRY_TOKENS, RETRY_TOKENS / 2)


def hedge_budget() -> Budget:
    """The budget of the hedges of one client."""
    return Budget(HEDGE_TOKENS, 1)


def retry_wait_s(
    failure: StubtailError, attempt: int, remaining_s: float, budget: Budget
) -> float | None:
    """How long to wait before another attempt; None where there is none.

    Args:
        failure: of the attempt that has ended.
        attempt: its number, from 1.
        remaining_s: until the deadline of the call. A retry after it makes no sense: the caller
            hears at once what is wrong.
        budget: of the client; a failure that could be mended takes a token of it.
    """
    if not _is_retryable(failure):
        return None
    allowed = budget.failed()
    if attempt >= ATTEMPTS_MAX or not allowed:
        return None
    wait_s = failure.retry_after_s
    if wait_s is None:
        wait_s = min(BACKOFF_FIRST_S * BACKOFF_FACTOR ** (attempt - 1), BACKOFF_MAX_S)
        wait_s *= 1 + _JITTER * random.uniform(-1, 1)  # noqa: S311 - no secret
    return wait_s if wait_s < remaining_s else None


def is_idempotent(path: str) -> bool:
    """Whether a second copy of a call costs only work: calls of language models are paid for."""
    return not path.startswith(_LLM_PREFIX)


def is_definite(failure: StubtailError) -> bool:
    """Whether another copy of the call would be refused too, so that nobody waits for it.

    The failure of one server is none: another may answer. Nor is a refusal for want of time, which
    a copy that came earlier may have.
    """
    if failure.code == "RESOURCE_EXHAUSTED":  # without a time the message is too large, say
        return failure.retry_after_s is None
    return failure.code in _DEFINITE


def _is_retryable(failure: StubtailError) -> bool:
    """Whether the call can succeed when it is made again: it was refused, or a connection lost.

    A call that the server ends as CANCELLED met the end of that server.
    """
    if failure.never_again:
        return False
    if failure.code in {"UNAVAILABLE", "CANCELLED"}:
        return failure.reason not in _ASKED_UPSTREAM
    return failure.code == "RESOURCE_EXHAUSTED" and failure.retry_after_s is not None
