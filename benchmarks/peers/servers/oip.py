"""The Open Inference Protocol in a peer's own Python, for those who bring no messages of it.

`inference_pb2` is this repository's, found by PYTHONPATH: it needs protobuf and nothing else.
"""

import numpy as np
from graph import Graph, Numbers

from stubtail.oip import inference_pb2


def rows_of(graph: Graph, message: bytes) -> Numbers:
    """The rows of a ModelInferRequest, float32 [rows, features]."""
    request = inference_pb2.ModelInferRequest.FromString(message)
    return graph.rows(request.raw_input_contents[0])


def reply_to(scores: Numbers) -> inference_pb2.ModelInferResponse:
    """A ModelInferResponse with one tensor, `score`, FP32 [rows]."""
    reply = inference_pb2.ModelInferResponse(model_version="1")
    reply.outputs.add(name="score", datatype="FP32", shape=[len(scores)])
    reply.raw_output_contents.append(np.ascontiguousarray(scores, np.float32).tobytes())
    return reply
