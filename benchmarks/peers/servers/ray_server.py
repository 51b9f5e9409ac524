"""Ray Serve: one replica behind its gRPC proxy, which is faster than its HTTP proxy.

`max_ongoing_requests` is raised from 5, or 64 calls in flight would wait for each other. Ray's own
setting for throughput (RAY_SERVE_THROUGHPUT_OPTIMIZED) and a second replica made it no faster here.
"""

import os
import signal
import threading
from typing import Any

import grpc
import ray
from graph import Graph
from oip import reply_to, rows_of
from ray import serve
from ray.serve.config import HTTPOptions, gRPCOptions


async def _nobody(request: bytes, context: Any) -> bytes:
    """Ray replaces the handler by its own, which leads to the deployment's method."""
    raise NotImplementedError


def add_to_server(_servicer: Any, server: Any) -> None:
    """Registers ModelInfer from bytes on, as generated code would register it with messages."""
    methods = {"ModelInfer": grpc.unary_unary_rpc_method_handler(_nobody)}
    handler = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods)
    server.add_generic_rpc_handlers((handler,))


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Scores:
    """The one replica."""

    def __init__(self) -> None:
        self._graph = Graph()

    async def ModelInfer(self, request: bytes) -> Any:  # noqa: N802  # the method of the protocol
        """Answers one call."""
        return reply_to(self._graph.scores(rows_of(self._graph, request)))


def main() -> None:
    """Serves until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        _temp_dir=os.environ["PEER_FOLDER"],
        object_store_memory=100 * 2**20,
        logging_level="WARNING",
    )
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=int(os.environ["PEER_SPARE_PORT"])),
        grpc_options=gRPCOptions(
            port=int(os.environ["PEER_PORT"]),
            grpc_servicer_functions=["ray_server.add_to_server"],
        ),
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )
    served: Any = Scores  # the decorator has made it a deployment
    serve.run(served.bind(), name="scores")
    stop.wait()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
