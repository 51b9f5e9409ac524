"""Talks to a server as users of KServe's gRPC client do; runs in an environment of its own.

Usage: kserve_client.py HOST:PORT, with the model affine (y = 2 x + 1) served.
"""

import asyncio
import sys
from typing import Any

import grpc
import numpy as np
from kserve import (  # type: ignore[import-not-found]
    InferenceGRPCClient,
    InferInput,
    InferRequest,
)

ROWS = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]], np.float32)


async def main(address: str) -> None:
    """Health, raw and typed inference, and an error; raises at the first that fails."""
    client = InferenceGRPCClient(address)
    assert await client.is_server_live()
    assert await client.is_server_ready()
    assert await client.is_model_ready("affine")
    for binary in (True, False):
        tensor = InferInput("x", list(ROWS.shape), "FP32")
        tensor.set_data_from_numpy(ROWS, binary_data=binary)
        request = InferRequest(model_name="affine", infer_inputs=[tensor], request_id="k-1")
        response = await client.infer(request)
        found = response.outputs[0].as_numpy()
        np.testing.assert_allclose(found.reshape(ROWS.shape), 2 * ROWS + 1, rtol=1e-6)
        assert response.id == "k-1"
    wrong = InferRequest(model_name="affin", infer_inputs=[tensor])
    results: Any = await asyncio.gather(client.infer(wrong), return_exceptions=True)
    error = results[0]
    assert isinstance(error, grpc.RpcError)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    await client.close()
    sys.stdout.write("all checks passed\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
