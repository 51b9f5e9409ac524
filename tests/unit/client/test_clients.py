"""Pins what both clients do with a real server's answers and faults; each test runs with both."""

import asyncio
import math
import subprocess
import sys
import threading

import grpc
import numpy as np
import pandas as pd
import pytest

from stubtail_client import (
    AsyncClient,
    Client,
    HealthStatus,
    InvalidArgument,
    NotFound,
    Timing,
)
from stubtail_client.scores import Scores

ROW = {"tenure": 75, "contract": "One year", "charges": 70.5}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ROW, [0.75]),
        ([ROW, {**ROW, "tenure": 25}], [0.75, 0.25]),
        (np.array([[75, 1, 70.5], [25, 0, math.nan]]), [0.75, 0.25]),
        (np.array([75, 1, 70.5]), [0.75]),
        (pd.DataFrame([ROW, {**ROW, "tenure": 25}]), [0.75, 0.25]),
    ],
)
async def test_every_form_of_rows_is_scored(client, rows, expected):
    """Dict, dicts, array and frame give the same kind of answer."""
    scores = await client.score("churn", rows)

    assert isinstance(scores, Scores)
    assert scores.scores.tolist() == expected
    assert scores.labels == ["leave" if score >= 0.5 else "stay" for score in expected]
    assert (scores.model, scores.version) == ("churn", "1")
    assert scores.timing is None


async def test_model_of_many_classes(client):
    """Probabilities come as [N, C]."""
    scores = await client.score("shapes", np.zeros((4, 3)))

    assert scores.probabilities.shape == (4, 3)
    assert scores.labels == ["square"] * 4


async def test_priority_and_deadline_are_sent(fake, client):
    """The server sees the class of the call and how long it may take."""
    await client.score("churn", ROW, priority="critical", timeout=0.9)

    assert fake.requests[-1].priority == 1
    assert 0 < fake.remaining_s[-1] < 0.95  # gRPC rounds a timeout up before it sends it


async def test_default_deadline_is_the_clients(fake, make_client):
    """Without a timeout of its own a call has the client's, which is 1 s unless set."""
    await make_client(fake.address).score("churn", ROW)

    assert 0.5 < fake.remaining_s[-1] < 1.05  # gRPC rounds a timeout up before it sends it


async def test_timing_on_request(fake, client):
    """timing=True asks by metadata and reads the trailing metadata."""
    scores = await client.score("churn", ROW, timing=True)

    assert scores.timing == Timing(12.5, 3, 100, 2, 4)
    assert fake.metadata[-1]["stubtail-timing"] == "1"


async def test_metadata_and_user_agent_are_sent(fake, make_client):
    """Metadata of the client goes with every call."""
    client = make_client(fake.address, metadata={"authorization": "Bearer x"})

    await client.score("churn", ROW)

    assert fake.metadata[-1]["authorization"] == "Bearer x"
    assert fake.metadata[-1]["user-agent"].startswith("stubtail-client/")


async def test_large_input_is_sent_in_parts(fake, make_client):
    """Parts keep the order, and all ask for the version that answered the first."""
    client = make_client(fake.address, timeout=10.0, part_bytes_max=8192)
    values = np.zeros((3000, 3), np.float32)
    values[:, 0] = np.arange(3000) % 100

    scores = await client.score("churn", values, timing=True)

    assert np.array_equal(scores.scores, values[:, 0] / 100)
    assert len(fake.requests) == 6
    assert {request.model for request in fake.requests[1:]} == {"churn@1"}
    assert all(request.ByteSize() <= 8192 for request in fake.requests)
    assert scores.timing == Timing(75, 18, 600, 12, 4)


async def test_reload_between_parts_does_not_mix_versions(fake, make_client):
    """A version that goes live meanwhile answers nothing of this input."""

    def reload(context):
        fake.version = "2"

    fake.faults.extend([None, reload])
    client = make_client(fake.address, timeout=10.0, part_bytes_max=8192, connections=3)

    scores = await client.score("churn", [ROW] * 3000)

    assert scores.version == "1"
    assert len(scores) == 3000
    assert (await client.score("churn", ROW)).version == "2"


async def test_connections_take_turns(fake, make_client):
    """N connections are N connections: calls go over each in turn."""
    client = make_client(fake.address, timeout=5.0, connections=3)

    for _ in range(6):
        await client.score("churn", ROW)

    assert len(set(fake.peers)) == 3
    assert fake.peers[:3] == fake.peers[3:]


async def test_violations_reach_the_caller(client):
    """A refusal of the server is an exception with its fields."""
    with pytest.raises(InvalidArgument) as caught:
        await client.score("churn", {"tenur": 3})

    assert [violation.field for violation in caught.value.violations] == ["columns['tenur']"]
    assert isinstance(caught.value.__cause__, grpc.RpcError)
    assert not isinstance(caught.value, grpc.RpcError)


async def test_unknown_model(client):
    """An unknown model is NotFound with the reason of the server."""
    with pytest.raises(NotFound) as caught:
        await client.score("chrun", ROW)

    assert caught.value.reason == "MODEL_NOT_FOUND"


async def test_model_must_be_a_name(client):
    """What is no string is refused before sending."""
    for model in (None, 3, ["churn"], "\ud800"):
        with pytest.raises(InvalidArgument, match="model is the name"):
            await client.score(model, ROW)


async def test_models_are_listed(client):
    """Every version comes with its state, and with the reason of a failure."""
    models = await client.models()

    assert [(model.name, model.version, model.state, model.live) for model in models] == [
        ("churn", "1", "READY", False),
        ("churn", "2", "READY", True),
        ("broken", "1", "FAILED", False),
    ]
    assert "export it again" in models[2].reason


async def test_model_is_described(client):
    """A model comes with its features; an unknown one is NotFound."""
    model = await client.model("churn")

    assert [feature.name for feature in model.features] == ["tenure", "contract", "charges"]
    assert model.classes == ("stay", "leave")
    with pytest.raises(NotFound):
        await client.model("nothing")


async def test_health(client):
    """Health is asked of the whole, of a model, and of what does not exist."""
    assert await client.health() is HealthStatus.SERVING
    assert await client.health("churn") is HealthStatus.SERVING
    assert await client.health("off") is HealthStatus.NOT_SERVING
    with pytest.raises(NotFound):
        await client.health("nothing")


async def test_async_client_needs_no_loop_to_be_made(fake):
    """An AsyncClient can be made before the event loop runs, and closed unused."""
    client = await asyncio.to_thread(AsyncClient, fake.address)
    await client.aclose()


def test_threads_share_a_client(fake):
    """Calls of many threads do not mix their answers."""
    found: dict[int, list[float]] = {}

    def score(number: int) -> None:
        for _ in range(20):
            found.setdefault(number, []).extend(
                client.score("churn", {"tenure": number}).scores.tolist()
            )

    with Client(fake.address, timeout=10.0, connections=2) as client:
        threads = [threading.Thread(target=score, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for number in range(8):
        assert found[number] == [float(np.float32(number / 100))] * 20


def test_import_needs_no_server_package():
    """Importing the client loads neither the server's dependencies nor pandas."""
    code = (
        "import sys, stubtail_client; "
        "print(*sorted({'onnxruntime', 'onnx', 'uvloop', 'pandas', 'prometheus_client', "
        "'pygrpc_native', 'watchfiles'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert found.stdout.strip() == ""
