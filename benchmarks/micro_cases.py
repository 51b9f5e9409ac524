"""The micro benchmarks themselves, in the order in which a call passes through these steps."""

import numpy as np

from benchmarks.micro import Bench, Step, micro
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2


@micro("protobuf", "parse ModelInferRequest, 1 row")
def parse_infer_1(bench: Bench) -> Step:
    """What any server on protobuf must do first."""
    parse, message = inference_pb2.ModelInferRequest.FromString, bench.messages("infer", 1)
    return lambda: parse(message())


@micro("protobuf", "parse ModelInferRequest, 256 rows")
def parse_infer_256(bench: Bench) -> Step:
    """The same with 256 rows in one tensor."""
    parse, message = inference_pb2.ModelInferRequest.FromString, bench.messages("infer", 256)
    return lambda: parse(message())


@micro("protobuf", "parse ScoreRequest, 1 dense row")
def parse_dense_1(bench: Bench) -> Step:
    """With the public message, whose floats become Python floats on access."""
    parse, message = scoring_pb2.ScoreRequest.FromString, bench.messages("dense", 1)
    return lambda: parse(message())


@micro("protobuf", "parse ScoreRequest, named columns")
def parse_named_1(bench: Bench) -> Step:
    """One message for each column, with the public messages."""
    parse, message = scoring_pb2.ScoreRequest.FromString, bench.messages("named", 1)
    return lambda: parse(message())


@micro("tensor", "np.frombuffer and reshape, 1 row")
def frombuffer_1(bench: Bench) -> Step:
    """From raw bytes to an array of float32, without a copy."""
    raw, features = bench.blocks(1)().tobytes(), bench.subject.features
    return lambda: np.frombuffer(raw, np.float32).reshape(-1, features)


@micro("tensor", "join 32 rows of 32 calls", calls=32)
def join_32(bench: Bench) -> Step:
    """Raw bytes of 32 calls to one array; for each call."""
    block, features = bench.blocks(1), bench.subject.features
    raws = [block().tobytes() for _ in range(32)]
    return lambda: np.frombuffer(b"".join(raws), np.float32).reshape(-1, features)


def _run(bench: Bench, rows: int) -> Step:
    run, name, block = bench.subject.session.run, bench.subject.input_name, bench.blocks(rows)
    return lambda: run(None, {name: block()})


@micro("run", "onnxruntime, 1 fresh row")
def run_1(bench: Bench) -> Step:
    """Bare onnxruntime, one thread."""
    return _run(bench, 1)


@micro("run", "onnxruntime, 32 fresh rows")
def run_32(bench: Bench) -> Step:
    """A usual batch."""
    return _run(bench, 32)


@micro("run", "onnxruntime, 32 fresh rows, for each row", calls=32)
def run_32_each(bench: Bench) -> Step:
    """What batching makes of one row."""
    return _run(bench, 32)


@micro("run", "onnxruntime, 256 fresh rows")
def run_256(bench: Bench) -> Step:
    """One large call."""
    return _run(bench, 256)


@micro("run", "onnxruntime, 1 row again and again (flatters)")
def run_same(bench: Bench) -> Step:
    """The processor has learnt the branches: what a load of one body would measure."""
    run, feed = bench.subject.session.run, {bench.subject.input_name: bench.blocks(1)()}
    return lambda: run(None, feed)


@micro("protobuf", "build ModelInferResponse, 1 row")
def build_infer_1(_bench: Bench) -> Step:
    """A reply built field by field, as a server without cached heads does."""
    raw = np.zeros(1, np.float32).tobytes()

    def build() -> bytes:
        reply = inference_pb2.ModelInferResponse(model_name="churn", model_version="1")
        reply.outputs.add(name="score", datatype="FP32").shape.extend((1, 1))
        reply.raw_output_contents.append(raw)
        return bytes(reply.SerializeToString())

    return build
