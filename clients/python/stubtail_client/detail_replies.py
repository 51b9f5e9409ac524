"""The details of a score reply: bytes to `Details`, and several parts to one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stubtail.v1 import scoring_pb2
from stubtail_client.details import (
    NO_DETAILS,
    Details,
    Floats,
    Link,
    OutputScores,
    Reasons,
    ScoreWarning,
    WarningKind,
)

_Number = TypeVar("_Number", bound=np.generic)

_FEW_VALUES = 40
_WARNING_ROWS_MAX = 16  # of one warning, as the server bounds them
_LINKS: dict[int, Link] = {
    scoring_pb2.LINK_IDENTITY: "identity",
    scoring_pb2.LINK_LOGIT: "logit",
}
_WARNING_KINDS: dict[int, WarningKind] = {
    scoring_pb2.WARNING_KIND_MISSING_DEFAULTED: "missing defaulted",
    scoring_pb2.WARNING_KIND_UNKNOWN_DEFAULTED: "unknown defaulted",
    scoring_pb2.WARNING_KIND_CLIPPED: "clipped",
}


def decode_details(message: scoring_pb2.ScoreResponse, count: int) -> Details:
    """What a reply to `count` rows has besides scores and labels.

    Raises:
        ValueError: a column does not have one value for each row.
    """
    # Every look at a field costs as much as a call of Python, and most replies have few of these.
    lower, levels = message.lower, message.levels
    outputs, warnings = message.outputs, message.warnings
    has_reasons = message.HasField("explanation")
    if not (lower or levels or outputs or warnings or has_reasons):
        return NO_DETAILS
    return Details(
        lower=_floats(lower, count) if lower else None,
        upper=_floats(message.upper, count) if lower else None,
        level_names=tuple(levels),
        level_indexes=_indexes(message.level_indexes, len(levels), count) if levels else None,
        outputs={one.name: _output(one, count) for one in outputs} if outputs else None,
        reasons=_reasons(message.explanation, count) if has_reasons else None,
        warnings=decode_warnings(warnings) if warnings else (),
    )


def decode_warnings(messages: Iterable[scoring_pb2.ScoreWarning]) -> tuple[ScoreWarning, ...]:
    """The warnings of a reply."""
    return tuple(
        ScoreWarning(
            feature=warning.feature,
            kind=_WARNING_KINDS.get(warning.kind, "unknown"),
            count=warning.count,
            rows=tuple(warning.rows),
        )
        for warning in messages
    )


def _output(message: scoring_pb2.ScoreOutput, count: int) -> OutputScores:
    values = _floats(message.values, count)
    if values is None:
        raise ValueError(f"the output {message.name} has no values")
    return OutputScores(
        name=message.name,
        unit=message.unit,
        scores=values,
        lower=_floats(message.lower, count),
        upper=_floats(message.upper, count),
        level_names=tuple(message.levels),
        level_indexes=_indexes(message.level_indexes, len(message.levels), count),
    )


def _reasons(message: scoring_pb2.Explanation, count: int) -> Reasons:
    names = tuple(message.names)
    size = count * message.top
    indexes = _indexes(message.name_indexes, len(names), size)
    contributions = _floats(message.contributions, size)
    rest = _floats(message.rest, count)
    if indexes is None or contributions is None or rest is None:
        raise ValueError("an explanation without contributions")
    return Reasons(
        base_value=message.base_value,
        names=names,
        indexes=indexes.reshape(count, -1),
        contributions=contributions.reshape(count, -1),
        rest=rest,
        link=_LINKS.get(message.link, "unknown"),
        exact=message.exact,
    )


def _floats(values: Sequence[float], count: int) -> Floats | None:
    """A column; None when the reply has none."""
    if not values:
        return None
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} rows")
    return array(values, np.float32)


def _indexes(values: Sequence[int], names: int, count: int) -> npt.NDArray[np.uint32] | None:
    """A column of positions among so many names; None when the reply has none."""
    if not values:
        return None
    indexes = array(values, np.uint32)
    last = indexes[0] if count == 1 else indexes.max()  # max() of one costs 3 µs
    if len(indexes) != count or last >= names:
        raise ValueError(f"{len(indexes)} positions among {names} names for {count} rows")
    return indexes


def array(values: Sequence[float], dtype: type[_Number]) -> npt.NDArray[_Number]:
    """A repeated field as an array. For few values a copy to a list is several times faster."""
    return np.array(values[:] if len(values) < _FEW_VALUES else values, dtype)


def join_details(parts: Sequence[Details], starts: Sequence[int]) -> Details:
    """The details of consecutive parts, which one version answered, as one.

    Args:
        parts: at least one.
        starts: the first row of each part.
    """
    first = parts[0]
    return Details(
        lower=join([part.lower for part in parts]),
        upper=join([part.upper for part in parts]),
        level_names=first.level_names,
        level_indexes=join([part.level_indexes for part in parts]),
        outputs=_join_outputs(parts),
        reasons=_join_reasons([part.reasons for part in parts if part.reasons is not None]),
        warnings=_join_warnings([part.warnings for part in parts], starts),
    )


def join(parts: Sequence[npt.NDArray[_Number] | None]) -> npt.NDArray[_Number] | None:
    """The columns of consecutive parts as one; None where there are none."""
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if present else None


def _join_outputs(parts: Sequence[Details]) -> dict[str, OutputScores] | None:
    if not parts[0].outputs:
        return None
    joined = {}
    for name, first in parts[0].outputs.items():
        outputs = [part.outputs[name] for part in parts if part.outputs]
        joined[name] = OutputScores(
            name=name,
            unit=first.unit,
            scores=np.concatenate([output.scores for output in outputs]),
            lower=join([output.lower for output in outputs]),
            upper=join([output.upper for output in outputs]),
            level_names=first.level_names,
            level_indexes=join([output.level_indexes for output in outputs]),
        )
    return joined


def _join_reasons(parts: Sequence[Reasons]) -> Reasons | None:
    if not parts:
        return None
    return replace(
        parts[0],
        indexes=np.concatenate([part.indexes for part in parts]),
        contributions=np.concatenate([part.contributions for part in parts]),
        rest=np.concatenate([part.rest for part in parts]),
    )


def _join_warnings(
    parts: Sequence[tuple[ScoreWarning, ...]], starts: Sequence[int]
) -> tuple[ScoreWarning, ...]:
    joined: dict[tuple[str, str], ScoreWarning] = {}
    for warnings, start in zip(parts, starts, strict=True):
        for warning in warnings:
            rows = tuple(start + row for row in warning.rows)
            known = joined.get((warning.feature, warning.kind))
            joined[warning.feature, warning.kind] = replace(
                warning,
                count=warning.count + (known.count if known else 0),
                rows=((known.rows if known else ()) + rows)[:_WARNING_ROWS_MAX],
            )
    return tuple(joined.values())
