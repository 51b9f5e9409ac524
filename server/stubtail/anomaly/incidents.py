"""What several series have in common: incidents, and which component may have caused them; pure.

A component is the likelier cause the further it deviates, the earlier it began, and the less of it
is explained by what it depends on: a failure travels from what is depended on to what depends.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import numpy as np

from stubtail.anomaly.findings import Finding, Severity, severity

GAP_MAX: Final = 3  # points between findings of one incident
INCIDENTS_MAX: Final = 16  # the gravest; more is no help to anybody
CAUSES_MAX: Final = 10  # of an incident
SERIES_SHOWN_MAX: Final = 8  # of a cause
EARLIER: Final = 0.95  # a point of delay takes this part of the weight
EXPLAINED_PART: Final = 0.25  # of the weight that a failing dependency takes away at most
SIZE_MOST: Final = (
    50.0  # widths of a band: beyond, a constant series that ticks would be everything
)
HOPS_MAX: Final = 3  # between a component and what explains it; failures fade on their way


@dataclass(frozen=True, slots=True)
class Member:
    """One series of a group and what was found in it."""

    name: str
    component: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A component with its share among the causes; `stubtail.v1.Cause` tells of each field."""

    component: str
    weight: float
    start: int
    surprise: float
    series: tuple[str, ...]
    explained: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings of several series at one time."""

    start: int
    end: int
    severity: Severity
    causes: tuple[Cause, ...]
    series_count: int


@dataclass(slots=True)
class _Suspect:
    """One component in one incident: how far it is off, since when, and in which series."""

    size: float
    start: int
    p_value: float
    series: dict[str, float]


def below(focus: str, depends_on: Mapping[str, Sequence[str]]) -> set[str]:
    """A component and all that it depends on, directly or not."""
    return _reached(focus, depends_on, len(depends_on))


def incidents(
    members: Sequence[Member], depends_on: Mapping[str, Sequence[str]], focus: str = ""
) -> list[Incident]:
    """The incidents of a group, the gravest first.

    Args:
        members: the series.
        depends_on: what each component depends on directly.
        focus: only it and what it depends on are causes; empty for all.
    """
    if focus:
        suspected = below(focus, depends_on)
        members = [member for member in members if member.component in suspected]
    found = [(finding, member) for member in members for finding in member.findings]
    found.sort(key=lambda pair: pair[0].start)
    clusters: list[list[tuple[Finding, Member]]] = []
    end = -np.inf
    for finding, member in found:
        if finding.start > end + GAP_MAX:
            clusters.append([])
        clusters[-1].append((finding, member))
        end = max(end, finding.end)
    near = {
        one: _reached(one, depends_on, HOPS_MAX) - {one}
        for one in {member.component for member in members}
    }
    made = [_incident(cluster, near) for cluster in clusters]
    made.sort(key=lambda one: (-one.severity, -one.series_count, one.start))
    return made[:INCIDENTS_MAX]


def size_of(finding: Finding) -> float:
    """How far a finding is off, in widths of the band around what was expected."""
    room = (
        finding.upper - finding.expected
        if finding.value > finding.expected
        else finding.expected - finding.lower
    )
    off = abs(finding.value - finding.expected)
    least = 1e-9 * max(abs(finding.value), abs(finding.expected), 1e-300)
    return float(off / max(room, least))


def _incident(
    cluster: Sequence[tuple[Finding, Member]], near: Mapping[str, AbstractSet[str]]
) -> Incident:
    suspects: dict[str, _Suspect] = {}
    for finding, member in cluster:
        size = np.log1p(min(size_of(finding), SIZE_MOST))
        one = suspects.setdefault(member.component, _Suspect(0.0, finding.start, 1.0, {}))
        one.start = min(one.start, finding.start)
        one.p_value = min(one.p_value, finding.p_value)
        one.series[member.name] = max(one.series.get(member.name, 0.0), float(size))
    for one in suspects.values():
        one.size = max(one.series.values())
    first = min(one.start for one in suspects.values())
    explained = {name: _explained(name, suspects, near[name]) for name in suspects}
    weights = {
        name: one.size * EARLIER ** (one.start - first) * (1.0 - EXPLAINED_PART * explained[name])
        for name, one in suspects.items()
    }
    total = sum(weights.values()) or 1.0
    order = sorted(suspects, key=lambda name: (-weights[name], suspects[name].start, name))
    causes = tuple(
        Cause(
            name,
            weights[name] / total,
            suspects[name].start,
            float(-np.log10(suspects[name].p_value)),
            tuple(
                sorted(suspects[name].series, key=lambda key: -suspects[name].series[key])[
                    :SERIES_SHOWN_MAX
                ]
            ),
            explained[name],
        )
        for name in order[:CAUSES_MAX]
    )
    gravest = min(finding.p_value for finding, _ in cluster)
    return Incident(
        first,
        max(finding.end for finding, _ in cluster),
        severity(gravest),
        causes,
        len({member.name for _, member in cluster}),
    )


def _explained(name: str, suspects: Mapping[str, _Suspect], near: AbstractSet[str]) -> float:
    """How much of a suspect is explained by failing components below it, 0 to 1."""
    mine, most = suspects[name], 0.0
    for below in near & suspects.keys():
        other = suspects[below]
        if other.start <= mine.start + 1:
            most = max(most, min(other.size / max(mine.size, 1e-12), 1.0))
    return most


def _reached(start: str, depends_on: Mapping[str, Sequence[str]], hops: int) -> set[str]:
    """A component and what it depends on within so many hops, each looked at once."""
    known, frontier = {start}, {start}
    for _ in range(hops):
        frontier = {name for one in frontier for name in depends_on.get(one, ())} - known
        if not frontier:
            break
        known |= frontier
    return known
