"""Triton's Python backend: the calls of a batch in one run of onnxruntime; copied as model.py."""

import json
import os
import sys
from typing import Any

sys.path += os.environ["PYTHONPATH"].split(":")  # the backend's Python is isolated from it

import numpy as np
import triton_python_backend_utils as backend
from graph import Graph


class TritonPythonModel:
    """The class that the backend looks for."""

    def initialize(self, arguments: dict[str, str]) -> None:
        """Opens the graph."""
        self._graph = Graph()
        self._input = json.loads(arguments["model_config"])["input"][0]["name"]

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request, from one run over all their rows."""
        calls = [
            backend.get_input_tensor_by_name(request, self._input).as_numpy()
            for request in requests
        ]
        scores = self._graph.scores(np.concatenate(calls) if len(calls) > 1 else calls[0])
        parts = np.split(scores, np.cumsum([len(rows) for rows in calls])[:-1])
        return [
            backend.InferenceResponse([backend.Tensor("score", part.reshape(-1, 1))])
            for part in parts
        ]
