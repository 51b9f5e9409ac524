"""Series in a detect request: read on the lane, checked and judged in the pool, answered there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stubtail import wire
from stubtail.anomaly.detector import ALL_KINDS, Judged, detect
from stubtail.anomaly.findings import Finding, Kind, severity
from stubtail.anomaly.incidents import Member, incidents
from stubtail.endpoints.detect_points import Points, points_of
from stubtail.errors import CallError, invalid_field
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.job import Job
from stubtail.v1 import anomaly_pb2

# The same fields with the same numbers, and every block of floats as bytes (see `wire`).
Response: Any = wire.derive(anomaly_pb2.DetectResponse)

MODEL: Final = "robust-seasonal"  # what answers; a new version where its answers change
VERSION: Final = "1"
SERIES_MAX: Final = 256
NAME_CHARACTERS_MAX: Final = 256
DEPENDENCIES_MAX: Final = 4096
ANOMALIES_MAX: Final = 1000  # of one series

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """The data of a job: what is to be judged, and how; values are checked in the pool.

    Attributes:
        request: the field `series` of the request, with packed numbers as bytes.
        payload: the whole request, for senders of unpacked numbers.
        rate: the false-alarm rate.
        kinds: what to look for.
        points_max: of all series, filled gaps included.
    """

    request: Any
    payload: bytes
    rate: float
    kinds: frozenset[Kind]
    points_max: int


def read_series(request: Any, payload: bytes, rate: float, points_max: int) -> tuple[Asked, int]:
    """What a request with series asks for and how many points it has; checks all but the values.

    Raises:
        CallError: INVALID_ARGUMENT that names the field and what was expected.
    """
    asked = request.series
    if request.model:
        raise invalid_field("model", "must be empty for series, which need no model")
    if request.top_features:
        raise invalid_field("top_features", "is about rows; leave it out for series")
    count = len(asked.series)
    if not 1 <= count <= SERIES_MAX:
        raise invalid_field("series.series", f"must be 1 to {SERIES_MAX} series, got {count}")
    if len(asked.dependencies) > DEPENDENCIES_MAX:
        got = len(asked.dependencies)
        raise invalid_field("series.dependencies", f"must be at most {DEPENDENCIES_MAX}, got {got}")
    if asked.dependencies and not asked.group:
        raise invalid_field("series.dependencies", "need `group`")
    if asked.focus and not asked.dependencies:
        raise invalid_field("series.focus", "needs `group` and `dependencies`")
    _check_names(asked)
    if asked.focus and asked.focus not in _components(asked):
        expected = "must be a component of the series or of the dependencies"
        raise invalid_field("series.focus", expected)
    points = len(payload) // 8 + 1  # of packed doubles there are at most so many
    return Asked(asked, payload, rate, _kinds(asked), points_max), points


def _kinds(asked: Any) -> frozenset[Kind]:
    for index, number in enumerate(asked.kinds):
        if number not in ALL_KINDS:
            raise invalid_field(f"series.kinds[{index}]", f"must be a kind, 1 to 6, got {number}")
    return frozenset(Kind(number) for number in asked.kinds) or ALL_KINDS


def _check_names(asked: Any) -> None:
    seen: dict[str, int] = {}
    for index, one in enumerate(asked.series):
        if max(len(one.name), len(one.component)) > NAME_CHARACTERS_MAX:
            field = "name" if len(one.name) > NAME_CHARACTERS_MAX else "component"
            problem = f"must have at most {NAME_CHARACTERS_MAX} characters"
            raise invalid_field(f"series.series[{index}].{field}", problem)
        if asked.group and (not one.name or seen.setdefault(one.name, index) != index):
            problem = "must be a name of its own, as the series are a group"
            raise invalid_field(f"series.series[{index}].name", problem)


def _components(asked: Any) -> set[str]:
    """All that a request speaks of: a focus beyond them would be answered with silence."""
    found = {one.component or one.name for one in asked.series}
    for edge in asked.dependencies:
        found |= {edge.component, edge.depends_on}
    return found


class SeriesRunner:
    """Judges the series of one call; runs in the pool, one call at a time in each thread."""

    name = MODEL
    version = VERSION
    prove = None  # no graph that could fail on everything

    def assemble(self, jobs: Sequence[Job]) -> list[tuple[Asked, list[Points]]]:
        """The checked points of each job; raises BadRowsError."""
        read: list[tuple[Asked, list[Points]]] = []
        bad: list[tuple[Job, CallError]] = []
        for job in jobs:
            try:
                read.append(
                    (job.data, points_of(job.data.request, job.data.payload, job.data.points_max))
                )
            except CallError as error:
                bad.append((job, error))
        if bad:
            raise BadRowsError(bad)
        return read

    def run(self, feeds: list[tuple[Asked, list[Points]]]) -> list[bytes]:
        """The reply of each job."""
        return [answer(asked, points) for asked, points in feeds]


class SeriesEncoder:
    """Hands over the reply that the run has made: such jobs are alone in their runs."""

    def prepare(self, outputs: Sequence[bytes]) -> Sequence[bytes]:
        """The replies."""
        return outputs

    def encode(self, prepared: Sequence[bytes], first: int, end: int, job: Job) -> bytes:  # noqa: ARG002 - of the only job
        """The reply of the only job."""
        (reply,) = prepared
        return reply


def answer(asked: Asked, points: Sequence[Points]) -> bytes:
    """Judges every series; the bytes of the reply."""
    request = asked.request
    reply = Response(model=MODEL, version=VERSION)
    members = []
    for one, message in zip(points, request.series, strict=True):
        judged = detect(
            one.values,
            rate=asked.rate,
            season=message.season_length,
            interval_s=one.interval_s,
            kinds=asked.kinds,
        )
        findings = [_in_request(finding, one) for finding in judged.findings]
        findings = [finding for finding in findings if finding.end > request.from_index]
        _fill(reply.series.add(name=message.name), one, judged, findings, bands=request.bands)
        if request.group:
            fresh = tuple(one for one in findings if one.start >= request.from_index)
            members.append(Member(message.name, message.component or message.name, fresh))
    if request.group:
        below: dict[str, list[str]] = {}
        for edge in request.dependencies:
            below.setdefault(edge.component, []).append(edge.depends_on)
        for incident in incidents(members, below, request.focus):
            made = reply.incidents.add(
                start=incident.start,
                end=incident.end,
                severity=int(incident.severity),
                series_count=incident.series_count,
            )
            for cause in incident.causes:
                made.causes.add(
                    component=cause.component,
                    weight=cause.weight,
                    start=cause.start,
                    surprise=cause.surprise,
                    series=cause.series,
                    explained=cause.explained,
                )
    return bytes(reply.SerializeToString())


def _in_request(finding: Finding, points: Points) -> Finding:
    """The finding with positions among the values as they were sent."""
    if points.places is None:
        return finding
    start, end, peak = np.searchsorted(points.places, (finding.start, finding.end, finding.peak))
    most = len(points.places) - 1
    start = min(int(start), most)
    return Finding(
        finding.kind,
        start,
        max(int(end), start + 1),
        min(int(peak), most),
        finding.p_value,
        finding.value,
        finding.expected,
        finding.lower,
        finding.upper,
    )


def _fill(
    message: Any, points: Points, judged: Judged, findings: Sequence[Finding], *, bands: bool
) -> None:
    message.season_length = judged.expectation.season
    kept = findings
    if len(findings) > ANOMALIES_MAX:
        gravest = sorted(findings, key=lambda one: one.p_value)[:ANOMALIES_MAX]
        kept = sorted(gravest, key=lambda one: one.start)
        message.left_out = len(findings) - ANOMALIES_MAX
    for one in kept:
        message.anomalies.add(
            kind=int(one.kind),
            severity=int(severity(one.p_value)),
            start=one.start,
            end=one.end,
            peak=one.peak,
            p_value=one.p_value,
            value=one.value,
            expected=one.expected,
            lower=one.lower,
            upper=one.upper,
            timestamp=0.0 if points.times is None else float(points.times[one.start]),
        )
    if bands:
        for field, column in (
            (message.expected, judged.expectation.expected),
            (message.lower, judged.lower),
            (message.upper, judged.upper),
        ):
            some = column if points.places is None else column[points.places]
            with np.errstate(over="ignore"):  # beyond float32 a bound is infinite
                field.append(some.astype("<f4").tobytes())
