"""The model as every Python peer runs it: onnxruntime with one thread, rows in, scores out.

Read from the environment, as most of the peers start their workers themselves: PEER_MODEL is the
path of the graph.
"""

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Numbers = npt.NDArray[np.float32]


class Graph:
    """The graph, opened."""

    def __init__(self) -> None:
        """Opens PEER_MODEL."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            os.environ["PEER_MODEL"], options, providers=["CPUExecutionProvider"]
        )
        taken = self._session.get_inputs()[0]
        self._input, self._width = taken.name, taken.shape[1]
        floats = [out.name for out in self._session.get_outputs() if out.type == "tensor(float)"]
        self._wanted = floats[:1]

    def rows(self, body: bytes) -> Numbers:
        """Row-major float32 as float32 [rows, features]."""
        return np.frombuffer(body, np.float32).reshape(-1, self._width)

    def scores(self, rows: Numbers) -> Numbers:
        """float32 [rows]: the one score of each row, the last class's of several."""
        found = self._session.run(self._wanted, {self._input: rows})[0]
        return np.ascontiguousarray(found.reshape(len(rows), -1)[:, -1], np.float32)
