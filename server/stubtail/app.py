"""The composition root: builds every part of one worker, starts them in order, ends in reverse."""

import asyncio
import gc
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from stubtail.config import Settings
from stubtail.endpoints import decide, oip_infer, scoring
from stubtail.endpoints.health import HealthEndpoint, HealthStatuses
from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.llm_part import LlmPart
from stubtail.endpoints.method import Immediate
from stubtail.endpoints.models import Models
from stubtail.endpoints.oip_admin import OipAdmin
from stubtail.endpoints.oip_stream import StreamInfer
from stubtail.endpoints.part import Part
from stubtail.endpoints.reflection import ReflectionEndpoint
from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError, draining
from stubtail.lane.job import Job
from stubtail.lane.lane import Lane
from stubtail.lane.scheduler import Scheduler
from stubtail.logs import Logs
from stubtail.metrics import ModelInfo, Recorder
from stubtail.metrics.collector import build_registry
from stubtail.models.repository import Repository
from stubtail.monitoring.http import Monitoring
from stubtail.monitoring.pages import server_pages
from stubtail.oip import inference_pb2
from stubtail.options import (
    batch_limits,
    deadlines,
    grpcio_options,
    native_options,
    policy,
    repository_options,
    transport_of,
)
from stubtail.standard import health_pb2
from stubtail.supervisor.control import Control
from stubtail.transport.grpcio import GrpcioTransport, Method
from stubtail.transport.loop_lane import LoopLane
from stubtail.v1 import decision_pb2, models_pb2, scoring_pb2

log = logging.getLogger("stubtail")

SERVICES = (
    "stubtail.v1.ScoringService",
    "stubtail.v1.DecisionService",
    "stubtail.v1.ModelService",
    "inference.GRPCInferenceService",
)
TICK_S = 0.05  # how often the loop measures its lag and expires waiting jobs
SILENCE_MAX_S = 15.0  # a lane or loop that is silent for so long counts as dead
DRAIN_POLL_S = 0.005
# Replies leave on the front's own threads, and its `close` drops what it has not sent: of 30 runs
# 30 lost some without a wait, 11 with 1 ms, none with 5 ms (64 replies, two cores).
FLUSH_S = 0.1
STREAMS_END_S = 1.0  # sending the last status takes a turn of the loop
SWITCH_INTERVAL_S = 0.00005  # how long a thread may keep the lane from the GIL; usually 5 ms
# Answered calls leave no cycles, refused ones on grpcio a small one; full collections are pauses.
GC_THRESHOLDS = (50_000, 20, 20)


class App:
    """One worker: everything between the socket and the models.

    Args:
        settings: all settings.
        control: whoever started this worker.
        logs: the logs of this process; counts the lines that it dropped.
    """

    def __init__(self, settings: Settings, control: Control, logs: Logs) -> None:
        self._settings = settings
        self._logs = logs
        self._control = control
        clock = time.monotonic
        self._clock = clock
        self.recorder = Recorder(settings.limits.metric_series_max, clock)
        self.repository = Repository(
            Path(settings.models.directory), options=repository_options(settings)
        )
        self.lane = Lane(Scheduler(policy(settings)), self.recorder, clock)
        self.loop_lane = LoopLane(self.lane)
        self.statuses = HealthStatuses()
        self.served = ServedModels(self.repository, batch_limits(settings))
        waits = deadlines(settings)
        self._score = LaneMethod(scoring.PATH, scoring.ScoreReader(self.served), self.served, waits)
        self._infer = LaneMethod(
            oip_infer.PATH, oip_infer.InferReader(self.served), self.served, waits
        )
        self._decide = LaneMethod(decide.PATH, decide.DecideReader(self.served), self.served, waits)
        self._llm = LlmPart(settings, clock)
        self._parts: list[Part] = [self._llm]  # one family of RPCs each
        self._lane_methods = [
            *(self._score, self._infer, self._decide),
            *(method for part in self._parts for method in part.lane_methods()),
        ]
        self._methods = self._build_methods()
        self._grpcio = GrpcioTransport(
            grpcio_options(settings, reuse_port=control.shares_port),
            self.loop_lane,
            self._lane_methods,
            self._methods,
            self._note_refusal,
            clock,
        )
        self._native: Any = None
        self._socket_folder: Path | None = None
        self._monitoring: Monitoring | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._refusing = False
        self.address = ""

    async def start(self) -> None:
        """Loads the models, then opens the ports.

        Raises:
            OSError: a port cannot be bound.
        """
        self.recorder.queue_jobs = lambda: self.lane.waiting_jobs
        self.repository.subscribe(self._models_changed)
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
        self._monitoring = Monitoring(
            server_pages(
                build_registry(self.recorder, lambda: self._logs.dropped, self._llm.numbers),
                self._dead,
                self._unready,
            ),
            self._control.http_address,
        )
        self._monitoring.start()
        self._ticker = asyncio.create_task(self._tick())
        offered = (service for part in self._parts for service in part.services)
        for service in ("", *SERVICES, *offered):
            self.statuses.set(service, serving=True)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self._control.ready(self.address, self._monitoring.address)

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
        self._refusing = True
        end_s = self._clock() + settings.grace_ms / 1e3
        # Sleeps first: a call that was taken a moment ago may not count as in flight yet.
        await asyncio.sleep(DRAIN_POLL_S)
        while self._in_flight and self._clock() < end_s:  # noqa: ASYNC110 - an event costs each call
            await asyncio.sleep(DRAIN_POLL_S)
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
        await self.repository.aclose()
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    @property
    def _in_flight(self) -> int:
        native = self._native.in_flight if self._native is not None else 0
        parts = sum(part.in_flight for part in self._parts)
        return int(native) + self.loop_lane.in_flight + parts

    def _build_methods(self) -> list[Method]:
        limits = self._settings.limits
        admin = OipAdmin(
            self.repository, self.recorder, lambda: not self._unready(), limits.batch_rows_max
        )
        stream = StreamInfer(self._infer, self._submit, self._clock)
        descriptors = [
            scoring_pb2.DESCRIPTOR,
            decision_pb2.DESCRIPTOR,
            models_pb2.DESCRIPTOR,
            inference_pb2.DESCRIPTOR,
            health_pb2.DESCRIPTOR,
            *(file for part in self._parts for file in part.descriptors),
        ]
        return [
            *(method for part in self._parts for method in part.methods()),
            *HealthEndpoint(self.statuses).methods(),
            *Models(self.repository).methods(),
            *admin.methods(),
            *stream.methods(),
            *ReflectionEndpoint(descriptors).methods(),
        ]

    async def _start_native(self) -> int:
        # Imported here, because it is optional: without it grpcio serves everything.
        from stubtail.transport.native import NativeTransport  # noqa: PLC0415

        settings = self._settings
        self._socket_folder = Path(tempfile.mkdtemp(prefix="stubtail-"))
        fallback = str(self._socket_folder / "grpcio.sock")
        self._grpcio.bind(f"unix:{fallback}")
        await self._grpcio.start()
        self._native = NativeTransport(
            native_options(settings, reuse_port=self._control.shares_port),
            self.lane,
            self._lane_methods,
            [method for method in self._methods if isinstance(method, Immediate)],
            fallback,
            self._note_refusal,
            self._clock,
        )
        return int(self._native.start())

    async def _submit(self, job: Job) -> bytes | CallError:
        if self._refusing:
            return draining()  # or a stream that goes on asking would hold up the shutdown
        answer = await self.loop_lane.call(job)
        if answer.payload is None:
            assert answer.error is not None
            return answer.error
        return answer.payload

    def _models_changed(self) -> None:
        self.served.update()
        for part in self._parts:
            part.models_changed()
        index = self.repository.index()
        live = {status.name: False for status in index}
        live.update({name: True for name in self.repository.routes if "@" not in name})
        self.statuses.set_models(live)
        self.recorder.models = [ModelInfo.of(status) for status in index]

    def _note_refusal(self, path: str, error: CallError, seconds: float) -> None:
        """A call that never became a job: its model is not known, so its method stands for it."""
        self.recorder.record_refusal(path, "", 2, int(error.code), seconds, error.reason)

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
            self._control.heartbeat("loop")
            if self._native is not None and self._clock() - self._native.beat_s < 1.0:
                self._control.heartbeat("lane")
