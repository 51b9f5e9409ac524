"""Models in the folders of tenants: two have a churn of their own, and nobody sees another's."""

import json
import shutil
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from stubtail.v1 import models_pb2
from tests.integration.access.conftest import OWN, Guarded, bearer, until
from tests.integration.calls import (
    INFER,
    OIP,
    SCORE,
    Code,
    call,
    dense,
    infer_request,
    refused,
    streams,
)

ROWS = np.array([[1, 2, 3]], np.float32)
LIST = "/stubtail.v1.ModelService/ListModels"
GET = "/stubtail.v1.ModelService/GetModel"
Request = Any


def by_name(name: str) -> dict[str, Request]:
    """A request about a model, for every unary method that names one."""
    return {
        SCORE: dense(name, ROWS),
        INFER: infer_request(name, x=ROWS),
        GET: models_pb2.GetModelRequest(model=name),
        OIP + "ModelMetadata": inference_pb2.ModelMetadataRequest(name=name),
        OIP + "ModelConfig": inference_pb2.ModelConfigRequest(name=name),
        OIP + "ModelStatistics": inference_pb2.ModelStatisticsRequest(name=name),
        OIP + "RepositoryModelLoad": inference_pb2.RepositoryModelLoadRequest(model_name=name),
        OIP + "RepositoryModelUnload": inference_pb2.RepositoryModelUnloadRequest(model_name=name),
    }


def noted(guarded: Guarded, wanted: dict[str, Any]) -> dict[str, Any]:
    """The first record of the audit log that has all of this; empty while there is none."""
    lines = b"".join(path.read_bytes() for path in sorted(guarded.audit.glob("*.jsonl")))
    for line in lines.splitlines(keepends=True):
        record = json.loads(line) if line.endswith(b"\n") else {}
        if all(record.get(key) == value for key, value in wanted.items()):
            return dict(record)
    return {}


def inferred(guarded: Guarded, caller: str, name: str) -> tuple[str, list[float]]:
    """The name and the values in the answer to ModelInfer."""
    request = infer_request(name, x=ROWS)
    reply = call(guarded.channel, INFER, request, metadata=bearer(guarded.keys[caller]))
    answer = inference_pb2.ModelInferResponse.FromString(reply)
    return answer.model_name, np.frombuffer(answer.raw_output_contents[0], np.float32).tolist()


@pytest.mark.parametrize(
    ("caller", "name", "scale", "offset"),
    [
        ("gold", "churn", 10.0, 0.0),
        ("gold", "churn@1", 10.0, 0.0),
        ("iron", "churn", -1.0, 0.0),
        ("rival", "churn", 2.0, 1.0),
        ("gold", "ltv", 2.0, 1.0),
        ("gold", "vault", 20.0, 0.0),
        ("all", "churn", 2.0, 1.0),
        ("all", "gold/churn", 10.0, 0.0),
        ("all", "iron/churn@1", -1.0, 0.0),
    ],
)
def test_a_name_leads_to_the_callers_own_model_first(
    guarded: Guarded, caller: str, name: str, scale: float, offset: float
) -> None:
    """Twice, as the second call finds its head; and the answer has the name without a tenant."""
    expected = (ROWS[0] * scale + offset).tolist()
    plain = name.partition("@")[0].rpartition("/")[2]
    for _ in range(2):
        assert inferred(guarded, caller, name) == (plain, expected)


@pytest.mark.parametrize("name", ["vault", "vault@1", "gold/vault", "gold/churn", "gold/churn@1"])
def test_anothers_folder_is_like_nothing(guarded: Guarded, name: str) -> None:
    """Status, reason, words and details, by every method; for its name and for its full name."""
    absent = name.replace("vault", "nofun").replace("gold/churn", "gold/chxyz")
    for caller in ("iron", "rival"):
        metadata = bearer(guarded.keys[caller])
        others = by_name(absent)
        for path, request in by_name(name).items():
            found = refused(guarded.channel, path, request, metadata=metadata)
            missing = refused(guarded.channel, path, others[path], metadata=metadata)
            assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND"), (path, name)
            told = found.message.replace("vault", "nofun").replace("gold/churn", "gold/chxyz")
            assert told == missing.message
            assert set(found.metadata) == set(missing.metadata)


def test_the_owner_itself_does_not_say_whose(guarded: Guarded) -> None:
    """Or a scope for g* would let it to gold/vault, which it is not meant for."""
    for caller in ("gold", "gold-a"):
        found = refused(
            guarded.channel, SCORE, dense("gold/vault", ROWS), metadata=bearer(guarded.keys[caller])
        )
        assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    found = refused(
        guarded.channel, SCORE, dense("vault", ROWS), metadata=bearer(guarded.keys["gold-a"])
    )
    assert found.metadata["scope"] == "stubtail:predict:vault"


def test_lists_show_each_caller_its_own_names(guarded: Guarded) -> None:
    """ListModels, RepositoryIndex and statistics; the operator sees whose each is."""

    def listed(caller: str) -> list[list[str]]:
        metadata = bearer(guarded.keys[caller])
        models = models_pb2.ListModelsResponse.FromString(
            call(guarded.channel, LIST, b"", metadata=metadata)
        )
        index = inference_pb2.RepositoryIndexResponse.FromString(
            call(guarded.channel, OIP + "RepositoryIndex", b"", metadata=metadata)
        )
        statistics = inference_pb2.ModelStatisticsResponse.FromString(
            call(guarded.channel, OIP + "ModelStatistics", b"", metadata=metadata)
        )
        return [
            [one.name for one in models.models],
            [one.name for one in index.models],
            [one.name for one in statistics.model_stats],
        ]

    inferred(guarded, "gold", "churn")
    assert listed("iron") == [["churn", "ltv", "plans"]] * 2 + [["churn", "plans"]]
    names, index, statistics = listed("gold")
    assert names == index == ["broken", "churn", "ltv", "vault"]
    assert statistics == ["churn", "vault"]
    everything = sorted([*OWN, "gold/broken", "acme-secret", "churn", "ltv"])
    assert listed("all")[0] == everything


def test_numbers_of_a_shared_model_are_the_operators(guarded: Guarded) -> None:
    """They tell how much the others call it; each sees those of its own, counted by itself."""
    path = OIP + "ModelStatistics"
    request = inference_pb2.ModelStatisticsRequest(name="ltv")
    found = refused(guarded.channel, path, request, metadata=bearer(guarded.keys["gold"]))
    assert (found.code, found.reason) == (Code.PERMISSION_DENIED, "MODEL_SHARED")
    assert call(guarded.channel, path, request, metadata=bearer(guarded.keys["all"]))

    def counted(caller: str, name: str) -> int:
        asked = inference_pb2.ModelStatisticsRequest(name=name)
        reply = call(guarded.channel, path, asked, metadata=bearer(guarded.keys[caller]))
        (one,) = inference_pb2.ModelStatisticsResponse.FromString(reply).model_stats
        assert one.name == name
        return int(one.inference_count)

    before = counted("gold", "churn"), counted("iron", "churn"), counted("all", "gold/churn")
    inferred(guarded, "gold", "churn")
    until(lambda: counted("gold", "churn") == before[0] + 1)
    assert counted("iron", "churn") == before[1]
    assert counted("all", "gold/churn") == before[2] + 1


def test_a_model_that_fails_is_not_answered_for_by_another(guarded: Guarded) -> None:
    """It says so to its owner, without the tenant's name in it, and is nothing to others."""
    request = dense("broken", ROWS)
    found = refused(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["gold"]))
    assert (found.code, found.reason) == (Code.UNAVAILABLE, "MODEL_FAILED")
    assert found.metadata["model"] == "broken"
    path = OIP + "RepositoryModelLoad"
    loaded = refused(
        guarded.channel, path, by_name("broken")[path], metadata=bearer(guarded.keys["gold"])
    )
    assert (loaded.code, loaded.message) == (found.code, found.message)
    found = refused(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["iron"]))
    assert found.code is Code.NOT_FOUND


def test_an_own_model_hides_a_shared_one_that_was_called_before(guarded: Guarded) -> None:
    """What is remembered of a request ends when its name means another model, failed or not."""
    iron = bearer(guarded.keys["iron"])
    request = dense("ltv", ROWS)
    folder = guarded.audit.parent / "models" / "@iron" / "ltv" / "1"

    def state() -> int:
        reply = call(guarded.channel, LIST, b"", metadata=iron)
        models = models_pb2.ListModelsResponse.FromString(reply).models
        return next(int(one.state) for one in models if one.name == "ltv")

    call(guarded.channel, SCORE, request, metadata=iron)
    try:
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"no graph")
        until(lambda: state() == models_pb2.MODEL_STATE_FAILED)
        found = refused(guarded.channel, SCORE, request, metadata=iron)
        assert (found.code, found.reason) == (Code.UNAVAILABLE, "MODEL_FAILED")
    finally:
        shutil.rmtree(folder.parent)
    until(lambda: state() == models_pb2.MODEL_STATE_READY)
    call(guarded.channel, SCORE, request, metadata=iron)


def test_health_knows_nothing_of_them(guarded: Guarded) -> None:
    """It is open to everybody; the caller's own answer is ModelReady."""
    listed = health_pb2.HealthListResponse.FromString(
        call(guarded.channel, "/grpc.health.v1.Health/List", b"")
    )
    hidden = ("gold", "iron", "vault", "plans")
    assert not [name for name in listed.statuses if any(word in name for word in hidden)]
    for caller, ready in (("gold", True), ("iron", False), ("rival", False)):
        reply = call(
            guarded.channel,
            OIP + "ModelReady",
            inference_pb2.ModelReadyRequest(name="vault"),
            metadata=bearer(guarded.keys[caller]),
        )
        assert inference_pb2.ModelReadyResponse.FromString(reply).ready is ready


def test_a_stream_finds_the_callers_own(guarded: Guarded) -> None:
    """What comes over the Unix socket behind the native front is looked at in the same way."""
    request = infer_request("churn", x=ROWS).SerializeToString()
    stream = streams(guarded.channel, OIP + "ModelStreamInfer")
    for caller, scale in (("gold", 10.0), ("iron", -1.0)):
        (reply,) = stream(iter([request]), metadata=bearer(guarded.keys[caller]), timeout=20)
        answer = inference_pb2.ModelStreamInferResponse.FromString(reply).infer_response
        values = np.frombuffer(answer.raw_output_contents[0], np.float32)
        assert values.tolist() == (ROWS[0] * scale).tolist()


def test_an_owner_manages_its_own_and_the_log_says_whose(guarded: Guarded) -> None:
    """Its churn goes, and the shared one is still hidden behind it; others keep theirs."""
    gold = bearer(guarded.keys["gold"])
    requests = by_name("churn")
    try:
        call(guarded.channel, OIP + "RepositoryModelUnload",
             requests[OIP + "RepositoryModelUnload"], metadata=gold)  # fmt: skip
        found = refused(guarded.channel, SCORE, requests[SCORE], metadata=gold)
        assert (found.code, found.reason) == (Code.FAILED_PRECONDITION, "MODEL_DISABLED")
        assert inferred(guarded, "iron", "churn")[1] == (-ROWS[0]).tolist()
        assert inferred(guarded, "rival", "churn")[1] == (ROWS[0] * 2 + 1).tolist()
    finally:
        load = OIP + "RepositoryModelLoad"
        call(guarded.channel, load, requests[load], metadata=gold)
    assert inferred(guarded, "gold", "churn")[1] == (ROWS[0] * 10).tolist()

    wanted = {"event": "act", "caller": "key:gold", "model": ["gold/churn"]}
    record = until(lambda: noted(guarded, wanted))
    assert record["tenant"] == "gold"
    assert record["peer"].startswith(("ipv4:127.0.0.1:", "ipv6:")), record


def test_another_tenants_model_is_looked_for_like_one_that_is_not_there(guarded: Guarded) -> None:
    """In the caller's own folder: a look there takes a while, so that its lack would tell."""
    iron, path = bearer(guarded.keys["iron"]), OIP + "RepositoryModelLoad"
    for name in ("acme-secret", "acme-nobody"):
        found = refused(guarded.channel, path, by_name(name)[path], metadata=iron)
        assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
        wanted = {"event": "act", "caller": "key:iron", "model": [f"iron/{name}"]}
        assert until(lambda wanted=wanted: noted(guarded, wanted))


def test_the_peer_of_a_denial_is_true(guarded: Guarded) -> None:
    """Of unary methods, whichever transport serves them: not that of a socket in between."""
    with pytest.raises(grpc.RpcError):
        call(guarded.channel, LIST, b"", metadata=bearer(guarded.keys["gold-a"]))

    wanted = {"event": "denial", "caller": "key:gold-a", "method": LIST}
    record = until(lambda: noted(guarded, wanted))
    assert record["peer"].startswith(("ipv4:127.0.0.1:", "ipv6:"))
