"""What the end of a checking process says about the version that it checked."""

import subprocess
import sys

import pytest

from stubtail.models import verifier_child
from stubtail.models.confine import processor_s
from stubtail.models.errors import ModelError
from stubtail.models.session import SessionOptions
from stubtail.models.verifier import SILENT_S, Verifier, VerifierOptions

SECONDS = 0.2
# Speaks the protocol of the process that checks, and then does what a test wants.
SCRIPT = """#!{python} -S
import os, signal, sys, time
print('{{"hello": 1}}', flush=True)
sys.stdin.readline()
print('{{"begun": 1}}', flush=True)
{act}
"""


def verdict(monkeypatch, folder, act, **bounds) -> ModelError:
    """What is said of a version whose check does this."""
    script = folder / "python"
    script.write_text(SCRIPT.format(python=sys.executable, act=act))
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    verifier = Verifier(VerifierOptions(**bounds))
    try:
        with pytest.raises(ModelError) as caught:
            verifier.verify(folder, "m", "1", options=SessionOptions(), inside=folder)
    finally:
        verifier.close()
    return caught.value


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_killed_by_others_is_no_verdict(monkeypatch, tmp_path, name):
    """A kernel out of memory, or somebody who cleans up: the version may be good."""
    error = verdict(monkeypatch, tmp_path, f"os.kill(os.getpid(), signal.{name})")
    assert error.passing
    assert name in error.problem


@pytest.mark.parametrize("act", ["os.kill(os.getpid(), signal.SIGSEGV)", "os.abort()", "exit(3)"])
def test_a_crash_is_one(monkeypatch, tmp_path, act):
    """It is not tried again until its files change."""
    error = verdict(monkeypatch, tmp_path, act)
    assert "ends the process" in error.problem
    assert not error.passing


@pytest.mark.parametrize(
    ("used_s", "passing"), [(0.1 * SECONDS, True), (0.9 * SECONDS, False), (None, False)]
)
def test_who_had_no_processor_is_not_blamed(monkeypatch, tmp_path, used_s, passing):
    """A check that ran out of time without having had the processor is done again."""
    answers = iter([1.0, 1.0 + used_s] if used_s is not None else [None, None])
    monkeypatch.setattr(verifier_child, "processor_s", lambda _: next(answers))
    error = verdict(monkeypatch, tmp_path, "time.sleep(60)", seconds_max=SECONDS)
    assert "took more than 0.2 s" in error.problem
    assert error.passing is passing


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of other processes")
def test_processor_time_of_a_process():
    """Seconds, and nothing for a process that is none."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        while (processor_s(process.pid) or 0.0) < 0.1:
            assert process.poll() is None
        process.kill()
    assert processor_s(process.pid) is None


def test_one_silent_process_for_all_that_wait(monkeypatch, tmp_path):
    """One that says nothing is waited for once; who comes next is refused at once, for a while."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(verifier_child, "START_SECONDS_MAX", 0.05)
    started, now = [], [100.0]
    popen = subprocess.Popen

    def counting(*arguments, **more):
        started.append(arguments)
        return popen(*arguments, **more)

    monkeypatch.setattr(subprocess, "Popen", counting)
    verifier = Verifier(VerifierOptions(), clock=lambda: now[0])
    counts = []
    for later_s in (0.0, 0.0, SILENT_S):
        now[0] += later_s
        with pytest.raises(ModelError, match="does not start") as caught:
            verifier.verify(tmp_path, "m", "1", options=SessionOptions(), inside=tmp_path)
        assert caught.value.passing
        counts.append(len(started))
    verifier.close()
    assert counts == [1, 1, 2]
