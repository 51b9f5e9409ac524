"""AnomalyService.Detect over real connections, on both transports."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from stubtail.v1 import anomaly_pb2 as pb
from stubtail_client import Client
from tests.integration.anomaly_calls import DETECT, detect, noise, of_series, usual_row
from tests.integration.calls import TIMEOUT_S, Code, refused, refused_field
from tests.integration.conftest import UNBOUNDED, assert_answers
from tests.server_process import ServerProcess


@pytest.fixture
def channel(watchful: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it; after the test it answers everybody."""
    with grpc.insecure_channel(watchful.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


def test_series_are_judged_without_training(channel: grpc.Channel) -> None:
    """Several in one call, each against itself; with bands and season."""
    spiky, shifted = noise(), noise(seed=1)
    spiky[200] += 15
    shifted[150:] += 12
    reply = detect(channel, of_series(spiky, shifted, bands=True))
    assert (reply.model, reply.version) == ("robust-seasonal", "1")
    first, second = reply.series
    assert [(one.kind, one.start, one.end) for one in first.anomalies] == [
        (pb.ANOMALY_KIND_SPIKE, 200, 201)
    ]
    assert first.anomalies[0].severity == pb.SEVERITY_CRITICAL
    assert (pb.ANOMALY_KIND_LEVEL_SHIFT, 150) in [(one.kind, one.start) for one in second.anomalies]
    assert len(first.expected) == len(first.lower) == len(first.upper) == 300
    assert first.season_length == 1
    np.testing.assert_array_less(first.lower, first.upper)


def test_a_gap_in_time_does_not_move_positions(channel: grpc.Channel) -> None:
    """Values are put on an even grid inside; positions are those of the request."""
    values = noise()
    values[250] += 15
    times = 1.7e9 + 60.0 * np.arange(300)
    times[100:] += 3600.0
    request = of_series(values, bands=True)
    request.series.series[0].timestamps.extend(times)
    (found,) = detect(channel, request).series
    (one,) = found.anomalies
    assert (one.start, one.end, one.peak, one.timestamp) == (250, 251, 250, times[250])
    assert len(found.expected) == 300


def test_a_group_is_one_incident_with_ranked_causes(channel: grpc.Channel) -> None:
    """The component that the others depend on is named first."""
    series = [noise(seed=at) for at in range(3)]
    for values in series:
        values[280:283] += 20
    request = of_series(*series, group=True, from_index=270)
    for component, other in (("s0", "s1"), ("s1", "s2")):
        request.series.dependencies.add(component=component, depends_on=other)
    (incident,) = detect(channel, request).incidents
    assert (incident.start, incident.series_count) == (280, 3)
    assert incident.causes[0].component == "s2"
    assert sum(cause.weight for cause in incident.causes) == pytest.approx(1)


BAD_SERIES = {
    "all NaN": (of_series([np.nan] * 20), "series.series[0].values"),
    "two points": (of_series([1.0, 2.0]), "series.series[0].values"),
    "none": (of_series(), "series.series"),
    "infinite": (of_series(noise(9), [*noise(9), np.inf]), "series.series[1].values[9]"),
    "too large": (of_series([*noise(9), -1e200]), "series.series[0].values[9]"),
    "too many": (of_series(noise(4000), noise(4000)), "series.series[1].values"),
    "too many series": (of_series(*[noise(8)] * 257), "series.series"),
    "rate": (of_series(noise(), rate=0.5), "false_alarm_rate"),
    "rate NaN": (of_series(noise(), rate=np.nan), "false_alarm_rate"),
    "kind": (of_series(noise(), kinds=[9]), "series.kinds[0]"),
    "from": (of_series(noise(), from_index=300), "series.from_index"),
    "lengths": (of_series(noise(), noise(20), group=True), "series.series[1].values"),
    "dependencies": (of_series(noise(), dependencies=[pb.Dependency()]), "series.dependencies"),
    "focus": (of_series(noise(), focus="x"), "series.focus"),
    "focus nobody knows": (
        of_series(noise(), group=True, focus="s7", dependencies=[pb.Dependency(component="s0")]),
        "series.focus",
    ),
    "nothing": (pb.DetectRequest(), "input"),
    "no model": (pb.DetectRequest(dense={"values": [1.0]}), "model"),
    "not one": (pb.DetectRequest(model="churn", dense={"values": [1.0]}), "model"),
    "features": (pb.DetectRequest(model="anomaly", dense={"values": [1.0]}), "dense.values"),
    "top": (
        pb.DetectRequest(model="anomaly", top_features=99, dense={"values": [1.0] * 15}),
        "top_features",
    ),
    "priority": (pb.DetectRequest(model="anomaly", priority=9), "priority"),  # type: ignore[arg-type]  # as above
}


@pytest.mark.parametrize("name", BAD_SERIES)
def test_bad_input_is_refused_with_the_index_that_is_wrong(
    channel: grpc.Channel, name: str
) -> None:
    """INVALID_ARGUMENT that names the field; the server lives, which the fixture proves."""
    request, expected = BAD_SERIES[name]
    field, _ = refused_field(channel, DETECT, request)
    assert field == expected


@pytest.mark.parametrize(
    ("times", "index"),
    [
        ([0, 1, 2, 2, 4, 5, 6, 7], "[3]"),
        ([0, 1, 2, 1.5, 4, 5, 6, 7], "[3]"),
        ([0, 1, np.inf, 3, 4, 5, 6, 7], "[2]"),
        ([0, 1, 2, 3], ""),
        ([0, 1, 2, 3, 4, 5, 6, 1e9], "[7]"),
    ],
    ids=["twice", "unsorted", "infinite", "too few", "gap"],
)
def test_bad_times_are_refused_with_their_index(
    channel: grpc.Channel, times: list[float], index: str
) -> None:
    """What is wrong, and where."""
    request = of_series(noise(8))
    request.series.series[0].timestamps.extend(times)
    field, _ = refused_field(channel, DETECT, request)
    assert field == f"series.series[0].timestamps{index}"


def test_a_season_must_fit(channel: grpc.Channel) -> None:
    """Twice at least."""
    request = of_series(noise(20))
    request.series.series[0].season_length = 11
    field, _ = refused_field(channel, DETECT, request)
    assert field == "series.series[0].season_length"


def test_garbage_is_refused(channel: grpc.Channel) -> None:
    """Random bytes are no request, and no defect."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        payload = b"\x6a" + rng.bytes(int(rng.integers(1, 60)))
        found = refused(channel, DETECT, payload)
        assert found.code in {Code.INVALID_ARGUMENT, Code.NOT_FOUND}, found


def test_rows_are_judged_by_a_model(channel: grpc.Channel, watchful: ServerProcess) -> None:
    """A usual row and one whose bill does not go with its minutes."""
    usual = usual_row(watchful)
    odd = usual.copy()
    odd[0, 4] += 25  # charged by day
    rows = np.concatenate((usual, odd))
    request = pb.DetectRequest(model="anomaly", top_features=2, dense={"values": rows.ravel()})
    reply = detect(channel, request)
    assert (reply.model, reply.version) == ("anomaly", "1")
    assert reply.p_values[1] < reply.p_values[0]
    assert reply.scores[1] > reply.scores[0]
    assert reply.severities[0] == pb.SEVERITY_LOW
    drivers = reply.drivers
    assert drivers.top == 2
    assert drivers.names[drivers.name_indexes[2]] in {"total_day_charge", "total_day_minutes"}
    assert not drivers.lower[2] <= drivers.values[2] <= drivers.upper[2]
    assert len(drivers.contributions) == 4
    again = detect(channel, request)  # from the head cache
    assert again == reply


def test_metrics_and_health_tell_of_it(channel: grpc.Channel, watchful: ServerProcess) -> None:
    """Per model as for scoring; the service serves."""
    detect(channel, of_series(noise()))
    status, page = watchful.http("/metrics")
    assert status == 200
    assert 'model="robust-seasonal"' in page
    with Client(watchful.address, timeout=TIMEOUT_S) as client:
        assert client.health("stubtail.v1.AnomalyService").name == "SERVING"
        assert client.health("anomaly").name == "SERVING"
