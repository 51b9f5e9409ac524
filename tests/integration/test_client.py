"""The Python client against a real server: what it promises holds on both transports."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from google.protobuf import json_format

from stubtail.v1 import scoring_pb2, scoring_pb2_grpc
from stubtail_client import (
    AsyncClient,
    Client,
    HealthStatus,
    InvalidArgument,
    NotFound,
    retries,
)
from stubtail_client.cli.run import main
from tests.forecasting_ready import until_it_forecasts
from tests.server_process import ROOT, ServerProcess

README = ROOT / "clients" / "README.md"
CUSTOMERS = ROOT / "training" / "examples" / "churn.csv"
TIMEOUT_S = 20.0  # far above every answer: a test that hangs must say so


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """A sync client of the server."""
    with Client(server.address, timeout=TIMEOUT_S) as client:
        yield client


@pytest.fixture
async def async_client(server: ServerProcess) -> AsyncIterator[AsyncClient]:
    """An async client of the server."""
    async with AsyncClient(server.address, timeout=TIMEOUT_S) as client:
        yield client


@pytest.fixture(scope="module")
def manifest(shipped_models: Path) -> dict[str, Any]:
    """The manifest of the shipped model."""
    document: dict[str, Any] = json.loads(
        (shipped_models / "churn" / "1" / "model.json").read_text()
    )
    return document


@pytest.fixture(scope="module")
def customers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The example customers as dicts of the right types."""
    numbers = {f["name"] for f in manifest["features"] if f["type"] == "number"}
    return [
        {
            name: (float(cell) if cell else None) if name in numbers else cell
            for name, cell in row.items()
        }
        for row in csv.DictReader(io.StringIO(CUSTOMERS.read_text()))
    ]


def dense(customers: list[dict[str, Any]], manifest: dict[str, Any]) -> np.ndarray:
    """The same customers as numbers in the order of the features."""
    return np.array(
        [
            [
                feature["categories"].index(row[feature["name"]])
                if feature["type"] == "category"
                else np.nan
                if row[feature["name"]] is None
                else row[feature["name"]]
                for feature in manifest["features"]
            ]
            for row in customers
        ],
        np.float32,
    )


def test_every_form_gives_the_same_scores(client, customers, manifest):
    """Dicts, one dict at a time, a frame and an array of the same customers score alike."""
    scores = client.score("churn", customers)
    alone = [client.score("churn", row)[0] for row in customers]
    frame = client.score("churn", pd.DataFrame(customers))
    array = client.score("churn", dense(customers, manifest))

    assert np.allclose(scores.scores, array.scores, atol=1e-6)
    assert np.array_equal(scores.scores, frame.scores)
    assert np.allclose(scores.scores, [row.score for row in alone], atol=1e-6)
    assert scores.labels == array.labels == frame.labels == [row.label for row in alone]
    threshold = manifest["output"]["threshold"]
    stay, leave = manifest["output"]["classes"]
    expected = [leave if score >= threshold else stay for score in scores.scores.tolist()]
    assert scores.labels == expected


async def test_async_client_gives_the_same(client, async_client, customers):
    """Both clients get the same answers, the async one for many calls at once."""
    expected = await asyncio.to_thread(client.score, "churn", customers)

    found = await asyncio.gather(*(async_client.score("churn", row) for row in customers))

    assert np.allclose([scores[0].score for scores in found], expected.scores, atol=1e-6)


def test_hundred_thousand_rows(client, customers, manifest):
    """A large input is split, answered by one version and joined in order."""
    rows = np.tile(dense(customers, manifest), (100_000 // len(customers), 1))
    one = client.score("churn", dense(customers, manifest))

    scores = client.score("churn", rows, timing=True)

    assert len(scores) == len(rows)
    assert np.allclose(scores.scores.reshape(-1, len(customers)), one.scores, atol=1e-6)
    assert scores.version == "1"
    assert scores.timing is not None
    assert scores.timing.run_us > 0


def test_large_frames_are_split(server, customers):
    """Named columns are split too, over several connections."""
    frame = pd.DataFrame(customers * 500)
    with Client(server.address, timeout=TIMEOUT_S, connections=3, part_rows_max=999) as client:
        scores = client.score("churn", frame)
        one = client.score("churn", customers)

    assert np.allclose(scores.scores.reshape(-1, len(customers)), one.scores, atol=1e-6)


def test_priorities_and_timing(client, customers):
    """Each class is accepted; timing comes only when asked for."""
    for priority in ("critical", "high", "normal", "low"):
        scores = client.score("churn", customers[0], priority=priority, timing=True)
        assert scores.timing is not None
        assert scores.timing.batch_rows >= 1
    assert client.score("churn", customers[0]).timing is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"tenur": 3}, "tenur"),
        ({"tenure": "three"}, "tenure"),
        ({"contract": "Three year"}, "contract"),
        ({"contract": 1}, "contract"),
        ({"tenure": None}, "tenure"),
        ({"contract": None}, "contract"),
    ],
)
def test_bad_row_names_the_feature(client, customers, change, word):
    """The server's field violations arrive, and name the feature that is wrong."""
    with pytest.raises(InvalidArgument) as caught:
        client.score("churn", {**customers[0], **change})

    assert caught.value.reason == "INVALID_FIELD"
    assert any(word in violation.field for violation in caught.value.violations)


def test_missing_values(client, customers):
    """A value that the model allows to be missing may be None, NaN or left out."""
    row = {name: value for name, value in customers[0].items() if name != "total_charges"}
    forms = [row, {**row, "total_charges": None}, {**row, "total_charges": float("nan")}]

    found = {float(client.score("churn", form).scores[0]) for form in forms}
    mixed = client.score("churn", [customers[0], row])

    assert len(found) == 1
    assert np.isclose(mixed.scores[1], found.pop(), atol=1e-6)


def test_wrong_width_of_an_array(client):
    """An array of another number of features is refused with the right one."""
    with pytest.raises(InvalidArgument, match="19 features"):
        client.score("churn", np.zeros((2, 18)))


def test_unknown_names(client):
    """Unknown models, versions and services are NotFound."""
    for call in (
        lambda: client.score("chrun", {"tenure": 1}),
        lambda: client.score("churn@77", {"tenure": 1}),
        lambda: client.model("chrun"),
        lambda: client.health("chrun"),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.reason


def test_models_and_health(client, manifest):
    """The list, the description and the health of the shipped model."""
    models = {(model.name, model.version): model for model in client.models()}
    model = client.model("churn")

    assert models["churn", "1"].state == "READY"
    assert models["churn", "1"].live
    assert [feature.name for feature in model.features] == [f["name"] for f in manifest["features"]]
    assert model.classes == tuple(manifest["output"]["classes"])
    assert model.threshold == manifest["output"]["threshold"]
    assert model.sha256 == manifest["graph"]["sha256"]
    assert model.manifest["metrics"] == manifest["metrics"]
    assert client.health() is HealthStatus.SERVING
    assert client.health("churn") is HealthStatus.SERVING
    assert client.health("stubtail.v1.ScoringService") is HealthStatus.SERVING


def test_bare_models(client):
    """A graph without a manifest takes arrays; its classes have positions in place of names."""
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)

    affine = client.score("affine", rows)
    classifier = client.score("classifier", rows)

    assert affine.probabilities is not None
    assert np.allclose(affine.probabilities, rows * 2 + 1)
    assert classifier.labels is None
    assert classifier[0].probabilities is not None
    assert set(classifier[0].probabilities) == {"0", "1"}
    assert classifier.scores[0] == pytest.approx(classifier[0].probabilities["1"])
    with pytest.raises(InvalidArgument):
        client.score("affine", {"x": 1.0})


@pytest.mark.parametrize("form", [[], ["--json"], ["--output", "-"]])
def test_command_line_scores_the_example(server, capsys, form):
    """The command that the server prints when it is ready works as printed."""
    code = main(["score", "churn", "--server", server.address, "--input", str(CUSTOMERS), *form])

    captured = capsys.readouterr()
    assert code == 0
    assert "scored by churn 1" in captured.err
    assert len(captured.out.splitlines()) >= 20


def test_command_line_describes(server, capsys):
    """`models`, `model` and `health` answer about the shipped model."""
    for words, expected in (
        (["models"], "churn"),
        (["model", "churn"], "monthly_charges"),
        (["health", "churn"], "SERVING"),
    ):
        assert main([*words, "--server", server.address]) == 0
        assert expected in capsys.readouterr().out


async def test_readme_python_runs(server, capsys, monkeypatch):
    """Every Python block of clients/README.md runs from top to bottom, against a real server."""
    await asyncio.to_thread(until_it_forecasts, server.address)
    monkeypatch.setattr("stubtail_client.forecast.TIMEOUT_S", 80.0)  # the machine may be busy
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    code = "\n".join(blocks).replace("127.0.0.1:8500", server.address)
    assert len(blocks) >= 6

    await asyncio.to_thread(exec, compile(code, str(README), "exec"), {})  # it starts a loop

    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("leave")
    assert any("contract" in line for line in printed)
    told = re.findall(r"# ([\d.]+): (\d+) cartons, (\d+) dollars", README.read_text())
    numbers = [line.split() for line in printed if re.fullmatch(r"[\d.]+ [\d.]+ [\d.]+", line)]
    found = [(f"{float(a):.2f}", f"{float(b):.0f}", f"{float(c):.0f}") for a, b, c in numbers]
    assert len(set(told) & set(found)) == 2, found


def test_readme_requests_are_the_same_customer(channel):
    """Both JSON requests of clients/README.md are accepted and get the same score."""
    texts = re.findall(r"```json\n(.*?)```", README.read_text(), re.DOTALL)
    stub = scoring_pb2_grpc.ScoringServiceStub(channel)

    replies = [
        stub.Score(json_format.Parse(text, scoring_pb2.ScoreRequest()), timeout=TIMEOUT_S)
        for text in texts
    ]

    assert len(replies) == 2
    assert list(replies[0].scores) == pytest.approx(list(replies[1].scores), abs=1e-6)


def test_readme_service_config_retries_as_the_client_does():
    """What raw stubs are told to use has the attempts, waits and budget of this client."""
    (text,) = re.findall(r"```text\n(.*?)```", README.read_text(), re.DOTALL)

    config = json.loads(text)

    policy = config["methodConfig"][0]["retryPolicy"]
    assert policy["maxAttempts"] == retries.ATTEMPTS_MAX
    assert policy["initialBackoff"] == f"{retries.BACKOFF_FIRST_S}s"
    assert policy["maxBackoff"] == f"{retries.BACKOFF_MAX_S}s"
    assert policy["backoffMultiplier"] == retries.BACKOFF_FACTOR
    throttling = {"maxTokens": retries.RETRY_TOKENS, "tokenRatio": retries.TOKEN_RATIO}
    assert config["retryThrottling"] == throttling
