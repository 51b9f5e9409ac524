"""AnomalyService.Watch and both clients of the service, over real connections."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from stubtail.v1 import anomaly_pb2 as pb
from stubtail_client import AnomalyKind, AsyncClient, Client, InvalidArgument, Severity, WatchState
from stubtail_client.cli.run import main
from tests.integration.anomaly_calls import (
    WATCH,
    noise,
    points,
    usual_row,
)
from tests.integration.calls import TIMEOUT_S, Code, refusal, streams
from tests.integration.conftest import UNBOUNDED, assert_answers
from tests.server_process import ServerProcess


@pytest.fixture
def channel(watchful: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it; after the test it answers everybody."""
    with grpc.insecure_channel(watchful.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


def test_watch_answers_each_message_with_its_verdicts(channel: grpc.Channel) -> None:
    """In order, with their number; a gross anomaly with its own point; then the state."""
    rng = np.random.default_rng(1)

    def requests() -> Iterator[bytes]:
        options = pb.WatchOptions(bands=True, warm_up=20)
        yield pb.WatchRequest(options=options).SerializeToString()
        for at in range(40):
            values = rng.normal(size=2) + (25 if at == 35 else 0)
            points = pb.WatchPoints(keys=["a", "b"], values=values, sequence=at)
            yield pb.WatchRequest(points=points).SerializeToString()
        yield pb.WatchRequest(export=pb.WatchExport()).SerializeToString()

    found = [
        pb.WatchResponse.FromString(one)
        for one in streams(channel, WATCH)(requests(), timeout=TIMEOUT_S)
    ]
    verdicts = [one.verdicts for one in found[:-1]]
    assert [one.sequence for one in verdicts] == list(range(40))
    alarms = [(one.key, one.kind, one.index) for one in verdicts[35].alarms]
    assert alarms == [("a", pb.ANOMALY_KIND_SPIKE, 0), ("b", pb.ANOMALY_KIND_SPIKE, 1)]
    assert np.isnan(verdicts[0].expected).all()
    assert np.isfinite(verdicts[30].upper).all()
    assert verdicts[30].keys_known == 2
    assert found[-1].state.last
    assert list(found[-1].state.keys) == ["a", "b"]


BAD_WATCHES = {
    "infinite": (points("a", values=[1, np.inf]), "points.values[1]"),
    "no key": (points("a", "", values=[1, 2]), "points.keys[1]"),
    "keys": (points("a", "b", values=[1, 2, 3]), "points.keys"),
    "none": (points("a", values=[]), "points.values"),
    "many": (points("a", values=[1.0] * 501), "points.values"),
    "season": (
        pb.WatchRequest(options=pb.WatchOptions(season_length=2000)),
        "options.season_length",
    ),
    "rate": (
        pb.WatchRequest(options=pb.WatchOptions(false_alarm_rate=-1)),
        "options.false_alarm_rate",
    ),
    "warm-up": (pb.WatchRequest(options=pb.WatchOptions(warm_up=3)), "options.warm_up"),
    "idle": (
        pb.WatchRequest(options=pb.WatchOptions(idle_seconds=float("nan"))),
        "options.idle_seconds",
    ),
    "format": (pb.WatchRequest(state=pb.WatchState(format=7)), "state.format"),
    "numbers": (
        pb.WatchRequest(state=pb.WatchState(format=1, season_length=1, keys=["a"], numbers=[1])),
        "state.numbers",
    ),
    "empty": (pb.WatchRequest(), "body"),
}


@pytest.mark.parametrize("name", BAD_WATCHES)
def test_a_bad_message_ends_the_stream_with_its_field(channel: grpc.Channel, name: str) -> None:
    """INVALID_ARGUMENT; nobody else's stream feels it."""
    request, expected = BAD_WATCHES[name]
    with pytest.raises(grpc.RpcError) as caught:
        list(streams(channel, WATCH)(iter([request.SerializeToString()]), timeout=TIMEOUT_S))
    found = refusal(caught.value)
    assert (found.code, list(found.fields)) == (Code.INVALID_ARGUMENT, [expected])


def test_streams_and_keys_are_bounded(channel: grpc.Channel, watchful: ServerProcess) -> None:
    """The third stream is refused with the limit; of 400 keys the last 300 are known."""
    with Client(watchful.address, timeout=TIMEOUT_S) as client:
        with client.watch() as one, client.watch() as two:
            one.send("a", 1.0)
            two.send("a", 1.0)
            request = points("a", values=[1.0]).SerializeToString()
            with pytest.raises(grpc.RpcError) as caught:
                list(streams(channel, WATCH)(iter([request]), timeout=TIMEOUT_S))
            found = refusal(caught.value)
            assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
            assert found.metadata == {"limit": "2"}
            verdicts = two.send([f"k{at}" for at in range(400)], np.ones(400))
        assert verdicts.keys_known == 300
        assert verdicts.forgotten_count == 101


def test_both_clients_detect_and_watch(watchful: ServerProcess) -> None:
    """Lists, arrays and pandas in; typed answers out; a state moves from one to the other."""
    pd = pytest.importorskip("pandas")
    values = noise()
    values[200] += 15
    index = pd.date_range("2026-01-01", periods=300, freq="h")
    with Client(watchful.address, timeout=TIMEOUT_S) as client:
        answers = [client.detect_series(one) for one in (values.tolist(), values)]
        timed = client.detect_series(pd.Series(values, index=index, name="cpu"), bands=True)
        frame = client.detect_series(pd.DataFrame({"a": values, "b": values}, index=index))
        with pytest.raises(InvalidArgument) as caught:
            client.detect_series({"x": [1.0, 2.0, 3.0]})
        with client.watch(warm_up=20) as stream:
            stream.send(["k"] * 100, noise(100))
            state = WatchState.from_bytes(stream.export().to_bytes())
        rows = client.detect("anomaly", usual_row(watchful), top=3)
    for answer in answers:
        (one,) = answer.anomalies
        assert (one.kind, one.severity, one.start) == (
            AnomalyKind.SPIKE,
            Severity.CRITICAL,
            200,
        )
    assert timed["cpu"].anomalies[0].timestamp == index[200].timestamp()
    table = timed["cpu"].to_frame()
    assert table.index.equals(index)
    assert table["kind"].dropna().tolist() == ["spike"]
    assert [one.name for one in frame.series] == ["a", "b"]
    assert caught.value.violations[0].field == "series.series[0].values"
    assert len(rows) == 1
    assert len(rows.drivers[0]) == 3

    async def go() -> None:
        async with AsyncClient(watchful.address, timeout=TIMEOUT_S) as client:
            found = await client.detect_series({"a": values, "b": values}, group=True)
            assert found.incidents[0].series_count == 2
            async with client.watch(state=state, warm_up=20) as stream:
                (alarm,) = (await stream.send("k", 30.0)).alarms
                assert (alarm.key, alarm.kind) == ("k", AnomalyKind.SPIKE)
                with pytest.raises(InvalidArgument):
                    await stream.send("k", float("inf"))

    asyncio.run(go())


def test_the_command_line_shows_what_is_unusual(
    watchful: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns of a file as series with times, rows of a file by a model; and what is wrong."""
    values = noise()
    values[200] += 15
    path = tmp_path / "cpu.csv"
    lines = [f"2026-01-{1 + at // 24:02} {at % 24:02}:00:00,{v}" for at, v in enumerate(values)]
    path.write_text("time,cpu\n" + "\n".join(lines) + "\n")
    words = ["detect", "--server", watchful.address, "--input", str(path)]
    assert main([*words, "--time", "time"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2
    assert shown[1].split()[:4] == ["cpu", "200", "2026-01-09T08:00:00", "spike"]
    assert main([*words, "--time", "time", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["series"]
    assert [one["start"] for one in found["anomalies"]] == [200]
    assert main([*words, "--time", "when"]) == 2
    assert "no column 'when'" in capsys.readouterr().err
    assert main([*words, "--rate", "5"]) == 1
    refused = capsys.readouterr().err
    assert "false_alarm_rate: must be" in refused
    assert "None" not in refused  # it has no model whose features could be listed
    with Client(watchful.address, timeout=TIMEOUT_S) as client:
        names = [one.name for one in client.model("anomaly").features]
    row = ",".join(f"{value:g}" for value in usual_row(watchful)[0])
    path.write_text(",".join(names) + "\n" + f"{row}\n")
    assert main([*words, "--model", "anomaly"]) == 0
    assert "of 1 rows are flagged" in capsys.readouterr().out
