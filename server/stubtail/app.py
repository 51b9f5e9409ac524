"""The composition root: builds every part of one worker, starts them in order, ends in reverse."""

import asyncio
import logging
import random
import sys
import time
from pathlib import Path
from typing import Any

from stubtail.access.part import AccessPart
from stubtail.audit.part import AuditPart
from stubtail.config import Settings
from stubtail.endpoints.anomaly_part import AnomalyPart
from stubtail.endpoints.forecast_part import ForecastPart
from stubtail.endpoints.health import HealthEndpoint, HealthStatuses
from stubtail.endpoints.llm_part import LlmPart
from stubtail.endpoints.method import Immediate
from stubtail.endpoints.model_part import ModelPart
from stubtail.endpoints.part import Part
from stubtail.endpoints.reflection import ReflectionEndpoint
from stubtail.endpoints.served import ServedModels
from stubtail.endpoints.visible import VisibleModels, VisibleRepository
from stubtail.errors import CallError
from stubtail.http_port import http_port
from stubtail.lane.lane import Lane
from stubtail.lane.model_breakers import ModelBreakers
from stubtail.lane.priority import NORMAL
from stubtail.lane.scheduler import Scheduler
from stubtail.logs import Logs
from stubtail.memory import settle_memory
from stubtail.metrics import ModelInfo, Recorder
from stubtail.metrics.collector import build_registry
from stubtail.model_health import ModelHealth
from stubtail.models.loader import Loader
from stubtail.models.repository import Repository
from stubtail.models.verifier import Verifier
from stubtail.monitoring.http import Monitoring
from stubtail.monitoring.pages import server_pages
from stubtail.options import (
    batch_limits,
    deadlines,
    grpcio_options,
    model_breakers,
    native_options,
    policy,
    repository_options,
    transport_of,
)
from stubtail.runtime_folder import RuntimeFolder
from stubtail.standard import health_pb2
from stubtail.supervisor.control import Control, shared_folder
from stubtail.telemetry.part import TracingPart
from stubtail.transport.direct import directs
from stubtail.transport.grpcio import GrpcioTransport, Method
from stubtail.transport.loop_lane import LoopLane

log = logging.getLogger("stubtail")

TICK_S = 0.05  # how often the loop measures its lag and expires waiting jobs
SILENCE_MAX_S = 15.0  # a lane or loop that is silent for so long counts as dead
DRAIN_POLL_S = 0.005
# Replies leave on the front's own threads, and its `close` drops what it has not sent: of 30 runs
# 30 lost some without a wait, 11 with 1 ms, none with 5 ms (64 replies, two cores).
FLUSH_S = 0.1
STREAMS_END_S = 1.0  # sending the last status takes a turn of the loop
SWITCH_INTERVAL_S = 0.00005  # how long a thread may keep the lane from the GIL; usually 5 ms


class App:
    """One worker: everything between the socket and the models.

    Args:
        settings: all settings.
        control: whoever started this worker.
        logs: the logs of this process; counts the lines that it dropped.
        verifier: checks models in another process; None checks them in this one.
    """

    def __init__(
        self, settings: Settings, control: Control, logs: Logs, verifier: Verifier | None
    ) -> None:
        self._settings = settings
        self._logs = logs
        self._control = control
        clock = time.monotonic
        self._clock = clock
        self.recorder = Recorder(settings.limits.metric_series_max, clock)
        self._loader = Loader(verifier)
        self.repository = Repository(
            Path(settings.models.directory),
            options=repository_options(settings),
            load=self._loader.load,
        )
        # Not for secrets: it spreads probes.
        self.breakers = ModelBreakers(model_breakers(settings), clock, random.random)
        self.lane = Lane(Scheduler(policy(settings)), self.recorder, clock, self.breakers)
        self._health = ModelHealth(self.repository, self.breakers)
        self.loop_lane = LoopLane(self.lane)
        self.statuses = HealthStatuses()
        self._access = AccessPart(settings.access, clock, shared_folder(control))
        self.guard = self._access.guard
        self.audit = AuditPart(settings.audit, control.worker, clock)
        kind = VisibleModels if self.guard else ServedModels
        self.served = kind(self.repository, batch_limits(settings))
        waits = deadlines(settings)
        self._tracing = TracingPart(settings.tracing)
        self._llm = LlmPart(settings, clock, self._tracing.traces)
        # With access rules, what an endpoint tells depends on who asks.
        models = VisibleRepository(self.repository) if self.guard else self.repository
        rows_max = settings.limits.batch_rows_max
        self._parts: list[Part] = [  # families of RPCs
            ModelPart(
                *(self.served, models, waits, rows_max, self.recorder, self.loop_lane.run),
                *(lambda: not self._unready(), clock),
            ),
            self._tracing,
            self._llm,
            ForecastPart(settings, self.served, waits, clock),
            AnomalyPart(settings, self.served, waits, clock),
        ]
        self._lane_methods = [one for part in self._parts for one in part.lane_methods()]
        self._methods = self._build_methods()
        self._grpcio = GrpcioTransport(
            grpcio_options(settings, reuse_port=control.shares_port),
            self.loop_lane,
            self._lane_methods,
            self._methods,
            self._note_refusal,
            clock,
            self.guard,
        )
        self._grpcio.traces = self._tracing.traces
        self._native: Any = None
        self._sockets: RuntimeFolder | None = None
        self._monitoring: Monitoring | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.address = ""

    async def start(self) -> None:
        """Loads the models, then opens the ports.

        Raises:
            OSError: a port cannot be bound.
        """
        self.recorder.queue_jobs = lambda: self.lane.waiting_jobs
        self.repository.subscribe(self._models_changed)
        self.audit.start(self.guard)
        await asyncio.to_thread(self._access.start)
        self._loader.start()
        for part in self._parts:
            await part.start()
        await self.repository.start()
        self._models_changed()
        self.lane.start()
        self.loop_lane.start()
        host, port = self._settings.server.host, self._settings.server.port
        shown = f"[{host}]" if ":" in host else host
        if transport_of(self._settings) == "native":
            port = await self._start_native()
        else:
            port = self._grpcio.bind(f"{shown}:{port}")
            await self._grpcio.start()
        self.address = f"{shown}:{port}"
        numbers = (self._llm.numbers, self.breakers.states, self._llm.call_numbers)
        registry = build_registry(self.recorder, lambda: self._logs.dropped, *numbers)
        for part in self._parts:
            part.register(registry)
        pages = server_pages(registry, self._dead, self._unready)
        address = self._control.http_address
        self._monitoring = http_port(self._settings, pages, address, self.guard)
        self._monitoring.start()
        self._ticker = asyncio.create_task(self._tick())
        offered = (service for part in self._parts for service in part.services)
        for service in ("", *offered):
            self.statuses.set(service, serving=True)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        settle_memory()
        self._control.ready(self.address, self._monitoring.address)

    def stop_checks(self) -> None:
        """Ends the check of a model at once, so that a start which waits for it can be given up."""
        self._loader.close()

    async def drain(self) -> None:
        """Says NOT_SERVING, waits, refuses new calls, and lets accepted ones finish."""
        settings = self._settings.drain
        log.info("draining", extra={"grace_ms": settings.grace_ms})
        self.statuses.drain()
        await asyncio.sleep(settings.delay_ms / 1e3)
        if self._native is not None:
            self._native.refuse()
        self._grpcio.refuse()
        for part in self._parts:
            part.refuse()
        end_s = self._clock() + settings.grace_ms / 1e3
        # Sleeps first: a call that was taken a moment ago may not count as in flight yet.
        await asyncio.sleep(DRAIN_POLL_S)
        while self._in_flight and self._clock() < end_s:  # noqa: ASYNC110 - an event costs each call
            await asyncio.sleep(DRAIN_POLL_S)
        if self._native is not None:
            await self._native.calls.end(STREAMS_END_S)
        await self._grpcio.end_streams(STREAMS_END_S)

    async def aclose(self) -> None:
        """Ends everything in the reverse order of `start`; what still waits is answered."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        await asyncio.to_thread(self.lane.close)
        if self.address:
            await asyncio.sleep(FLUSH_S)
        if self._native is not None:
            await asyncio.to_thread(self._native.close)
        await self._grpcio.aclose(grace_s=0.2)
        for part in reversed(self._parts):
            await part.aclose()
        if self._monitoring is not None:
            self._monitoring.close()
        self._access.close()
        await asyncio.to_thread(self.audit.close)
        self._loader.close()  # or a check in progress would hold up the end
        await self.repository.aclose()
        if self._sockets is not None:
            self._sockets.remove()

    @property
    def _in_flight(self) -> int:
        native = self._native.in_flight if self._native is not None else 0
        return sum((part.in_flight for part in self._parts), int(native) + self.loop_lane.in_flight)

    def _build_methods(self) -> list[Method]:
        descriptors = [file for part in self._parts for file in part.descriptors]
        descriptors.append(health_pb2.DESCRIPTOR)
        self.audit.watch(self._lane_methods, descriptors)
        return [
            *(method for part in self._parts for method in part.methods()),
            *HealthEndpoint(self.statuses).methods(),
            *(ReflectionEndpoint(descriptors).methods() if self._access.reflects else ()),
        ]

    async def _start_native(self) -> int:
        # Imported here, because it is optional: without it grpcio serves everything.
        kind = self._tracing.native_kind()
        settings = self._settings
        self._sockets = RuntimeFolder()
        fallback = str(self._sockets.path / "grpcio.sock")
        self._grpcio.bind(f"unix:{fallback}")
        await self._grpcio.start()
        self._native = kind(
            native_options(settings, reuse_port=self._control.shares_port),
            self.lane,
            self._lane_methods,
            [method for method in self._methods if isinstance(method, Immediate)],
            directs(self._methods, self.guard),
            fallback,
            self._note_refusal,
            self._clock,
            self.guard,
        )
        return int(self._native.start())

    def _models_changed(self) -> None:
        self.served.update()
        for part in self._parts:
            part.models_changed()
        index = self.repository.index()
        # Health is open to everybody, so it tells nothing of models that are not.
        self.statuses.set_models(self._access.shared(self._health.live()))
        self.recorder.models = [ModelInfo.of(status) for status in index]

    def _note_refusal(self, path: str, error: CallError, seconds: float) -> None:
        """A call that never became a job: its model is not known, so its method stands for it."""
        self.recorder.record_refusal(path, "", NORMAL, int(error.code), seconds, error.reason)

    def _unready(self) -> str:
        if self.statuses.draining:
            return "draining"
        return "" if self.statuses.status("") else "starting"

    def _dead(self) -> str:
        silent_s = self._clock() - self._native.beat_s if self._native is not None else 0.0
        silent_s = max(silent_s, self._control.silence_s())
        return f"silent for {silent_s:.1f} s" if silent_s > SILENCE_MAX_S else ""

    async def _tick(self) -> None:
        while True:
            due_s = self._clock() + TICK_S
            await asyncio.sleep(TICK_S)
            self.recorder.record_loop_lag(self._clock() - due_s)
            self.lane.expire()
            if self._health.changed():
                self._models_changed()
            self._control.heartbeat("loop")
            if self._native is not None and self._clock() - self._native.beat_s < 1.0:
                self._control.heartbeat("lane")
