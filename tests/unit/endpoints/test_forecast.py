"""What a caller of Forecast is told where nothing can be run."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from stubtail.access.identity import CALL, Identity, Permit, Realm
from stubtail.access.scopes import Grants, parse_scope
from stubtail.access.tenants import Tenancy, TenantRules
from stubtail.endpoints import forecast
from stubtail.endpoints.forecast import ForecastLimits, ForecastReader
from stubtail.endpoints.forecast_graphs import served_graphs
from stubtail.endpoints.forecast_queues import ForecastQueues
from stubtail.endpoints.forecast_run import ForecastRunner
from stubtail.endpoints.forecast_series import Placed
from stubtail.endpoints.visible import VisibleModels
from stubtail.errors import CallError, Code
from stubtail.forecasting.crew import Crew
from stubtail.forecasting.task import AUTO, ZERO_SHOT, Task
from stubtail.lane.batch_run import RunError
from stubtail.lane.job import Job
from stubtail.models.keys import model_key
from stubtail.models.repository import Repository
from stubtail.v1 import forecasting_pb2
from tests.unit.endpoints import loaded
from tests.unit.endpoints.loaded import LIMITS, Shelf, manifest


@pytest.fixture
def closed() -> Crew:
    """A crew that gets no process any more."""
    crew = Crew(1, 0, time.monotonic)
    crew.close()
    return crew


@pytest.mark.parametrize("model", ["ets", "theta"])
def test_without_the_extra_its_models_are_refused(
    model: str, closed: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of the extra, before anything waits."""
    monkeypatch.setattr(forecast, "find_spec", lambda _: None)
    limits = ForecastLimits(8, 1000, 100)
    reader = ForecastReader(cast("Any", None), ForecastQueues(closed), limits)
    request = forecasting_pb2.ForecastRequest(horizon=3, model=model, series=[{"values": [1.0]}])
    with pytest.raises(CallError, match=r"stubtail\[forecasting\]") as caught:
        reader.read(request.SerializeToString())
    assert caught.value.code is Code.FAILED_PRECONDITION


def test_a_near_deadline_is_no_reason_to_refuse_auto(closed: Crew) -> None:
    """It does what fits: it is admitted by what it takes at least, not by what it takes."""
    queues = ForecastQueues(closed)
    for _ in range(50):
        for model in (AUTO, ZERO_SHOT):
            queues.queue(model, None, 2000, 48).latency.observe(1, 0.08)
    assert queues.queue(ZERO_SHOT, None, 2000, 48).latency.predict_s(1) > 0.06
    assert 0.015 < queues.queue(AUTO, None, 2000, 48).latency.predict_s(1) < 0.03


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_run_without_an_answer_says_why(closed: Crew, *, cancelled: bool) -> None:
    """No time is the caller's to give, and a caller that has gone is no late one."""
    queue = ForecastQueues(closed).queue(ZERO_SHOT, None, 100, 24)
    assert queue.apart  # its runs wait for processes: the pool is for those that compute
    job = Job(queue, 1, None, 100, 2, cast("Any", None))
    job.cancelled = cancelled
    task = Task(np.ones(20), 3, np.array([0.5]), ZERO_SHOT, deadline_s=time.monotonic() + 100)
    with pytest.raises(RunError) as caught:
        ForecastRunner(ZERO_SHOT, "1", closed).run((job, [Placed(task, None)]))
    expected = Code.CANCELLED if cancelled else Code.DEADLINE_EXCEEDED
    assert caught.value.error.code is expected


def graphs_of(shelf: Shelf, tenant: str, *scopes: str) -> list[tuple[str, str]]:
    """The graphs that `auto` uses for a caller of a tenant: whose they are, and their names."""
    tenancy = Tenancy({"acme": TenantRules(models=["zero-*"])})
    models = VisibleModels(cast("Repository", shelf), LIMITS)
    models.update()

    def sees(key: str) -> bool:
        return tenancy.owner(key) in {"", tenant}

    grants = Grants(map(parse_scope, scopes or ("stubtail:predict",)))
    realm = Realm(tenant, grants, sees, sees)
    token = CALL.set(Permit(Identity("key:web", tenant, realm, None), "predict"))
    try:
        found = served_graphs(models)
    finally:
        CALL.reset(token)
    return [(graph.path.partition("/")[0], name) for name, graph in found.items()]


def test_auto_leaves_out_what_is_another_tenants() -> None:
    """It answers as if that were not there, and uses the tenant's own before a shared one."""
    about = replace(manifest([]), kind="forecasting")
    shelf = Shelf()
    for owner, name in (("", "zero-shot"), ("", "global-trees"), ("gold", "global-trees")):
        one = loaded.model(name, [], [], about=about)
        one = replace(one, tenant=owner, path=Path(owner or "shared") / "model.onnx")
        shelf.routes[model_key(owner, name)] = one
    shelf.known = dict.fromkeys(shelf.routes, ())  # type: ignore[attr-defined]  # as a repository
    assert graphs_of(shelf, "acme") == [("shared", "zero-shot"), ("shared", "global-trees")]
    assert graphs_of(shelf, "iron") == [("shared", "global-trees")]
    assert graphs_of(shelf, "gold") == [("gold", "global-trees")]
    assert graphs_of(shelf, "iron", "stubtail:predict:global*") == [("shared", "global-trees")]
    with pytest.raises(CallError, match="stubtail:predict:zero-shot"):  # which it could see
        graphs_of(shelf, "acme", "stubtail:predict:global*")
