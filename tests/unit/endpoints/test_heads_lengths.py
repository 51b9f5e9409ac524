"""Requests whose length does not fit their head never pass for another's (see heads.py)."""

import numpy as np
import pytest

from stubtail.endpoints.heads import HeadCache
from stubtail.oip import inference_pb2


def infer(rows: int) -> bytes:
    """A request with so many rows."""
    request = inference_pb2.ModelInferRequest(model_name="churn")
    request.inputs.add(name="features", datatype="FP32", shape=(rows, 19))
    request.raw_input_contents.append(np.full((rows, 19), 1.5, np.float32).tobytes())
    return request.SerializeToString()


@pytest.mark.parametrize("wrong_rows", [2, 3])
def test_a_request_of_another_length_is_not_known(wrong_rows: int) -> None:
    """Heads of 2 and of 3 rows are as long as each other; the rows behind them must fit."""
    cache: HeadCache[int] = HeadCache()
    for rows in (2, 3):
        cache.remember(infer(rows), rows * 19 * 4, rows)
    head = infer(wrong_rows)[: -wrong_rows * 19 * 4]
    other_rows = 5 - wrong_rows

    assert cache.find(head + b"\xff" * (other_rows * 19 * 4)) is None
    assert cache.find(infer(2)) == (2, infer(2)[-2 * 19 * 4 :])
    assert cache.find(infer(3)) == (3, infer(3)[-3 * 19 * 4 :])
