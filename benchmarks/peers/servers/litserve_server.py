"""LitServe: batches of up to 64 calls; base64 in JSON both ways, as it takes no raw body.

Its queues over ZeroMQ (`fast_queue`) and a second worker made it no faster here.
"""

import base64
import os
from typing import Any

import litserve
import numpy as np
from graph import Graph, Numbers


class Scores(litserve.LitAPI):
    """Scores the calls of a batch in one run."""

    def setup(self, device: str) -> None:
        """Opens the graph; `device` is the CPU."""
        del device
        self._graph = Graph()

    def decode_request(self, request: dict[str, str]) -> Numbers:
        """The rows of a call."""
        return self._graph.rows(base64.b64decode(request["rows"]))

    def batch(self, inputs: list[Numbers]) -> list[Numbers]:
        """As they are: the default would stack calls of equal size."""
        return inputs

    def predict(self, x: list[Numbers]) -> list[Numbers]:
        """All calls of a batch."""
        scores = self._graph.scores(np.concatenate(x))
        return np.split(scores, np.cumsum([len(rows) for rows in x])[:-1])

    def unbatch(self, output: list[Numbers]) -> list[Numbers]:
        """As they are."""
        return output

    def encode_response(self, output: Numbers) -> dict[str, Any]:
        """The scores of a call."""
        return {"scores": base64.b64encode(output.tobytes()).decode()}


if __name__ == "__main__":
    api = Scores(max_batch_size=64, batch_timeout=0.001, api_path="/infer-json")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        num_api_servers=2,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
