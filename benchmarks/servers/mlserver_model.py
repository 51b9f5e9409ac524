"""An ONNX model for MLServer, which ships no ONNX runtime; it runs in MLServer's own Python.

Requests and replies stay raw tensors and onnxruntime has one thread, as everywhere in the
comparison.
"""

from typing import Any

import onnxruntime
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]


class OnnxModel(MLModel):  # type: ignore[misc]  # mlserver is not in this environment
    """Runs the graph that `parameters.uri` of its settings names."""

    async def load(self) -> bool:
        """Opens the graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._outputs = [
            output.name for output in self._session.get_outputs() if output.type == "tensor(float)"
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers with every float output."""
        rows = NumpyCodec.decode_input(payload.inputs[0])
        results = self._session.run(self._outputs, {self._input: rows})
        outputs = [
            NumpyCodec.encode_output(name, result)
            for name, result in zip(self._outputs, results, strict=True)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
