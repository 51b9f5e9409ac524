"""What a provider puts where something else belongs: a call fails, and tells no key."""

import asyncio
import itertools
import json
from typing import Any

import pytest

from stubtail.config import Secret
from stubtail.errors import CallError, Code
from stubtail.llm.attempts import Means
from stubtail.llm.embed import EmbedCall
from stubtail.llm.reader import ReadLimits
from stubtail.v1 import llm_pb2
from tests.unit.llm.fakes import FakeHttp, FakeReply, run, terms, upstream

KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("invalid_api_key", "invalid_api_key"),
        (KEY, ""),
        (f"bad:{KEY}", ""),
        (KEY[:12], ""),
        ("sk", "sk"),
    ],
)
@pytest.mark.parametrize("status", [200, 401, 503])
def test_a_key_that_a_provider_repeats_is_not_told(code: str, told: str, status: int) -> None:
    """Its code for an error is passed on, but not where the key is in it, or much of the key."""
    one = upstream()
    one.origin.key = Secret(KEY)
    body = json.dumps({"error": {"code": code, "message": f"wrong key {KEY}"}}).encode()
    pieces = [b"data: " + body + b"\n\n"] if status == 200 else [body]
    events, error = run(FakeHttp(FakeReply(pieces, status=status)), [one])
    assert error is not None
    assert KEY[:8] not in f"{events} {error.message} {error.trailing_metadata}"
    assert (f"{code})" in error.message) == bool(told)


@pytest.mark.parametrize(
    "vector", [[10**400], [1e39], 10**400, [float("nan")], ["\ud83d"], [[1.0]], [], None, {"a": 1}]
)
def test_what_is_no_vector_is_no_answer(vector: Any) -> None:
    """Numbers that no float can hold among them; nothing is printed for them either."""
    ticks = itertools.count()
    http: Any = FakeHttp(FakeReply([json.dumps({"data": [{"embedding": vector}]}).encode()]))
    means = Means(http, ReadLimits(10_000, 10_000), lambda: next(ticks) * 1e-6, float)
    request = llm_pb2.EmbedRequest(model="m", inputs=["a"])
    with pytest.raises(CallError) as caught:
        asyncio.run(EmbedCall(means, request, terms([upstream()])).whole())
    assert (caught.value.code, caught.value.reason) == (Code.UNAVAILABLE, "UPSTREAM_FAILED")
