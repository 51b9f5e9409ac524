"""ForecastingService over real connections, on both transports, with real processes."""

import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest

from stubtail.endpoints import forecast
from stubtail.forecasting.task import MODELS
from stubtail.standard import health_pb2
from stubtail.v1 import forecasting_pb2
from stubtail_client.cli.run import main
from tests import model_files
from tests.forecasting_ready import until_it_forecasts
from tests.integration.calls import Code, dense, refusal, score, unary
from tests.integration.conftest import assert_answers, defects
from tests.server_process import ServerProcess
from tests.unit.forecasting.series import hours

pytestmark = pytest.mark.timeout(240)
TIMEOUT_S = 110.0  # the first call starts processes, on machines that may be busy
HOUR_MS = 3_600_000
CLASSICAL = {"ets", "theta"}


@pytest.fixture(scope="module")
def forecast_server(
    transport: str, tmp_path_factory: pytest.TempPathFactory, shipped_models: Path
) -> Iterator[ServerProcess]:
    """A server with the shipped forecasting models; its log tells of no defect."""
    folder = tmp_path_factory.mktemp("forecasting")
    for name in ("zero-shot", "global-trees"):
        shutil.copytree(shipped_models / name, folder / name)
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    settings = ["scheduling.deadline_max_ms=120000"]
    if transport == "grpcio":  # each process takes seconds to start
        settings += ["forecasting.processes=1"]
    options = [part for one in settings for part in ("--set", one)]
    process = ServerProcess(folder, transport, *options)
    try:
        process.start(timeout_s=100)
        until_it_forecasts(process.address)
        yield process
    finally:
        process.stop()
    assert not defects(process.output)


@pytest.fixture
def channel(forecast_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to that server, which answers everybody after the test."""
    with grpc.insecure_channel(forecast_server.address) as channel:
        yield channel
        assert_answers(channel)


def ask(channel: grpc.Channel, timeout_s: float = TIMEOUT_S, **fields: Any) -> Any:
    """The reply to a forecast of the fields."""
    request = forecasting_pb2.ForecastRequest(**{"horizon": 12, **fields})
    reply = unary(channel, forecast.PATH)(request.SerializeToString(), timeout=timeout_s)
    return forecasting_pb2.ForecastResponse.FromString(reply)


def refused(channel: grpc.Channel, **fields: Any) -> Any:
    """How a forecast of the fields fails."""
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, **fields)
    return refusal(caught.value)


def series(count: int = 240, **more: Any) -> forecasting_pb2.Series:
    """Hours with a day in them."""
    return forecasting_pb2.Series(values=hours(count).tolist(), **more)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers(channel, model):
    """With points, ordered quantiles, times, and who answered why."""
    if model in CLASSICAL and find_spec("statsmodels") is None:
        pytest.skip("ets and theta need the extra forecasting")
    given = [series(id="a", start_ms=0), series(200, id="b", start_ms=HOUR_MS)]
    levels = [0.1, 0.5, 0.9]
    reply = ask(channel, model=model, frequency="h", quantile_levels=levels, series=given)
    assert (reply.model, reply.horizon) == (model, 12)
    assert [one.id for one in reply.series] == ["a", "b"]
    assert len(reply.points) == 24
    quantiles = np.array(reply.quantiles).reshape(2, 3, 12)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert reply.timestamps_ms[0] == 240 * HOUR_MS
    assert reply.timestamps_ms[12] == 201 * HOUR_MS
    truth = hours(252, noise=0.0)[240:]
    assert np.abs(np.array(reply.points[:12]) - truth).mean() < 5
    assert all(one.reason and one.shares for one in reply.series)
    assert 24 in reply.series[0].season_lengths


def test_missing_steps_are_filled(channel):
    """Times that leave out steps make missing values, and the answer says so."""
    kept = np.delete(np.arange(240), [50, 51, 120])
    given = forecasting_pb2.Series(
        values=hours(240)[kept].tolist(), timestamps_ms=(kept * HOUR_MS).tolist()
    )
    reply = ask(channel, series=[given])
    assert reply.timestamps_ms[0] == 240 * HOUR_MS
    assert "3 missing values were filled" in reply.series[0].notes


NAN, INF = float("nan"), float("inf")
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no series": ({"series": []}, "series"),
    "no values": ({"series": [{"values": []}]}, "series[0].values"),
    "all missing": ({"series": [{"values": [1.0]}, {"values": [NAN, NAN]}]}, "series[1].values"),
    "infinite": ({"series": [{"values": [1.0, INF]}]}, "series[0].values[1]"),
    "huge": ({"series": [{"values": [1.0, 1e200]}]}, "series[0].values[1]"),
    "unsorted": (
        {"series": [{"values": [1, 2, 3], "timestamps_ms": [0, 2000, 1000]}]},
        "series[0].timestamps_ms[2]",
    ),
    "twice": (
        {"series": [{"values": [1, 2, 3], "timestamps_ms": [0, 1000, 1000]}]},
        "series[0].timestamps_ms[2]",
    ),
    "too few times": (
        {"series": [{"values": [1, 2, 3], "timestamps_ms": [0]}]}, "series[0].timestamps_ms",
    ),
    "far times": (
        {"series": [{"values": [1, 2], "timestamps_ms": [0, 2**62]}]}, "series[0].timestamps_ms[1]",
    ),
    "the least time": (
        {"series": [{"values": [1, 2], "timestamps_ms": [-(2**63), 0]}]},
        "series[0].timestamps_ms[0]",
    ),
    "far start": ({"series": [{"values": [1.0], "start_ms": 2**62}]}, "series[0].start_ms"),
    "times without end": (
        {"horizon": 1024, "frequency": "999999W",
             "series": [{"values": [1.0] * 20_000, "start_ms": 0}]},
        "series[0].frequency",
    ),
    "wide steps": (
        {"horizon": 1024, "series": [{"values": [1.0, 2.0],
             "timestamps_ms": [-8 * 10**15, 8 * 10**15]}]},
        "series[0].frequency",
    ),
    "mostly gaps": (
        {"frequency": "s", "series": [{"values": [1, 2], "timestamps_ms": [0, 10**12]}]},
        "series[0].timestamps_ms",
    ),
    "no horizon": ({"horizon": 0}, "horizon"),
    "long horizon": ({"horizon": 1025}, "horizon"),
    "levels": ({"quantile_levels": [0.5, 0.4]}, "quantile_levels[1]"),
    "level": ({"quantile_levels": [0.0]}, "quantile_levels[0]"),
    "frequency": ({"frequency": "fortnight"}, "frequency"),
    "own frequency": ({"series": [{"values": [1.0], "frequency": "x"}]}, "series[0].frequency"),
    "season": ({"season_lengths": [NAN]}, "season_lengths[0]"),
    "model": ({"model": "prophet"}, "model"),
    "version": ({"model": "ets@1"}, "model"),
    "priority": ({"priority": 9}, "priority"),
    "covariate": (
        {"series": [{"values": [1.0], "covariates": [{"name": "p", "values": [1.0]}]}]},
        "series[0].covariates[0].values",
    ),
    "many series": ({"series": [{"values": [1.0]}] * 257}, "series"),
    "large reply": (
        {"horizon": 1024, "quantile_levels": np.linspace(0.1, 0.9, 30).tolist(),
             "series": [{"values": [1.0]}] * 64},
        "horizon",
    ),
    "many values": ({"series": [{"values": [1.0] * 500_001}] * 2}, "series"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(channel, name):
    """INVALID_ARGUMENT with the field and its index; the lane goes on."""
    fields, where = WRONG[name]
    failure = refused(channel, **{"series": [{"values": [1.0, 2.0, 3.0]}], **fields})
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert where in failure.fields, failure


def test_unpacked_numbers_are_read(channel):
    """Legal protobuf that no usual encoder writes."""
    numbers = b"".join(b"\x11" + np.float64(value).tobytes() for value in (4.0, 4.0, 4.0))
    request = b"\x18\x02" + b"\x7a" + bytes([len(numbers)]) + numbers
    reply = unary(channel, forecast.PATH)(request, timeout=TIMEOUT_S)
    assert forecasting_pb2.ForecastResponse.FromString(reply).points == [4.0, 4.0]


def test_an_unknown_version_is_not_found(channel):
    """A graph has versions; this one is not there."""
    failure = refused(channel, model="zero-shot@7", series=[series()])
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, "VERSION_NOT_FOUND")


@pytest.mark.parametrize("model", ["zero-shot", "global-trees"])
def test_scoring_calls_to_forecasting_models_are_refused(channel, model):
    """With a message that says what to call instead."""
    with pytest.raises(grpc.RpcError) as caught:
        score(channel, dense(model, np.zeros((1, 4), np.float32)))
    failure = refusal(caught.value)
    assert failure.code in {Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION}
    assert "forecast" in failure.message.lower(), failure.message


def test_processes_that_die_are_replaced(channel, forecast_server):
    """Who asked does not notice."""
    ask(channel, model="seasonal-naive", series=[series()])
    for child in workers(forecast_server):
        child.kill()
    assert len(ask(channel, series=[series()] * 3).series) == 3
    page = forecast_server.http("/metrics")[1]
    assert "stubtail_forecast_restarts_total 0.0" not in page
    assert "stubtail_forecast_restarts_total" in page
    end_s = time.monotonic() + TIMEOUT_S
    while len(workers(forecast_server)) < 1 and time.monotonic() < end_s:
        time.sleep(0.05)
    assert workers(forecast_server)


def workers(server: ServerProcess) -> list[psutil.Process]:
    """The processes of a server that forecast."""
    children = psutil.Process(server.pid).children(recursive=True)
    return [one for one in children if "stubtail.forecasting.worker" in " ".join(one.cmdline())]


def test_a_deadline_is_kept_while_others_are_answered(channel):
    """What cannot be done in time ends by its deadline; who comes after it is answered."""
    heavy = [series(2000, id=str(at)) for at in range(200)]
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, timeout_s=0.3, model="zero-shot", series=heavy, horizon=480)
    assert caught.value.code() in {Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED}
    assert ask(channel, model="seasonal-naive", series=[series()]).points


def test_deadlines_of_one_caller_do_not_switch_a_model_off(channel):
    """They are no failures of the model: whoever gives it time is answered."""
    ask(channel, model="zero-shot", series=[series()])
    for _ in range(8):
        with pytest.raises(grpc.RpcError) as caught:
            ask(channel, timeout_s=0.05, model="zero-shot", series=[series(2000)] * 8, horizon=1024)
        assert caught.value.code() in {Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED}
    assert ask(channel, model="zero-shot", series=[series()]).points


def test_a_call_that_is_cancelled_is_not_worked_to_its_end(channel):
    """Hours of work are dropped with it, and who comes next is answered."""
    heavy = [series(2000, id=str(at)) for at in range(256)]
    request = forecasting_pb2.ForecastRequest(horizon=960, model="zero-shot", series=heavy)
    future = unary(channel, forecast.PATH).future(request.SerializeToString(), timeout=TIMEOUT_S)
    time.sleep(0.3)  # it may have begun, or not: both are to end well
    future.cancel()
    assert ask(channel, model="seasonal-naive", series=[series()]).points


def test_metrics_and_health_tell_of_models(channel, forecast_server):
    """As they do for scoring."""
    ask(channel, series=[series()])
    status, page = forecast_server.http("/metrics")
    assert status == 200
    assert 'model="auto"' in page
    for name in (
        "stubtail.v1.ForecastingService",
        "stubtail.v1.ForecastingService/ets",
        "zero-shot",
    ):
        request = health_pb2.HealthCheckRequest(service=name).SerializeToString()
        reply = unary(channel, "/grpc.health.v1.Health/Check")(request, timeout=TIMEOUT_S)
        assert health_pb2.HealthCheckResponse.FromString(reply).status == 1


def test_the_command_line_says_what_it_found(forecast_server, tmp_path, capsys):
    """Seasons with their unit, or that there is none; and the field that is wrong."""
    path = tmp_path / "sold.csv"
    path.write_text("sold\n" + "\n".join("1258"[at % 4] for at in range(40)) + "\n")
    words = ["forecast", "--server", forecast_server.address, "--model", "seasonal-naive"]
    words += ["--timeout", str(TIMEOUT_S)]
    assert main([*words, "--horizon", "2", str(path)]) == 0
    assert "seasons: 4 steps; trend: " in capsys.readouterr().out
    assert main([*words, "--horizon", "-2", str(path)]) == 1
    assert "horizon: must be 1 to 1,024, got -2" in capsys.readouterr().err
    path.write_text("sold\n5\n5\n5\n")
    assert main([*words, str(path)]) == 0
    assert "seasons: none; trend: " in capsys.readouterr().out
