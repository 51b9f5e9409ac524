"""What a caller may set for one call: how long, how urgent, and with what metadata."""

import time
from collections.abc import Collection
from typing import Literal, NamedTuple, get_args

from stubtail.v1 import common_pb2
from stubtail_client.errors import InvalidArgument

Priority = Literal["critical", "high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
PRIORITY_NUMBERS: dict[Priority | None, common_pb2.Priority] = {
    None: common_pb2.PRIORITY_UNSPECIFIED,
    "critical": common_pb2.PRIORITY_CRITICAL,
    "high": common_pb2.PRIORITY_HIGH,
    "normal": common_pb2.PRIORITY_NORMAL,
    "low": common_pb2.PRIORITY_LOW,
}

TIMEOUT_MAX_S = 86_400.0  # a call that nobody will wait for is a leak; a day is "never" enough
TIMING_KEY = "stubtail-timing"
MODELS_MAX = 16  # of one call
EXPLAIN_MAX = 2**31 - 1  # what the wire holds; the server knows how many features there are

Metadata = tuple[tuple[str, str | bytes], ...]


def priority_number(priority: Priority | None) -> common_pb2.Priority:
    """The number on the wire.

    Raises:
        InvalidArgument: it is not one of the four names.
    """
    try:
        return PRIORITY_NUMBERS[priority]
    except (KeyError, TypeError):
        names = ", ".join(PRIORITIES)
        raise InvalidArgument(f"priority is one of {names}, not {priority!r}") from None


def checked_model(model: str) -> str:
    """The reference to a model, `name` or `name@version`, if it can be sent.

    Raises:
        InvalidArgument: it is not a string of valid Unicode.
    """
    try:
        if isinstance(model, str) and model.encode():
            return model
    except UnicodeEncodeError:
        pass
    raise InvalidArgument(f"model is the name of a model, not {model!r}")


def checked_models(models: Collection[str]) -> Collection[str]:
    """The references to the models of one call, if they can be sent.

    Raises:
        InvalidArgument: there are none or too many, one is there twice, or is not a string.
    """
    for model in models:
        checked_model(model)
    if not 1 <= len(models) <= MODELS_MAX or len(set(models)) != len(models):
        raise InvalidArgument(f"models are 1 to {MODELS_MAX} different names, not {models!r}")
    return models


def checked_coverage(coverage: float) -> float:
    """The coverage, if it is one; which ones a model has, only the server knows.

    Raises:
        InvalidArgument: it is not between 0 and 1.
    """
    if isinstance(coverage, (int, float)) and 0 < coverage < 1:
        return coverage
    raise InvalidArgument(f"coverage is a number between 0 and 1, such as 0.9, not {coverage!r}")


def checked_explain(explain: int) -> int:
    """The number of contributions, if it is one; 0 asks for all.

    Raises:
        InvalidArgument: it is not a whole number from 0.
    """
    is_count = isinstance(explain, int) and not isinstance(explain, bool)
    if is_count and 0 <= explain <= EXPLAIN_MAX:
        return explain
    raise InvalidArgument(f"explain is how many reasons to give, or 0 for all, not {explain!r}")


def checked_timeout(timeout: float) -> float:
    """The timeout in seconds, if it is one.

    Raises:
        InvalidArgument: it is not above 0 and at most 86,400 s. There is no way to wait for ever.
    """
    if isinstance(timeout, (int, float)) and 0 < timeout <= TIMEOUT_MAX_S:
        return timeout
    raise InvalidArgument(
        f"timeout is a number of seconds above 0 and at most {TIMEOUT_MAX_S:,.0f}, not {timeout!r}"
    )


class Deadline(NamedTuple):
    """When an answer is too late.

    Attributes:
        timeout: how long the whole call may take, in seconds.
        ends_at: the end, on the monotonic clock, in seconds.
    """

    timeout: float
    ends_at: float

    @classmethod
    def after(cls, timeout: float) -> "Deadline":
        """A deadline that starts to run now."""
        return cls(timeout, time.monotonic() + timeout)

    def remaining(self) -> float:
        """Seconds left; gRPC ends a call at once that has none."""
        return max(0.0, self.ends_at - time.monotonic())
