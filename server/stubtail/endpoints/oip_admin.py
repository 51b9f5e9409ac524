"""The Open Inference Protocol besides inference: liveness, metadata, statistics, the repository."""

from collections.abc import Callable
from importlib.metadata import version as package_version
from typing import Any

from stubtail.access.identity import current_permit
from stubtail.access.refusals import shared_statistics
from stubtail.endpoints.catalog import Catalog
from stubtail.endpoints.method import Immediate, Unary, parse
from stubtail.endpoints.oip_describe import model_config, model_metadata, model_statistics
from stubtail.errors import invalid_field
from stubtail.metrics import Recorder
from stubtail.models.repository import ModelState
from stubtail.models.session import LoadedModel
from stubtail.models.status import ref_name
from stubtail.oip import inference_pb2

SERVICE = "/inference.GRPCInferenceService/"
EXTENSIONS = (
    "model_repository",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
    "schedule_policy",
)
# Triton's words for the states of a version.
STATES = {
    ModelState.READY: "READY",
    ModelState.LOADING: "LOADING",
    ModelState.FAILED: "UNAVAILABLE",
    ModelState.UNLOADED: "UNAVAILABLE",
}


class OipAdmin:
    """Answers from the repository and the recorder.

    Args:
        repository: the models.
        recorder: their statistics.
        ready: whether the server takes calls: loaded, and not draining.
        batch_rows_max: told to clients as the largest batch.
    """

    def __init__(
        self,
        repository: Catalog,
        recorder: Recorder,
        ready: Callable[[], bool],
        batch_rows_max: int,
    ) -> None:
        self._repository = repository
        self._recorder = recorder
        self._ready = ready
        self._batch_rows_max = batch_rows_max

    def methods(self) -> list[Immediate | Unary]:
        """All methods of the service that are not inference; only probes may hold the lane."""
        probes = {
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
            "ModelReady": self.model_ready,
        }
        others = {
            "ServerMetadata": self.server_metadata,
            "ModelMetadata": self.model_metadata,
            "ModelConfig": self.model_config,
            "ModelStatistics": self.model_statistics,
            "RepositoryIndex": self.repository_index,
            "RepositoryModelLoad": self.load,
            "RepositoryModelUnload": self.unload,
        }
        return [
            *(Immediate(SERVICE + name, handle) for name, handle in probes.items()),
            *(Unary(SERVICE + name, handle) for name, handle in others.items()),
        ]

    def server_live(self, payload: bytes) -> bytes:
        """Always live: a process that answers is alive."""
        parse(inference_pb2.ServerLiveRequest, payload)
        return inference_pb2.ServerLiveResponse(live=True).SerializeToString()

    def server_ready(self, payload: bytes) -> bytes:
        """Whether calls are taken; false again while draining."""
        parse(inference_pb2.ServerReadyRequest, payload)
        return inference_pb2.ServerReadyResponse(ready=self._ready()).SerializeToString()

    def model_ready(self, payload: bytes) -> bytes:
        """Whether the model can answer; false, not an error, for a name that is unknown."""
        request = parse(inference_pb2.ModelReadyRequest, payload)
        ready = _reference(request) in self._repository.routes
        return inference_pb2.ModelReadyResponse(ready=ready and self._ready()).SerializeToString()

    async def server_metadata(self, payload: bytes) -> bytes:
        """Name, version and the extensions that are really there."""
        parse(inference_pb2.ServerMetadataRequest, payload)
        return inference_pb2.ServerMetadataResponse(
            name="stubtail", version=package_version("stubtail"), extensions=EXTENSIONS
        ).SerializeToString()

    async def model_metadata(self, payload: bytes) -> bytes:
        """Inputs and outputs, shapes with the batch dimension."""
        request = parse(inference_pb2.ModelMetadataRequest, payload)
        model, name = self._model(request), ref_name(request.name)
        versions = [
            status.version
            for status in self._repository.index()
            if status.name == name and status.state is ModelState.READY
        ]
        return model_metadata(model, versions).SerializeToString()

    async def model_config(self, payload: bytes) -> bytes:
        """The configuration in Triton's form; perf_analyzer insists on it."""
        model = self._model(parse(inference_pb2.ModelConfigRequest, payload))
        return model_config(model, self._batch_rows_max).SerializeToString()

    async def model_statistics(self, payload: bytes) -> bytes:
        """Cumulative counts and times, of one model or of all that are the caller's to know.

        With tenants, what all share is counted for all of them together: that is the operator's.
        """
        request = parse(inference_pb2.ModelStatisticsRequest, payload)
        rules = current_permit().rules
        if request.name:
            models = [(ref_name(request.name), self._model(request))]
            if not rules(models[0][1].key):
                raise shared_statistics(request.name)
        else:
            loaded = [(s.name, s.model) for s in self._repository.index() if s.model is not None]
            models = [(name, model) for name, model in loaded if rules(model.key)]
        response = inference_pb2.ModelStatisticsResponse(
            model_stats=[
                model_statistics(name, model, self._recorder.snapshot(model.key, model.version))
                for name, model in models
            ]
        )
        return response.SerializeToString()

    async def repository_index(self, payload: bytes) -> bytes:
        """Every version that is known; only those that answer when `ready` is set."""
        request = parse(inference_pb2.RepositoryIndexRequest, payload)
        entries = [
            inference_pb2.RepositoryIndexResponse.ModelIndex(
                name=status.name,
                version=status.version,
                state=STATES[status.state],
                reason=status.reason,
            )
            for status in self._repository.index()
            if not request.ready or status.state is ModelState.READY
        ]
        return inference_pb2.RepositoryIndexResponse(models=entries).SerializeToString()

    async def load(self, payload: bytes) -> bytes:
        """Loads a model, or loads it again; parameters that would bring files are refused."""
        request = parse(inference_pb2.RepositoryModelLoadRequest, payload)
        name = _model_name(request)
        if request.parameters:
            raise invalid_field("parameters", "are not taken: models come from the folder alone")
        await self._repository.load(name)
        return inference_pb2.RepositoryModelLoadResponse(
            model_name=name, is_loaded=True
        ).SerializeToString()

    async def unload(self, payload: bytes) -> bytes:
        """Unloads a model until it is loaded by call again."""
        request = parse(inference_pb2.RepositoryModelUnloadRequest, payload)
        name = _model_name(request)
        await self._repository.unload(name)
        return inference_pb2.RepositoryModelUnloadResponse(
            model_name=name, is_unloaded=True
        ).SerializeToString()

    def _model(self, request: Any) -> LoadedModel:
        if not request.name:
            raise invalid_field("name", "must name a model")
        return self._repository.resolve(_reference(request))


def _reference(request: Any) -> str:
    return f"{request.name}@{request.version}" if request.version else str(request.name)


def _model_name(request: Any) -> str:
    """KServe puts the model's name into field 1, where Triton has the repository's name."""
    name = request.model_name or request.repository_name
    if not name:
        raise invalid_field("model_name", "must name a model")
    return str(name)
