"""An Open Inference Protocol server that stands still at regular intervals, to test a load with.

`python -m benchmarks.servers.pausing --pause-ms 50 --every-ms 500` answers every call at once,
except that every half second nothing happens for 50 ms, as in a long garbage collection. A load
generator that waits for answers before it sends again measures one slow call for each pause; one
that does not must find every call that was due meanwhile.
"""

import argparse
import asyncio
import time
from typing import Any

import grpc
import grpc.aio
import uvloop

from stubtail.oip import inference_pb2

COLUMNS = 4


async def describe(request: bytes, _context: Any) -> bytes:
    """One model for every name: a table of four float32 columns, and one score a row."""
    name = inference_pb2.ModelMetadataRequest.FromString(request).name
    reply = inference_pb2.ModelMetadataResponse(name=name, versions=["1"], platform="pausing")
    reply.inputs.add(name="x", datatype="FP32", shape=[-1, COLUMNS])
    reply.outputs.add(name="y", datatype="FP32", shape=[-1, 1])
    return bytes(reply.SerializeToString())


async def describe_nothing(_request: bytes, _context: Any) -> bytes:
    """A model without inputs, as servers tell whose models do not declare any."""
    return bytes(inference_pb2.ModelMetadataResponse(name="secret").SerializeToString())


async def infer(request: bytes, _context: Any) -> bytes:
    """Zeros, as many as there are rows."""
    message = inference_pb2.ModelInferRequest.FromString(request)
    rows = message.inputs[0].shape[0]
    reply = inference_pb2.ModelInferResponse(model_name=message.model_name, model_version="1")
    reply.outputs.add(name="y", datatype="FP32", shape=[rows, 1])
    reply.raw_output_contents.append(bytes(4 * rows))
    return bytes(reply.SerializeToString())


async def serve(port: int, pause_s: float, every_s: float, *, tells: bool) -> None:
    """Serves until the process is stopped."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    methods = {
        "ModelInfer": grpc.unary_unary_rpc_method_handler(infer),
        "ModelMetadata": grpc.unary_unary_rpc_method_handler(
            describe if tells else describe_nothing
        ),
    }
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods)]
    )
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(f"ready 127.0.0.1:{bound}", flush=True)
    while True:
        await asyncio.sleep(every_s - pause_s)
        time.sleep(pause_s)  # noqa: ASYNC251  # to stand still is what this server is for


def main() -> None:
    """Runs the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pause-ms", type=float, default=50.0)
    parser.add_argument("--every-ms", type=float, default=500.0)
    parser.add_argument("--tells-nothing", action="store_true", help="of its model's inputs")
    options = parser.parse_args()
    pause_s, every_s = options.pause_ms / 1e3, options.every_ms / 1e3
    uvloop.run(serve(options.port, pause_s, every_s, tells=not options.tells_nothing))


if __name__ == "__main__":
    main()
