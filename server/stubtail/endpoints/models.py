"""ModelService: what is served, in which state, and what each model's features mean."""

import json

from stubtail.endpoints.catalog import Catalog
from stubtail.endpoints.method import Unary, parse
from stubtail.errors import invalid_field
from stubtail.models.features import Feature
from stubtail.models.outputs import NamedOutput
from stubtail.models.repository import ModelState, VersionStatus
from stubtail.models.signature import TensorSpec
from stubtail.v1 import models_pb2

SERVICE = "/stubtail.v1.ModelService/"
STATES = {
    ModelState.LOADING: models_pb2.MODEL_STATE_LOADING,
    ModelState.READY: models_pb2.MODEL_STATE_READY,
    ModelState.FAILED: models_pb2.MODEL_STATE_FAILED,
    ModelState.UNLOADED: models_pb2.MODEL_STATE_UNLOADED,
}
FEATURE_TYPES = {
    "number": models_pb2.FEATURE_TYPE_NUMBER,
    "category": models_pb2.FEATURE_TYPE_CATEGORY,
}
OUTSIDE_RULES = {
    "allow": models_pb2.OUTSIDE_RULE_ALLOW,
    "refuse": models_pb2.OUTSIDE_RULE_REFUSE,
    "clip": models_pb2.OUTSIDE_RULE_CLIP,
}


class Models:
    """Answers from the repository."""

    def __init__(self, repository: Catalog) -> None:
        self._repository = repository

    def methods(self) -> list[Unary]:
        """ListModels and GetModel."""
        return [
            Unary(SERVICE + "ListModels", self.list_models),
            Unary(SERVICE + "GetModel", self.get_model),
        ]

    async def list_models(self, payload: bytes) -> bytes:
        """Every version that is known."""
        parse(models_pb2.ListModelsRequest, payload)
        summaries = [_summary(status) for status in self._repository.index()]
        return models_pb2.ListModelsResponse(models=summaries).SerializeToString()

    async def get_model(self, payload: bytes) -> bytes:
        """One version with its signature and features; raises CallError."""
        request = parse(models_pb2.GetModelRequest, payload)
        if not request.model:
            raise invalid_field("model", "must name a model")
        model = self._repository.resolve(request.model)
        status = next(s for s in self._repository.index() if s.model is model)
        manifest = model.manifest
        output = manifest.output if manifest else None
        return models_pb2.GetModelResponse(
            summary=_summary(status),
            inputs=[_tensor(spec) for spec in model.signature.inputs],
            outputs=[_tensor(spec) for spec in model.signature.outputs],
            features=[_feature(feature) for feature in manifest.features] if manifest else [],
            classes=output.classes if output else [],
            threshold=(output.threshold or 0.0) if output else 0.0,
            sha256=model.sha256,
            manifest_json=json.dumps(manifest.document) if manifest else "",
            run_fixed_us=model.run_fixed_s * 1e6,
            run_per_row_us=model.run_per_row_s * 1e6,
            scored_outputs=[_scored(one) for one in manifest.outputs] if manifest else [],
            explained_by=[name for name, _ in manifest.explanation.groups]
            if manifest and manifest.explanation
            else [],
        ).SerializeToString()


def _summary(status: VersionStatus) -> models_pb2.ModelSummary:
    manifest = status.model.manifest if status.model else None
    return models_pb2.ModelSummary(
        name=status.name,
        version=status.version,
        state=STATES[status.state],
        reason=status.reason,
        live=status.live,
        kind=manifest.kind if manifest else "",
        description=manifest.description if manifest else "",
    )


def _tensor(spec: TensorSpec) -> models_pb2.TensorSpec:
    return models_pb2.TensorSpec(name=spec.name, datatype=spec.datatype, shape=spec.shape)


def _feature(feature: Feature) -> models_pb2.Feature:
    return models_pb2.Feature(
        name=feature.name,
        type=FEATURE_TYPES[feature.type],
        categories=feature.categories,
        optional=feature.missing != "refuse",
        minimum=feature.minimum,
        maximum=feature.maximum,
        description=feature.description,
        outside=OUTSIDE_RULES[feature.outside],
    )


def _scored(output: NamedOutput) -> models_pb2.ScoredOutput:
    levels, interval = output.levels, output.interval
    return models_pb2.ScoredOutput(
        name=output.name,
        meaning=output.meaning,
        unit=output.unit,
        levels=levels.names if levels else (),
        level_thresholds=levels.thresholds if levels else (),
        coverages=interval.coverages if interval else (),
    )
