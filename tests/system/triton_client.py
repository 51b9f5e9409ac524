"""Talks to a server as users of tritonclient do; runs in an environment of its own.

Usage: triton_client.py HOST:PORT, with the models churn and affine (y = 2 x + 1) served.
"""

import asyncio
import queue
import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

ROWS = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]], np.float32)
ANSWER = 2 * ROWS + 1


def inputs(module: Any, rows: np.ndarray = ROWS, name: str = "x") -> list[Any]:
    """The inputs of a call, raw as the client does it."""
    tensor = module.InferInput(name, list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows)
    return [tensor]


def check_health(client: Any) -> None:
    """Liveness and readiness of server and models."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("affine")
    assert client.is_model_ready("churn", "1")
    assert not client.is_model_ready("nobody")
    metadata = client.get_server_metadata()
    assert metadata.name == "stubtail"
    assert "statistics" in metadata.extensions


def check_description(client: Any) -> None:
    """Metadata and configuration, as messages and as JSON."""
    metadata = client.get_model_metadata("churn")
    assert (metadata.name, list(metadata.versions)) == ("churn", ["1"])
    assert [(one.datatype, list(one.shape)) for one in metadata.inputs] == [("FP32", [-1, 19])]
    assert [one.name for one in metadata.outputs] == ["score"]
    config = client.get_model_config("affine").config
    assert config.name == "affine"
    assert config.max_batch_size > 0
    assert list(config.input[0].dims) == [3]
    assert client.get_model_config("affine", as_json=True)["config"]["backend"] == "onnxruntime"


def check_infer(client: Any) -> None:
    """An inference with chosen outputs, an id, a priority and a timeout; compressed, and later."""
    outputs = [triton.InferRequestedOutput("y")]
    result = client.infer(
        "affine", inputs(triton), outputs=outputs, request_id="a-7", priority=1, timeout=5_000_000
    )
    np.testing.assert_allclose(result.as_numpy("y"), ANSWER, rtol=1e-6)
    assert result.get_response().id == "a-7"
    assert (result.get_response().model_name, result.get_response().model_version) == (
        "affine",
        "1",
    )
    packed = client.infer("affine", inputs(triton), model_version="1", compression_algorithm="gzip")
    np.testing.assert_allclose(packed.as_numpy("y"), ANSWER, rtol=1e-6)
    results: queue.Queue[Any] = queue.Queue()

    def put(result: Any, error: Any) -> None:
        results.put((result, error))

    for _ in range(10):
        client.async_infer("affine", inputs(triton), put)
    for _ in range(10):
        result, error = results.get(timeout=10)
        assert error is None
        np.testing.assert_allclose(result.as_numpy("y"), ANSWER, rtol=1e-6)


def check_stream(client: Any) -> None:
    """A stream of requests: answers in order, and an error that does not end the stream."""
    results: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: results.put((result, error)))
    for number in range(5):
        client.async_stream_infer("affine", inputs(triton, ROWS + number), request_id=str(number))
    client.async_stream_infer("nobody", inputs(triton), request_id="bad")
    client.async_stream_infer("affine", inputs(triton), request_id="last")
    for number in range(5):
        result, error = results.get(timeout=10)
        assert error is None
        assert result.get_response().id == str(number)
        np.testing.assert_allclose(result.as_numpy("y"), 2 * (ROWS + number) + 1, rtol=1e-6)
    result, error = results.get(timeout=10)
    assert 'there is no model "nobody"' in str(error)
    result, error = results.get(timeout=10)
    assert (error, result.get_response().id) == (None, "last")
    client.stop_stream()


def check_statistics(client: Any) -> None:
    """Counts grow by what was sent; the load is on `affine` only."""
    before = client.get_inference_statistics("affine").model_stats[0]
    for _ in range(3):
        client.infer("affine", inputs(triton))
    after = client.get_inference_statistics("affine").model_stats[0]
    assert after.inference_count - before.inference_count == 3 * len(ROWS)
    assert after.inference_stats.success.count - before.inference_stats.success.count == 3
    assert after.inference_stats.success.ns > before.inference_stats.success.ns
    assert {one.name for one in client.get_inference_statistics().model_stats} >= {
        "churn",
        "affine",
    }


def check_repository(client: Any) -> None:
    """The index, and unloading and loading on an operator's word."""
    index = {one.name: one.state for one in client.get_model_repository_index().models}
    assert index["affine"] == index["churn"] == "READY"
    client.unload_model("affine")
    assert not client.is_model_ready("affine")
    error = failure(client.infer, "affine", inputs(triton))
    assert error.status() == "StatusCode.FAILED_PRECONDITION"
    assert "RepositoryModelLoad" in error.message()
    client.load_model("affine")
    assert client.is_model_ready("affine")
    error = failure(client.load_model, "nobody")
    assert error.status() == "StatusCode.NOT_FOUND"
    error = failure(client.load_model, "affine", config='{"max_batch_size": 1}')
    assert error.status() == "StatusCode.INVALID_ARGUMENT"


def check_errors(client: Any) -> None:
    """Statuses and texts that tell the user what to change."""
    error = failure(client.infer, "affin", inputs(triton))
    assert error.status() == "StatusCode.NOT_FOUND"
    assert error.message() == 'there is no model "affin"; did you mean "affine"?'
    error = failure(client.infer, "affine", inputs(triton, ROWS[:, :2]))
    assert error.status() == "StatusCode.INVALID_ARGUMENT"
    assert "inputs[x].shape" in error.message()
    error = failure(client.infer, "affine", inputs(triton, name="z"))
    assert error.status() == "StatusCode.INVALID_ARGUMENT"
    assert error.message().startswith("inputs")
    error = failure(client.register_system_shared_memory, "name", "key", 4)
    assert error.status() == "StatusCode.UNIMPLEMENTED"


def failure(call: Any, *arguments: Any, **options: Any) -> Any:
    """How a call fails."""
    try:
        call(*arguments, **options)
    except InferenceServerException as error:
        return error
    raise AssertionError(f"{call.__name__}{arguments} did not fail")


async def check_aio(address: str) -> None:
    """The asyncio client: health, inferences at once, and a stream."""
    async with triton_aio.InferenceServerClient(address) as client:
        assert await client.is_server_ready()
        calls = [client.infer("affine", inputs(triton_aio)) for _ in range(20)]
        for result in await asyncio.gather(*calls):
            np.testing.assert_allclose(result.as_numpy("y"), ANSWER, rtol=1e-6)

        async def requests() -> AsyncIterator[dict[str, Any]]:
            for number in range(3):
                yield {
                    "model_name": "affine",
                    "inputs": inputs(triton_aio, ROWS + number),
                    "request_id": str(number),
                }

        seen = []
        async for result, error in client.stream_infer(requests()):
            assert error is None
            seen.append(result.get_response().id)
        assert seen == ["0", "1", "2"]


def main(address: str) -> None:
    """All checks; raises at the first that fails."""
    with triton.InferenceServerClient(address) as client:
        for check in (
            check_health,
            check_description,
            check_infer,
            check_stream,
            check_statistics,
            check_repository,
            check_errors,
        ):
            check(client)
    asyncio.run(check_aio(address))
    sys.stdout.write("all checks passed\n")


if __name__ == "__main__":
    main(sys.argv[1])
