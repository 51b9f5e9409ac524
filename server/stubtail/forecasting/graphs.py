"""The exported models of a forecasting process: loaded by hash, run without the GIL."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stubtail.forecasting.task import GraphFile

KEPT_MAX: Final = 6  # two models in three versions: a roll-out and a roll-back
LOG_FATAL_ONLY: Final = 4

Floats = NDArray[np.float32]


class GraphChangedError(RuntimeError):
    """The file of a graph is not the one that the server verified."""


class Graphs:
    """Sessions by the hash of their graph; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    @property
    def loaded(self) -> set[str]:
        """The hashes of the graphs that have a session."""
        return set(self._sessions)

    def runner(self, graph: GraphFile) -> Callable[..., Floats]:
        """What runs a graph: its inputs in order in, its first output out; any thread.

        Raises:
            GraphChangedError: the file is another one than the server verified.
            OSError: the file cannot be read.
        """
        session = self._sessions.get(graph.sha256)
        if session is None:
            session = self._load(graph)
            while len(self._sessions) >= KEPT_MAX:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[graph.sha256] = session
        names = [one.name for one in session.get_inputs()]

        def run(*inputs: Floats) -> Floats:
            result: Floats = session.run(None, dict(zip(names, inputs, strict=True)))[0]
            return result

        return run

    def _load(self, graph: GraphFile) -> Any:
        data = Path(graph.path).read_bytes()
        if hashlib.sha256(data).hexdigest() != graph.sha256:
            raise GraphChangedError(f"{graph.name}@{graph.version} has changed on disk")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = LOG_FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
