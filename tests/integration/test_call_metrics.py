"""What the metrics and the timing of a call tell, over a real socket on both transports."""

import re

import grpc
import numpy as np
import pytest

from tests.integration.calls import INFER, SCORE, dense, infer_request, refused, start
from tests.server_process import ServerProcess

ROWS = np.array([[1, 2, 3]], np.float32)


def sample(server: ServerProcess, pattern: str) -> float:
    """The sum of all samples whose line begins with a match of `pattern`."""
    status, text = server.http("/metrics")
    assert status == 200
    return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.MULTILINE))


def test_who_has_an_answer_is_counted(server: ServerProcess, channel: grpc.Channel) -> None:
    """A call is noted before its reply leaves, so that a caller finds itself in the next scrape."""
    answered = r'stubtail_calls_total\{.*model="affine".*status="OK".*\}'
    before = sample(server, answered)
    for number in range(1, 6):
        start(channel, INFER, infer_request("affine", x=ROWS)).result()
        assert sample(server, answered) == before + number


def test_a_refusal_is_counted_with_its_reason(server: ServerProcess, channel: grpc.Channel) -> None:
    """Calls that never become a job are told apart by the reason that their callers got."""
    refusals = r'stubtail_refusals_total\{.*reason="%s".*\}'
    before = {why: sample(server, refusals % why) for why in ("INVALID_FIELD", "MODEL_NOT_FOUND")}
    assert refused(channel, SCORE, dense("affine", ROWS[:, :2])).reason == "INVALID_FIELD"
    assert refused(channel, SCORE, dense("nobody", ROWS)).reason == "MODEL_NOT_FOUND"
    for why, count in before.items():
        assert sample(server, refusals % why) == count + 1


@pytest.mark.parametrize(("asked", "told"), [("1", True), ("0", False), ("", False)])
def test_timing_comes_for_one(channel: grpc.Channel, asked: str, told: bool) -> None:
    """`stubtail-timing: 1` asks for the phases; any other value does not."""
    metadata = (("stubtail-timing", asked),)
    call = start(channel, INFER, infer_request("affine", x=ROWS), metadata=metadata)
    call.result()
    assert ("stubtail-timing" in dict(call.trailing_metadata())) == told
