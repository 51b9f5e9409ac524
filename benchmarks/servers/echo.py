"""Bare grpc.aio servers on uvloop that do no inference: what the library itself costs.

`python -m benchmarks.servers.echo bytes` is THE floor of every ratio: a generic handler from bytes
to bytes without protobuf, the cheapest thing that grpc.aio can do. `protobuf` parses an Open
Inference Protocol request and builds a reply, as any server that does something must.
"""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import uvloop

# Replies are short whatever came, as a model's are: returning a large request would make the
# floor slower, and every ratio to it look better than it is.
REPLY_BYTES = 96

_Handle = Callable[[bytes, Any], Awaitable[bytes]]


async def echo_bytes(request: bytes, _context: Any) -> bytes:
    """The first bytes of the request."""
    return request[:REPLY_BYTES]


def protobuf_echo() -> _Handle:
    """A handler that parses a ModelInferRequest and answers with its first tensor's name."""
    from stubtail.oip import inference_pb2  # noqa: PLC0415  # the floor needs nothing of stubtail

    parse = inference_pb2.ModelInferRequest.FromString

    async def echo(request: bytes, _context: Any) -> bytes:
        message = parse(request)
        reply = inference_pb2.ModelInferResponse(model_name=message.model_name, model_version="1")
        output = reply.outputs.add(name=message.inputs[0].name, datatype="FP32")
        output.shape.extend((message.inputs[0].shape[0], 1))
        reply.raw_output_contents.append(message.raw_input_contents[0][:4])
        return bytes(reply.SerializeToString())

    return echo


async def serve(handle: _Handle, port: int) -> None:
    """Serves until the process is stopped."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    method = grpc.unary_unary_rpc_method_handler(handle)  # no serialisers: bytes in, bytes out
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "inference.GRPCInferenceService", {"ModelInfer": method}
            ),
            grpc.method_handlers_generic_handler("stubtail.v1.ScoringService", {"Score": method}),
        ]
    )
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(f"ready 127.0.0.1:{bound}", flush=True)
    await server.wait_for_termination()


def main() -> None:
    """Runs one of the two echoes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flavour", choices=["bytes", "protobuf"])
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    handle = echo_bytes if options.flavour == "bytes" else protobuf_echo()
    uvloop.run(serve(handle, options.port))


if __name__ == "__main__":
    main()
