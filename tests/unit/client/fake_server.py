"""A small gRPC server with real protobuf messages, whose faults a test can order one by one."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import numpy as np

from stubtail.errors import CallError, Code, invalid_field, not_found
from stubtail.v1 import models_pb2, scoring_pb2

FEATURES = (
    models_pb2.Feature(
        name="tenure",
        type=models_pb2.FEATURE_TYPE_NUMBER,
        minimum=0,
        maximum=72,
        description="months with the company",
    ),
    models_pb2.Feature(
        name="contract",
        type=models_pb2.FEATURE_TYPE_CATEGORY,
        categories=["Month-to-month", "One year", "Two year"],
        description="how long the customer is bound",
    ),
    models_pb2.Feature(
        name="charges", type=models_pb2.FEATURE_TYPE_NUMBER, optional=True, description="a month"
    ),
)
CLASSES = ("stay", "leave")

Fault = Callable[[grpc.ServicerContext], None]


def refuse(error: CallError) -> Fault:
    """A fault that answers as the real server answers that error."""

    def fault(context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata(error.trailing_metadata)
        codes = {status.value[0]: status for status in grpc.StatusCode}
        context.abort(codes[int(error.code)], error.message)

    return fault


class FakeServer:
    """Serves `churn` (scores are tenure / 100) and `shapes` (three classes) on a free port."""

    def __init__(self) -> None:
        self.requests: list[scoring_pb2.ScoreRequest] = []
        self.metadata: list[dict[str, Any]] = []
        self.remaining_s: list[float] = []
        self.peers: list[str] = []
        self.calls = 0
        self.faults: deque[Fault | None] = deque()
        self.version = "1"
        self.hold = threading.Event()
        self.hold.set()
        self.raw_reply: bytes | None = None
        self.raw_score: bytes | None = None
        self.port = 0
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listens; after a stop, on the same port."""
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", 8 << 20), ("grpc.so_reuseport", 0)],
        )
        self._server.add_generic_rpc_handlers(
            (
                _service("stubtail.v1.ScoringService", Score=self._score),
                _service("stubtail.v1.ModelService", ListModels=self._list, GetModel=self._get),
                _service("grpc.health.v1.Health", Check=self._check),
            )
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        """Ends all calls and the listening."""
        self.hold.set()
        if self._server is not None:
            self._server.stop(None).wait()
            self._server = None

    def _fault(self, context: grpc.ServicerContext) -> None:
        self.calls += 1
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            fault(context)

    def _score(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self.metadata.append(dict(context.invocation_metadata()))
        self.remaining_s.append(context.time_remaining())
        self.peers.append(context.peer())
        self._fault(context)
        self.hold.wait(10)
        if self.raw_reply is not None:
            return self.raw_reply
        request = scoring_pb2.ScoreRequest.FromString(message)
        self.requests.append(request)
        if self.raw_score is not None:
            return self.raw_score
        if self.metadata[-1].get("stubtail-timing") == "1":
            timing = "queue=12.5;decode=3;run=100;encode=2;batch_rows=4"
            context.set_trailing_metadata((("stubtail-timing", timing),))
        name, _, version = request.model.partition("@")
        if name not in ("churn", "shapes", "bare"):
            refuse(not_found("model", name, "MODEL_NOT_FOUND", f"there is no model {name!r}"))(
                context
            )
        scores = _scores(request, context)
        reply = scoring_pb2.ScoreResponse(model=name, version=version or self.version)
        if name == "shapes":
            reply.classes.extend(["round", "square", "flat"])
            reply.probabilities.extend([0.25, 0.5, 0.25] * len(scores))
            reply.label_indexes.extend([1] * len(scores))
        else:
            reply.scores.extend(scores)
        if name == "churn":
            reply.classes.extend(CLASSES)
            reply.label_indexes.extend([int(score >= 0.5) for score in scores])
        return reply.SerializeToString()

    def _list(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self._fault(context)
        models = [
            _summary("churn", "1", live=False),
            _summary("churn", "2", live=True),
            models_pb2.ModelSummary(
                name="broken",
                version="1",
                state=models_pb2.MODEL_STATE_FAILED,
                reason="model.onnx is truncated; export it again",
            ),
        ]
        return models_pb2.ListModelsResponse(models=models).SerializeToString()

    def _get(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self._fault(context)
        request = models_pb2.GetModelRequest.FromString(message)
        name, _, version = request.model.partition("@")
        if name not in ("churn", "shapes", "bare"):
            refuse(not_found("model", name, "MODEL_NOT_FOUND", f"there is no model {name!r}"))(
                context
            )
        spec = models_pb2.TensorSpec(name="features", datatype="FP32", shape=[-1, 3])
        reply = models_pb2.GetModelResponse(
            summary=_summary(name, version or self.version, live=True),
            inputs=[spec],
            outputs=[models_pb2.TensorSpec(name="score", datatype="FP32", shape=[-1])],
            features=FEATURES if name != "bare" else (),
            classes=CLASSES if name == "churn" else (),
            threshold=0.5 if name == "churn" else 0,
            sha256="ab" * 32,
            manifest_json='{"format": 1}' if name != "bare" else "",
            run_fixed_us=8,
            run_per_row_us=3.2,
        )
        return reply.SerializeToString()

    def _check(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self._fault(context)
        if self.raw_reply is not None:
            return self.raw_reply
        services = {b"": b"\x08\x01", b"\x0a\x05churn": b"\x08\x01", b"\x0a\x03off": b"\x08\x02"}
        if message not in services:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return services[message]


def _service(name: str, **methods: Callable[[bytes, grpc.ServicerContext], bytes]) -> Any:
    handlers = {key: grpc.unary_unary_rpc_method_handler(method) for key, method in methods.items()}
    return grpc.method_handlers_generic_handler(name, handlers)


def _summary(name: str, version: str, *, live: bool) -> models_pb2.ModelSummary:
    return models_pb2.ModelSummary(
        name=name,
        version=version,
        state=models_pb2.MODEL_STATE_READY,
        live=live,
        kind="scoring",
        description=f"what {name} computes",
    )


def _scores(request: scoring_pb2.ScoreRequest, context: grpc.ServicerContext) -> list[float]:
    """Tenure / 100, or a refusal of what is no row of the features above."""
    if request.WhichOneof("rows") == "dense":
        values = np.array(request.dense.values, np.float32)
        if values.size % len(FEATURES):
            refuse(invalid_field("dense.values", "expected rows of 3 features"))(context)
        return [float(score) for score in values.reshape(-1, len(FEATURES))[:, 0] / 100]
    columns = {column.name: column for column in request.named.columns}
    known = {feature.name for feature in FEATURES}
    for name in columns:
        if name not in known:
            refuse(invalid_field(f"columns[{name!r}]", "no such feature"))(context)
    if "tenure" not in columns:
        refuse(invalid_field("tenure", "it may not be missing"))(context)
    return [number / 100 for number in columns["tenure"].numbers]


DRAINING = CallError(Code.UNAVAILABLE, "DRAINING", "shutting down", retry_after_s=0.01)
QUEUE_FULL = CallError(
    Code.RESOURCE_EXHAUSTED,
    "QUEUE_FULL",
    "the queue of churn is full",
    metadata={"model": "churn"},
    retry_after_s=0.02,
)
NEVER_AGAIN = CallError(
    Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "too many bytes", retry_after_s=-1
)
