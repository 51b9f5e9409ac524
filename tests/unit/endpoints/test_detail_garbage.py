"""Requests for details with broken bytes: an answer or a CallError, never anything else."""

from contextlib import suppress

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stubtail.errors import CallError
from stubtail.lane.batch_run import BadRowsError, RunError
from stubtail.models.errors import RunFailed
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints import detailed
from tests.unit.endpoints.detailed import ROW
from tests.unit.endpoints.loaded import run_job
from tests.unit.endpoints.scored import column, decode, dense, named

METHOD = detailed.method()
COLUMNS = [column("amount", 1.0), column("age", 30.0), column("plan", "plus")]


def _several() -> bytes:
    request = scoring_pb2.ScoreRequest.FromString(named("", *COLUMNS))
    request.models.extend(["risk", "days"])
    return request.SerializeToString()


REQUESTS = (
    dense("risk", [ROW], coverage=0.9),
    dense("days", [ROW, ROW], coverage=0.8),
    dense("risk", [ROW], explain=scoring_pb2.Explain(top=2), coverage=0.5),
    dense("wide", np.zeros((2, 12)), explain=scoring_pb2.Explain(top=3)),
    _several(),
)


@st.composite
def _broken(draw: st.DrawFn) -> bytes:
    """A request with some bytes changed, cut out or put in."""
    payload = bytearray(draw(st.sampled_from(REQUESTS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(payload) - 1, 0)))
        length = draw(st.integers(0, 3))
        payload[place : place + length] = draw(st.binary(max_size=3))
    return bytes(payload)


@settings(max_examples=500, deadline=None)
@given(_broken())
def test_broken_requests(payload: bytes) -> None:
    """Whatever is read is a job whose answer is a reply, or a refusal in our words."""
    with suppress(CallError, BadRowsError, RunError, RunFailed), np.errstate(all="ignore"):
        job = decode(METHOD, payload)
        scoring_pb2.ScoreResponse.FromString(run_job(job))
