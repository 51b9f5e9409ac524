"""mosec: a Rust front that batches for Python workers; raw float32 rows in, raw scores out.

PEER_BATCH is the most calls of a batch. Its front waits for a batch for at least a millisecond,
so 64 is best for throughput and 1 for latency: the comparison shows both.
"""

import os

import numpy as np
from graph import Graph, Numbers
from mosec import Server, Worker

_BATCH = int(os.environ["PEER_BATCH"])


class Scores(Worker):
    """Scores the calls of a batch in one run."""

    def __init__(self) -> None:
        """Opens the graph."""
        super().__init__()
        self._graph = Graph()

    def deserialize(self, data: bytes) -> Numbers:
        """The rows of a call."""
        return self._graph.rows(data)

    def serialize(self, data: Numbers) -> bytes:
        """The scores of a call."""
        return data.tobytes()

    def forward(self, data: list[Numbers] | Numbers) -> list[Numbers] | Numbers:
        """The calls of a batch, or one call where there are no batches."""
        if not isinstance(data, list):
            return self._graph.scores(data)
        scores = self._graph.scores(np.concatenate(data))
        return np.split(scores, np.cumsum([len(rows) for rows in data])[:-1])


if __name__ == "__main__":
    server = Server()
    if _BATCH > 1:
        server.append_worker(Scores, num=2, max_batch_size=_BATCH, max_wait_time=1, route="/infer")
    else:
        server.append_worker(Scores, num=2, route="/infer")
    server.run()
