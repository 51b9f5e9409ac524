"""Describes a loaded model in the messages of the Open Inference Protocol."""

from collections.abc import Sequence

from stubtail.metrics import ModelSnapshot
from stubtail.models.session import LoadedModel
from stubtail.models.signature import TensorSpec
from stubtail.oip import inference_pb2

PLATFORM = "onnxruntime_onnx"


def model_metadata(
    model: LoadedModel, versions: Sequence[str]
) -> inference_pb2.ModelMetadataResponse:
    """Names, types and shapes; -1 for a free dimension, the first is the batch."""
    tensor = inference_pb2.ModelMetadataResponse.TensorMetadata
    return inference_pb2.ModelMetadataResponse(
        name=model.name,
        versions=versions,
        platform=PLATFORM,
        inputs=[
            tensor(name=spec.name, datatype=spec.datatype, shape=spec.shape)
            for spec in model.signature.inputs
        ],
        outputs=[
            tensor(name=spec.name, datatype=spec.datatype, shape=spec.shape)
            for spec in model.signature.outputs
        ],
    )


def model_config(model: LoadedModel, batch_rows_max: int) -> inference_pb2.ModelConfigResponse:
    """Triton's configuration: dims leave the batch dimension out where there is one."""
    batchable = model.signature.batchable
    config = inference_pb2.ModelConfig(
        name=model.name,
        platform=PLATFORM,
        backend="onnxruntime",
        max_batch_size=batch_rows_max if batchable else 0,
        input=[
            inference_pb2.ModelInput(
                name=spec.name, data_type=_data_type(spec), dims=_dims(spec, batchable=batchable)
            )
            for spec in model.signature.inputs
        ],
        output=[
            inference_pb2.ModelOutput(
                name=spec.name, data_type=_data_type(spec), dims=_dims(spec, batchable=batchable)
            )
            for spec in model.signature.outputs
        ],
        default_model_filename=model.path.name,
    )
    config.version_policy.latest.num_versions = 1
    if batchable:
        config.dynamic_batching.priority_levels = 4
        config.dynamic_batching.default_priority_level = 3
    return inference_pb2.ModelConfigResponse(config=config)


def model_statistics(
    name: str, model: LoadedModel, seen: ModelSnapshot
) -> inference_pb2.ModelStatistics:
    """What the version did since the server started; times in nanoseconds, summed over calls.

    Args:
        name: what the caller calls the model.
        model: the version.
        seen: what it did.
    """
    duration = inference_pb2.StatisticDuration
    count = seen.success_count
    return inference_pb2.ModelStatistics(
        name=name,
        version=model.version,
        last_inference=seen.last_inference_ms,
        inference_count=seen.inference_count,
        execution_count=seen.execution_count,
        inference_stats=inference_pb2.InferStatistics(
            success=duration(count=count, ns=seen.success_ns),
            fail=duration(count=seen.fail_count, ns=seen.fail_ns),
            queue=duration(count=count, ns=seen.queue_ns),
            compute_input=duration(count=count, ns=seen.compute_input_ns),
            compute_infer=duration(count=count, ns=seen.compute_infer_ns),
            compute_output=duration(count=count, ns=seen.compute_output_ns),
        ),
        batch_stats=[
            inference_pb2.InferBatchStatistics(
                batch_size=rows,
                compute_input=duration(count=times.batches, ns=int(times.decode_s * 1e9)),
                compute_infer=duration(count=times.batches, ns=int(times.run_s * 1e9)),
                compute_output=duration(count=times.batches, ns=int(times.encode_s * 1e9)),
            )
            for rows, times in sorted(seen.sizes.items())
        ],
    )


def _data_type(spec: TensorSpec) -> str:
    name = "STRING" if spec.datatype == "BYTES" else spec.datatype
    return f"TYPE_{name}"


def _dims(spec: TensorSpec, *, batchable: bool) -> tuple[int, ...]:
    return spec.shape[1:] if batchable else spec.shape
