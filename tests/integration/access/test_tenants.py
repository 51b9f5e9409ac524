"""What one tenant can tell of another by calling: nothing."""

import json
import threading
import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from stubtail.access.credential import TENANT_KEY
from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2
from stubtail.v1 import models_pb2
from tests.integration.access.conftest import OWN, Guarded, Metadata, bearer, until
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
from tests.unit.access.signed import Signer, document

ROWS = np.array([[1, 2, 3]], np.float32)
LIST = "/stubtail.v1.ModelService/ListModels"
GET = "/stubtail.v1.ModelService/GetModel"


def names(guarded: Guarded, metadata: Metadata) -> list[str]:
    """The models that a caller is told of."""
    reply = call(guarded.channel, LIST, b"", metadata=metadata)
    return [one.name for one in models_pb2.ListModelsResponse.FromString(reply).models]


def test_each_tenant_sees_its_own_models_and_shared_ones(guarded: Guarded) -> None:
    """In lists, and the operator sees all."""
    keys = guarded.keys
    assert names(guarded, bearer(keys["acme"])) == ["acme-secret", "churn", "ltv"]
    assert names(guarded, bearer(keys["rival"])) == ["churn", "ltv"]
    shared = ["acme-secret", "churn", "ltv"]
    assert names(guarded, bearer(keys["all"])) == sorted([*shared, *OWN, "gold/broken"])
    assert names(guarded, bearer(keys["churn"])) == ["churn"]
    assert names(guarded, guarded.token("read", org="acme")) == ["acme-secret", "churn", "ltv"]


@pytest.mark.parametrize("version", ["", "@1", "@7"])
def test_a_hidden_model_is_like_one_that_is_not_there(guarded: Guarded, version: str) -> None:
    """The same status, reason and words, by every method that names models."""
    channel, rival = guarded.channel, bearer(guarded.keys["rival"])
    assert call(channel, SCORE, dense("acme-secret", ROWS), metadata=bearer(guarded.keys["acme"]))
    requests = {
        SCORE: lambda name: dense(name + version, ROWS),
        INFER: lambda name: infer_request(name, x=ROWS, version=version[1:]),
        GET: lambda name: models_pb2.GetModelRequest(model=name + version),
        OIP + "ModelMetadata": lambda name: inference_pb2.ModelMetadataRequest(
            name=name, version=version[1:]
        ),
        OIP + "ModelConfig": lambda name: inference_pb2.ModelConfigRequest(name=name),
        OIP + "ModelStatistics": lambda name: inference_pb2.ModelStatisticsRequest(name=name),
        OIP + "RepositoryModelLoad": lambda name: inference_pb2.RepositoryModelLoadRequest(
            model_name=name
        ),
        OIP + "RepositoryModelUnload": lambda name: inference_pb2.RepositoryModelUnloadRequest(
            model_name=name
        ),
    }
    for path, request in requests.items():
        hidden = refused(channel, path, request("acme-secret"), metadata=rival)
        absent = refused(channel, path, request("acme-nobody"), metadata=rival)
        assert (hidden.code, hidden.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND"), path
        assert hidden.message.replace("secret", "nobody") == absent.message
        assert hidden.code is absent.code
        assert hidden.reason == absent.reason
        near = refused(channel, path, request("acme-secre"), metadata=rival)
        assert "acme-secret" not in near.message


def test_probes_and_health_tell_nothing_of_hidden_models(guarded: Guarded) -> None:
    """Health is open to everybody, so it knows shared models alone."""
    channel = guarded.channel
    listed = health_pb2.HealthListResponse.FromString(
        call(channel, "/grpc.health.v1.Health/List", b"")
    )
    assert "churn" in listed.statuses
    assert not [name for name in listed.statuses if "acme" in name]
    for caller, ready in (("acme", True), ("rival", False)):
        reply = call(
            channel,
            OIP + "ModelReady",
            inference_pb2.ModelReadyRequest(name="acme-secret"),
            metadata=bearer(guarded.keys[caller]),
        )
        assert inference_pb2.ModelReadyResponse.FromString(reply).ready is ready


def test_hidden_and_absent_take_about_as_long(guarded: Guarded) -> None:
    """By medians of many calls, taken in turns: within a factor of three, as machines are noisy."""
    channel, rival = guarded.channel, bearer(guarded.keys["rival"])
    times: dict[str, list[float]] = {"acme-secret": [], "acme-nobody": []}
    for _ in range(150):
        for name, found in times.items():
            began_s = time.perf_counter()
            refused(channel, SCORE, dense(name, ROWS), metadata=rival)
            found.append(time.perf_counter() - began_s)
    hidden, absent = (float(np.median(found)) for found in times.values())
    assert 0.33 < hidden / absent < 3.0


def test_heads_that_one_tenant_sent_are_not_anothers(guarded: Guarded) -> None:
    """The same bytes, again and again, by turns: the cache of heads asks who calls."""
    request = dense("acme-secret", ROWS)
    for _ in range(3):
        call(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["acme"]))
        found = refused(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["rival"]))
        assert found.reason == "MODEL_NOT_FOUND"
        found = refused(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["churn"]))
        assert (found.reason, found.metadata["scope"]) == (
            "SCOPE_MISSING",
            "stubtail:predict:acme-secret",
        )


def test_only_a_trusted_proxy_names_the_tenant(guarded: Guarded) -> None:
    """Others are refused, whatever they name."""
    request = dense("acme-secret", ROWS)
    acme = (TENANT_KEY, "acme")
    gateway = bearer(guarded.keys["gateway"])
    assert call(guarded.channel, SCORE, request, metadata=(*gateway, acme))
    found = refused(guarded.channel, SCORE, request, metadata=gateway)
    assert found.reason == "MODEL_NOT_FOUND"
    for caller in ("rival", "churn", "all"):
        metadata = (*bearer(guarded.keys[caller]), acme)
        for path in (SCORE, LIST):
            found = refused(guarded.channel, path, request, metadata=metadata)
            assert (found.code, found.reason) == (Code.PERMISSION_DENIED, "TENANT_MISMATCH")


def test_shared_models_are_the_operators_to_manage(guarded: Guarded) -> None:
    """A tenant loads its own."""
    load = OIP + "RepositoryModelLoad"
    acme = bearer(guarded.keys["acme"])
    own = inference_pb2.RepositoryModelLoadRequest(model_name="acme-secret")
    assert call(guarded.channel, load, own, metadata=acme)
    shared = inference_pb2.RepositoryModelLoadRequest(model_name="churn")
    found = refused(guarded.channel, load, shared, metadata=acme)
    assert (found.code, found.reason) == (Code.PERMISSION_DENIED, "MODEL_SHARED")
    assert call(guarded.channel, load, shared, metadata=bearer(guarded.keys["all"]))


def test_a_quota_is_the_tenants_own(guarded: Guarded) -> None:
    """Three at once, and then one in a hundred seconds; the others go on."""
    request = dense("churn", ROWS)
    slow = bearer(guarded.keys["slow"])
    ends = []
    for _ in range(5):
        try:
            call(guarded.channel, SCORE, request, metadata=slow)
        except grpc.RpcError as error:
            ends.append(error.code())
    assert ends.count(Code.RESOURCE_EXHAUSTED) == len(ends) >= 2
    found = refused(guarded.channel, SCORE, request, metadata=slow)
    assert (found.reason, found.quota) == ("QUOTA_RATE", ["tenant:slow"])
    assert found.retry_s is not None
    assert 0 < found.retry_s <= 120
    assert call(guarded.channel, SCORE, request, metadata=bearer(guarded.keys["rival"]))


def test_acts_and_denials_are_in_the_audit_log(guarded: Guarded) -> None:
    """Who, what, which model, the outcome and the trace."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = (*bearer(guarded.keys["all"]), ("traceparent", f"00-{trace}-{'1' * 16}-01"))
    load = OIP + "RepositoryModelLoad"
    request = inference_pb2.RepositoryModelLoadRequest(model_name="ltv")
    call(guarded.channel, load, request, metadata=metadata)
    refused(guarded.channel, SCORE, dense("ltv", ROWS), metadata=bearer(guarded.keys["churn"]))
    stream = streams(guarded.channel, OIP + "ModelStreamInfer")
    messages = [
        infer_request(name, x=ROWS).SerializeToString() for name in ("acme-secret", "churn")
    ]
    list(stream(iter(messages), metadata=bearer(guarded.keys["churn"]), timeout=20))

    def records() -> list[dict[str, object]]:
        lines = [
            json.loads(line)
            for path in sorted(guarded.audit.iterdir())
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]
        acts = [one for one in lines if one["event"] == "act" and one["trace"] == trace]
        denials = [one for one in lines if one.get("scope") == "stubtail:predict:ltv"]
        inside = [one for one in lines if one["method"] == OIP + "ModelStreamInfer"]
        inside = [one for one in inside if one.get("scope") == "stubtail:predict:acme-secret"]
        return [acts[0], denials[0], inside[0]] if acts and denials and inside else []

    act, denial, inside = until(records)
    assert (inside["caller"], inside["outcome"]) == ("key:churn", "PERMISSION_DENIED")
    assert (act["caller"], act["tenant"], act["method"]) == ("key:all", "*", load)
    assert (act["model"], act["outcome"]) == (["ltv"], "OK")
    assert (denial["caller"], denial["outcome"]) == ("key:churn", "PERMISSION_DENIED")


def test_a_key_that_the_issuer_adds_is_found(guarded: Guarded) -> None:
    """An unknown key is asked for; those that are known go on."""
    other = Signer(key_id=f"k-{guarded.server.transport}")
    request = dense("churn", ROWS)
    metadata = bearer(other.token(scope="stubtail:predict"))
    found = refused(guarded.channel, SCORE, request, metadata=metadata)
    assert found.reason == "CREDENTIAL_KEY_UNKNOWN"
    jwks = guarded.audit.parent / "jwks.json"
    jwks.write_bytes(document(guarded.signer, other))

    def answered() -> bool:
        fresh = bearer(other.token(scope="stubtail:predict", jti=str(time.time())))
        try:
            return bool(call(guarded.channel, SCORE, request, metadata=fresh))
        except grpc.RpcError:
            return False

    assert until(answered)
    assert call(guarded.channel, SCORE, request, metadata=guarded.token("predict"))


def test_a_stream_of_requests_is_no_work_besides_them(guarded: Guarded) -> None:
    """A tenant with one call at a time can use it; both of the stream's are answered."""
    request = infer_request("churn", x=ROWS).SerializeToString()
    answered = threading.Event()

    def requests() -> Iterator[bytes]:
        yield request
        assert answered.wait(20.0)
        yield request

    stream = streams(guarded.channel, OIP + "ModelStreamInfer")
    for reply in stream(requests(), metadata=bearer(guarded.keys["single"]), timeout=20):
        answer = inference_pb2.ModelStreamInferResponse.FromString(reply)
        assert not answer.error_message
        answered.set()
    assert answered.is_set()


def test_each_message_of_a_stream_counts(guarded: Guarded) -> None:
    """Or a stream would be the way around the quota; those beyond it are answered with an error."""
    requests = [infer_request("churn", x=ROWS).SerializeToString() for _ in range(8)]
    metadata = bearer(guarded.keys["stream"])
    stream = streams(guarded.channel, OIP + "ModelStreamInfer")
    answers = [
        inference_pb2.ModelStreamInferResponse.FromString(reply)
        for reply in stream(iter(requests), metadata=metadata, timeout=20)
    ]
    refusals = [answer.error_message for answer in answers if answer.error_message]
    assert len(answers) == 8
    assert len(refusals) >= 5
    assert all("calls per second" in message for message in refusals)
