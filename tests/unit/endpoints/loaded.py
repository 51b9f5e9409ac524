"""Models made of numpy functions, served without files, sockets or onnxruntime."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from stubtail.endpoints.served import BatchLimits, ServedModels
from stubtail.errors import not_found
from stubtail.lane.job import Job
from stubtail.models.features import Feature
from stubtail.models.manifest import GraphInfo, Manifest
from stubtail.models.outputs import Output
from stubtail.models.repository import Repository
from stubtail.models.session import LoadedModel
from stubtail.models.signature import Signature, TensorSpec

DATATYPES = {"FP32": "f4", "FP64": "f8", "INT64": "i8", "INT8": "i1", "BOOL": "?", "BYTES": "O"}
ROWS_MAX = 100
LIMITS = BatchLimits(rows_max=ROWS_MAX, inline_run_s_max=1.0)
Arrays = Mapping[str, np.ndarray]


def spec(name: str, datatype: str, *shape: int) -> TensorSpec:
    """A tensor; -1 for a free dimension."""
    return TensorSpec(name, np.dtype(DATATYPES[datatype]), datatype, shape)


def number(name: str, **changes: Any) -> Feature:
    """A number that must be there."""
    return feature(name, type="number", **changes)


def category(name: str, *categories: str, **changes: Any) -> Feature:
    """A category that must be there and be known."""
    return feature(name, type="category", categories=categories, **changes)


def feature(name: str, **changes: Any) -> Feature:
    """A feature, with the given fields."""
    fields: dict[str, Any] = {
        "type": "number",
        "description": "",
        "categories": (),
        "missing": "refuse",
        "unknown": "refuse",
        "default": None,
        "minimum": None,
        "maximum": None,
    }
    return Feature(name=name, **(fields | changes))


def manifest(features: Sequence[Feature], output: Output | None = None) -> Manifest:
    """A manifest with these features."""
    return Manifest(
        name="m",
        version="1",
        kind="scoring",
        description="",
        graph=GraphInfo(file="model.onnx", sha256="", bytes=0, opset=17),
        features=tuple(features),
        output=output,
        document={},
    )


def echo(feeds: Arrays) -> list[np.ndarray]:
    """Every input as an output."""
    return list(feeds.values())


def model(
    name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    run: Callable[[Arrays], list[np.ndarray]] = echo,
    *,
    batchable: bool = True,
    about: Manifest | None = None,
) -> LoadedModel:
    """A version 1 that runs a function."""
    return LoadedModel(
        name=name,
        version="1",
        sha256="",
        path=Path("model.onnx"),
        signature=Signature(tuple(inputs), tuple(outputs), batchable),
        manifest=about,
        run_fixed_s=1e-5,
        run_per_row_s=1e-6,
        load_s=0.0,
        notes=(),
        run=cast("Any", run),
    )


class Shelf:
    """What ServedModels needs of a repository."""

    def __init__(self, *models: LoadedModel) -> None:
        self.routes: dict[str, LoadedModel] = {}
        self.put(*models)

    def put(self, *models: LoadedModel) -> None:
        """Makes these the models that are served."""
        self.routes = {m.name: m for m in models} | {f"{m.name}@{m.version}": m for m in models}

    def resolve(self, reference: str) -> LoadedModel:
        """The model, or NOT_FOUND."""
        if reference not in self.routes:
            raise not_found("model", reference, "MODEL_NOT_FOUND", f"no {reference}")
        return self.routes[reference]


def served(*models: LoadedModel, limits: BatchLimits = LIMITS) -> ServedModels:
    """The models as calls find them."""
    found = ServedModels(cast("Repository", Shelf(*models)), limits)
    found.update()
    return found


def run_job(job: Job) -> bytes:
    """The reply of a job that is alone in its batch."""
    runner = job.queue.model
    prepared = job.encoder.prepare(runner.run(runner.assemble([job])))
    return job.encoder.encode(prepared, 0, job.rows, job)


def run_jobs(jobs: Sequence[Job]) -> list[bytes]:
    """The replies of jobs that share a batch."""
    runner = jobs[0].queue.model
    outputs = runner.run(runner.assemble(jobs))
    replies, end = [], 0
    for job in jobs:
        first, end = end, end + job.rows
        replies.append(job.encoder.encode(job.encoder.prepare(outputs), first, end, job))
    return replies
