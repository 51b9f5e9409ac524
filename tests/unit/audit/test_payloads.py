"""The payload log: what callers wrote does not get into it."""

import json

from stubtail.audit.payloads import PayloadLog, redacted
from stubtail.oip import inference_pb2
from stubtail.v1 import anomaly_pb2, decision_pb2, forecasting_pb2, scoring_pb2
from tests.unit.audit.listening import Listening

SCORE = "/stubtail.v1.ScoringService/Score"


def test_payloads_are_kept_without_their_texts() -> None:
    """Names of models and columns stay; numbers only where they are wanted."""
    request = scoring_pb2.ScoreRequest(model="churn", coverage=0.9)
    request.named.columns.add(name="city", strings=["Zürich", "Bern"])
    request.named.columns.add(name="age", numbers=[44.0, 51.0])
    shown = json.dumps(redacted(request, numbers=False))
    assert "churn" in shown
    assert "city" in shown
    assert "rich" not in shown
    assert "44" not in shown
    assert "44" in json.dumps(redacted(request, numbers=True))
    assert "rich" not in json.dumps(redacted(request, numbers=True))


def test_names_that_callers_choose_are_texts() -> None:
    """Series are named after customers, too; what a model's manifest or its tensors say stays."""
    detect = anomaly_pb2.DetectRequest(model="m")
    detect.series.series.add(name="Jane Doe")
    forecast = forecasting_pb2.ForecastRequest(model="m")
    forecast.series.add().covariates.add(name="Jane Doe")
    decide = decision_pb2.DecideRequest(model="m")
    decide.constraints.add(name="Jane Doe").bounds.name = "price"
    infer = inference_pb2.ModelInferRequest(model_name="m")
    infer.inputs.add(name="price", datatype="FP32")
    shown = [json.dumps(redacted(one, numbers=True)) for one in (detect, forecast, decide, infer)]
    assert not any("Doe" in one for one in shown)
    assert all('"m"' in one for one in shown)
    assert all('"price"' in one for one in shown[2:])
    assert "FP32" in shown[3]


def test_so_many_requests_are_sampled_as_the_share_says() -> None:
    """And decoded either way."""
    writer = Listening()
    draws = iter([0.05, 0.5, 0.09])
    log = PayloadLog(writer, 0.1, numbers=False, draw=lambda: next(draws))
    log.learn([scoring_pb2.DESCRIPTOR])
    seen: list[bytes] = []
    decode = log.sampled(SCORE, lambda payload, *_: seen.append(payload))
    good = scoring_pb2.ScoreRequest(model="churn").SerializeToString()
    for payload in (good, good, b"\xff"):
        decode(payload, 0.0, None, None)
    assert seen == [good, good, b"\xff"]
    assert [record["request"] for record in writer.records] == [{"model": "churn"}, "malformed"]
