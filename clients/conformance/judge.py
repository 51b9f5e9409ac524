"""Says whether what a client saw, and what a server saw of it, is what a case expects. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import ParseError
from google.protobuf.message import Message

from clients.conformance import messages
from clients.conformance.cases import Case

TOLERANCE = 1e-5
ELAPSED_KEYS = ("elapsed_ms_min", "elapsed_ms_max")


def judge(case: Case, seen: list[dict[str, Any]], server: dict[str, Any]) -> list[str]:
    """Everything that is not as it should be; nothing where the case holds.

    Args:
        case: what was to be done.
        seen: what the client reports of each call.
        server: what the scripted server noted.
    """
    if len(seen) != len(case.calls):
        return [f"the runner reports {len(seen)} calls of {len(case.calls)}"]
    problems = []
    for number, (call, expected, one) in enumerate(
        zip(case.calls, case.expect_calls, seen, strict=True), start=1
    ):
        where = f"call {number}: " if len(seen) > 1 else ""
        problems += [where + problem for problem in _call(call, expected, one)]
    problems += _server(case.expect_server, server)
    return problems


def _call(call: dict[str, Any], expected: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    for key in ("statuses", "status", "reason", "resource", "count", "reply_bytes"):
        if key in expected and seen.get(key, "") != expected[key]:
            text = f" ({seen['message']})" if seen.get("message") else ""
            yield f"{key} {seen.get(key)!r}, expected {expected[key]!r}{text}"
    if "violations" in expected:
        fields = [one["field"] for one in seen.get("violations", [])]
        if fields != expected["violations"]:
            yield f"violations of {fields}, expected of {expected['violations']}"
    if "retry_after_ms" in expected:
        yield from _retry_after(expected["retry_after_ms"], seen.get("retry_after_ms"))
    timed = any(key in expected for key in ELAPSED_KEYS)
    elapsed = seen.get("elapsed_ms", math.nan if timed else 0.0)
    if math.isnan(elapsed):
        yield "no elapsed_ms, expected one"
    elif elapsed < expected.get("elapsed_ms_min", 0) or elapsed > expected.get(
        "elapsed_ms_max", 1e9
    ):
        bounds = {key: expected[key] for key in ELAPSED_KEYS if key in expected}
        yield f"took {elapsed:.0f} ms, expected {bounds}"
    yield from _content(call, expected, seen.get("replies", []))


def _retry_after(expected: Any, seen: Any) -> Iterator[str]:
    """`true` wants any time, null none, a number that one."""
    if expected is True:
        if not seen:
            yield "no time of a retry, expected one"
    elif (expected or 0) != (seen or 0):
        yield f"retry after {seen} ms, expected {expected}"


def _content(call: dict[str, Any], expected: dict[str, Any], replies: list[Any]) -> Iterator[str]:
    """All replies, or the last one, or the text of a chat in however many pieces it came."""
    if "text" in expected:
        text = "".join(one.get("delta", {}).get("text", "") for one in replies)
        if text != expected["text"]:
            yield f"the text {text!r}, expected {expected['text']!r}"
    if "last" in expected:
        yield from _replies(call, {**expected, "replies": [expected["last"]]}, replies[-1:])
    if "replies" in expected:
        yield from _replies(call, expected, replies)


def _replies(call: dict[str, Any], expected: dict[str, Any], seen: list[Any]) -> Iterator[str]:
    if len(seen) != len(expected["replies"]):
        yield f"{len(seen)} replies, expected {len(expected['replies'])}"
        return
    name = call.get("decode") or messages.method(call["method"]).output_type.full_name
    tolerance = expected.get("tolerance", TOLERANCE)
    for number, (wanted, got) in enumerate(zip(expected["replies"], seen, strict=True)):
        try:
            actual = messages.from_json(name, got)
        except ParseError as error:
            yield f"reply {number} is not the JSON of a {name}: {error}"
            continue
        target = messages.from_json(name, wanted)
        exact = expected.get("exact", False)
        for problem in differences(target, actual, tolerance, exact=exact):
            yield f"reply {number}: {problem}"


def differences(
    wanted: Message, actual: Message, tolerance: float, *, exact: bool, path: str = ""
) -> Iterator[str]:
    """Where two messages differ.

    Args:
        wanted: what each of its fields says must be so.
        actual: the other message.
        tolerance: of floats, absolute and relative.
        exact: whether `actual` may have no fields besides.
        path: where in the message this is.
    """
    present = {field.name: field for field, _ in wanted.ListFields()}
    if exact:
        present |= {field.name: field for field, _ in actual.ListFields()}
    for name, descriptor in present.items():
        here = f"{path}{name}"
        left, right = getattr(wanted, name), getattr(actual, name)
        if descriptor.is_repeated and hasattr(left, "items"):
            left, right = sorted(left.items()), sorted(right.items())
            left = [item for pair in left for item in pair]
            right = [item for pair in right for item in pair]
        pairs = [(left, right)]
        if descriptor.is_repeated:
            if len(left) != len(right):
                yield f"{here} has {len(right)} values, expected {len(left)}"
                continue
            pairs = list(zip(left, right, strict=True))
        for number, (one, other) in enumerate(pairs):
            where = f"{here}[{number}]" if descriptor.is_repeated else here
            if isinstance(one, Message):
                yield from differences(one, other, tolerance, exact=exact, path=f"{where}.")
            elif not _same(one, other, tolerance):
                yield f"{where} is {other!r}, expected {one!r}"


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float):
        if math.isnan(one):
            return math.isnan(other)
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)


def _server(expected: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    """Bounds on what the scripted server noted; `x_min` and `x_max` bound x."""
    for key, wanted in expected.items():
        name, _, bound = key.rpartition("_")
        got = seen.get(name if bound in {"min", "max"} else key)
        if key == "metadata":
            got = {one: (got or {}).get(one) for one in wanted}
        if got is None or not _keeps(bound, got, wanted):
            yield f"the server saw {name or key} = {got}, expected {key} = {wanted}"


def _keeps(bound: str, got: Any, wanted: Any) -> bool:
    """Whether a value, or each of several, keeps its bound."""
    if bound == "min" and isinstance(wanted, list):
        pairs = zip(got, wanted, strict=False)
        return len(got) >= len(wanted) and all(one >= least for one, least in pairs)
    if bound == "min":
        return bool(got >= wanted)
    if bound == "max":
        return bool(got <= wanted)
    return bool(got == wanted)
