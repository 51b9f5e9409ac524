"""inference.GRPCInferenceService/ModelInfer: tensors in, tensors out, as Triton and KServe do."""

from collections.abc import Callable, Sequence
from typing import Any

from stubtail import wire
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.protobuf import text
from stubtail.endpoints.replies import OIP_ID
from stubtail.endpoints.served import ServedModel, ServedModels
from stubtail.endpoints.tails import tail_bytes
from stubtail.endpoints.tensors import checked_shape, raw_array, typed_array
from stubtail.errors import CallError, Code, invalid_field
from stubtail.lane.priority import REQUESTED
from stubtail.models.signature import TensorSpec
from stubtail.models.synthetic import Array
from stubtail.oip import inference_pb2

PATH = "/inference.GRPCInferenceService/ModelInfer"
ID_BYTES_MAX = 1024
_STATEFUL = ("sequence_id", "sequence_start", "sequence_end")


class InferReader:
    """Reads inference requests in full."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    def read(self, payload: bytes) -> Reading:
        """The plan and the tensors of a request; raises CallError."""
        request = parse(wire.ModelInferRequest, payload)
        name, version = request.model_name, request.model_version
        if not name:
            raise invalid_field("model_name", "must name a model")
        model = self._models.resolve(f"{name}@{version}" if version else name)
        if len(request.id) > ID_BYTES_MAX:
            raise invalid_field("id", f"must have at most {ID_BYTES_MAX} characters")
        encoder = model.infer_encoder(_wanted_outputs(model, request.outputs))
        priority, timeout_s = _parameters(request.parameters)
        tensors = _by_input(model, request.inputs)
        raws = request.raw_input_contents
        suffix = text(OIP_ID, request.id)
        if model.packed and len(raws) == 1 and not tensors[0].HasField("contents"):
            data, rows, shape = _packed_rows(model, tensors[0], raws[0])
            # A request with an id of its own would fill the cache with heads used once.
            tail = 0 if request.id or timeout_s else tail_bytes(payload, data, _raw_contents)
            queue = model.queue((shape,), rows)
            plan = CallPlan(queue, rows, priority, encoder, suffix, timeout_s)
            return Reading(plan, data, tail)
        arrays = self._arrays(payload, model, request, tensors, raws)
        rows = next((len(array) for array in arrays if array.ndim), 1)
        queue = model.queue(tuple(array.shape[1:] for array in arrays), rows)
        plan = CallPlan(queue, rows, priority, encoder, suffix, timeout_s)
        return Reading(plan, arrays[0].tobytes() if model.packed else arrays, 0)

    def _arrays(
        self,
        payload: bytes,
        model: ServedModel,
        request: Any,
        tensors: Sequence[Any],
        raws: Sequence[bytes],
    ) -> list[Array]:
        """One array for each input of the model, all with the same number of rows."""
        specs = model.signature.inputs
        convert: Callable[[TensorSpec, Sequence[int], Any, str], Array]
        if raws:
            if len(raws) != len(specs) or any(tensor.HasField("contents") for tensor in tensors):
                raise invalid_field(
                    "raw_input_contents",
                    f"must have one entry for each of the {len(specs)} inputs, and then no input "
                    f"may have contents; got {len(raws)}",
                )
            order = [tensor.name for tensor in request.inputs]
            contents: list[Any] = [raws[order.index(spec.name)] for spec in specs]
            convert = raw_array
        else:
            # Typed contents are the slow form of the protocol: read by the public message.
            public = parse(inference_pb2.ModelInferRequest, payload)
            typed = {tensor.name: tensor.contents for tensor in public.inputs}
            contents = [typed[spec.name] for spec in specs]
            convert = typed_array
        arrays: list[Array] = []
        batchable = model.signature.batchable
        for spec, tensor, content in zip(specs, tensors, contents, strict=True):
            field = f"inputs[{spec.name}]"
            rows = checked_shape(spec, tensor.shape, model.rows_max, field)
            if batchable and arrays and rows != len(arrays[0]):
                raise invalid_field(
                    f"{field}.shape[0]", f"must be {len(arrays[0])} like the others, got {rows}"
                )
            arrays.append(convert(spec, tensor.shape, content, field))
        return arrays


def _packed_rows(model: ServedModel, tensor: Any, raw: bytes) -> tuple[bytes, int, tuple[int, ...]]:
    """The bytes, the number and the shape of the rows of the model's only input."""
    spec = model.signature.inputs[0]
    shape = list(tensor.shape)
    rows = checked_shape(spec, shape, model.rows_max, f"inputs[{spec.name}]")
    raw_array(spec, shape, raw, "raw_input_contents[0]")
    return raw, rows, tuple(shape[1:])


def _raw_contents(payload: bytes) -> list[bytes]:
    return list(parse(wire.ModelInferRequest, payload).raw_input_contents)


def _by_input(model: ServedModel, tensors: Sequence[Any]) -> list[Any]:
    """The request's tensors in the order of the model's inputs, each present once and typed."""
    specs = model.signature.inputs
    by_name = {tensor.name: tensor for tensor in tensors}
    names = [spec.name for spec in specs]
    if len(tensors) != len(specs) or by_name.keys() != set(names):
        shown = ", ".join(sorted(tensor.name[:64] for tensor in tensors[:20])) or "none"
        raise invalid_field(
            "inputs", f"must be exactly {', '.join(names[:50])}, each once; got {shown}"
        )
    ordered = [by_name[name] for name in names]
    for spec, tensor in zip(specs, ordered, strict=True):
        _check_tensor(spec, tensor)
    return ordered


def _check_tensor(spec: TensorSpec, tensor: Any) -> None:
    field = f"inputs[{spec.name}]"
    if tensor.datatype != spec.datatype:
        raise invalid_field(
            f"{field}.datatype", f"must be {spec.datatype}, got {tensor.datatype[:32]!r}"
        )
    if any(name.startswith("shared_memory") for name in tensor.parameters):
        raise _not_offered("shared memory is not offered; send raw_input_contents")


def _wanted_outputs(model: ServedModel, requested: Sequence[Any]) -> tuple[int, ...]:
    """Positions of the requested outputs in the signature; all of them when none is named."""
    names = [spec.name for spec in model.signature.outputs]
    if not requested:
        return tuple(range(len(names)))
    wanted: list[int] = []
    for output in requested:
        if output.name not in names:
            raise invalid_field(
                f"outputs[{output.name[:64]}]", f"must be one of {', '.join(names[:50])}"
            )
        for parameter in output.parameters:
            if parameter == "classification" or parameter.startswith("shared_memory"):
                raise _not_offered(f"output parameter {parameter!r} is not offered")
        wanted.append(names.index(output.name))
    if len(set(wanted)) != len(wanted):
        raise invalid_field("outputs", "names an output twice")
    return tuple(wanted)


def _parameters(parameters: Any) -> tuple[int, float | None]:
    """Priority and time-out (microseconds) of a request; other parameters mean nothing here."""
    if not parameters:
        return REQUESTED[0], None
    level = _integer(parameters, "priority")
    priority = REQUESTED.get(level)
    if priority is None:
        raise invalid_field("parameters[priority]", f"must be 0 to 4, got {level}")
    timeout_us = _integer(parameters, "timeout")
    if timeout_us < 0:
        raise invalid_field("parameters[timeout]", "must be microseconds, not negative")
    for name in _STATEFUL:
        if name in parameters and _truthy(parameters[name]):
            raise _not_offered("sequences are not offered: every call stands alone")
    return priority, timeout_us / 1e6 if timeout_us else None


def _integer(parameters: Any, name: str) -> int:
    if name not in parameters:
        return 0
    parameter = parameters[name]
    kind = parameter.WhichOneof("parameter_choice")
    if kind not in {"int64_param", "uint64_param"}:
        raise invalid_field(f"parameters[{name}]", "must be an int64_param or a uint64_param")
    return int(getattr(parameter, kind))


def _truthy(parameter: Any) -> bool:
    kind = parameter.WhichOneof("parameter_choice")
    return bool(kind and getattr(parameter, kind))


def _not_offered(message: str) -> CallError:
    return CallError(Code.UNIMPLEMENTED, "NOT_OFFERED", message)
