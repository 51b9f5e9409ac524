"""The conformance suite on the Python client: real cases on a transport, scripted and broken ones.

`make conformance` runs all cases and all languages; here are the cases that take no second, so that
the suite itself cannot rot.
"""

import contextlib
from pathlib import Path

import pytest

from clients.conformance import cases
from clients.conformance.__main__ import run
from clients.conformance.matrix import PASS, SKIP
from clients.conformance.runners import RUNNERS
from tests.forecasting_ready import until_it_forecasts

PYTHON = next(one for one in RUNNERS if one.language == "python")
QUICK = {
    "retry-pushback",
    "retry-not-without-time",
    "unicode",
    "nan-and-infinity",
    "status-invalid-argument",
    "every-reason",
}


@pytest.mark.parametrize("broken", [False, True])
def test_scripted_cases(broken: bool) -> None:
    """They hold against the scripted server, and fail against the broken one."""
    selected = [case for case in cases.read() if case.name in QUICK]
    assert len(selected) == len(QUICK)
    verdicts = list(run(selected, [PYTHON], broken=broken))
    assert len(verdicts) == len(QUICK)
    for one in verdicts:
        assert one.ok or broken, one
        assert not broken or one.mark != PASS, one


@pytest.mark.parametrize("transport", ["native"])
def test_real_cases(transport: str, tmp_path: Path) -> None:
    """Every case of the real server holds, or is left out with a reason; both with `make`."""
    from clients.conformance import __main__ as suite
    from clients.conformance import servers

    own = [case for case in cases.read() if case.server == "real"]
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(servers.real(transport))
        until_it_forecasts(address)
        verdicts = list(suite.asked(own, [PYTHON], transport, address, tmp_path))
    assert len(verdicts) == len(own)
    wrong = [one for one in verdicts if not one.ok or (one.mark == SKIP and not one.detail)]
    assert not wrong, wrong
