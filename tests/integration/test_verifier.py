"""The process that checks models: it may crash, hang and fill its memory; whoever asks goes on."""

import contextlib
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stubtail.config import child_environment
from stubtail.models.errors import ModelError
from stubtail.models.session import LoadedModel, SessionOptions, load_model
from stubtail.models.verifier import Verifier, VerifierOptions
from stubtail.models.verify import verify_version
from tests import evil_models, model_files
from tests.model_files import write_model

ENVIRON = child_environment(dict(os.environ))


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    """A verifier with the bounds of a server, but for the time."""
    made = Verifier(VerifierOptions(seconds_max=20.0, environ=ENVIRON))
    yield made
    made.close()
    until(lambda: not children(), "a process is left behind")


def children() -> list[psutil.Process]:
    """The checking processes of this one."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ends in this very moment
            if "stubtail.models.verifier_process" in child.cmdline():
                found.append(child)
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition, generously."""
    end_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


def load(verifier: Verifier, root: Path, name: str, graph: bytes, **more) -> LoadedModel:
    """The version 1 of a model of this graph."""
    folder = write_model(root / name / "1", graph, more.pop("document", None))
    return load_model(folder, name, "1", inside=root, verify=verifier.verify, **more)


def test_the_proof_of_another_process_is_the_same(verifier, tmp_path, shipped_models):
    """What the process finds out is what this one would: signature, notes, hashes."""
    write_model(tmp_path / "maps" / "1", model_files.classifier(zipmap=True))
    write_model(tmp_path / "text" / "1", model_files.strings())
    for root, name in [(tmp_path, "maps"), (tmp_path, "text"), (shipped_models, "churn")]:
        path, options = root / name / "1", SessionOptions()
        there = verifier.verify(path, name, "1", options=options, inside=root)
        here = verify_version(path, name, "1", options=options, inside=root)
        assert there.signature == here.signature
        assert (there.sha256, there.manifest_sha256) == (here.sha256, here.manifest_sha256)
        assert there.notes == here.notes


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="bounds on memory are Linux's, and only x86 ends a division",
)
def test_what_ends_a_process_ends_only_that_one(verifier, tmp_path):
    """A crash, a memory bomb: each fails with its own reason, and the next good one loads."""
    with pytest.raises(ModelError, match="ends the process by SIGFPE") as crashed:
        load(verifier, tmp_path, "crash", evil_models.crashing())
    assert not crashed.value.passing, "its own files are to blame: it is not tried again"
    with pytest.raises(ModelError, match="more memory than a check may use"):
        load(verifier, tmp_path, "bomb", evil_models.bomb())
    assert load(verifier, tmp_path, "good", model_files.affine()).signature.batchable
    assert len(children()) == 1


def test_an_endless_loop_is_ended(tmp_path):
    """What does not end in time is ended, by the clock of the server."""
    verifier = Verifier(VerifierOptions(seconds_max=1.0, environ=ENVIRON))
    try:
        with pytest.raises(ModelError, match="took more than 1 s"):
            load(verifier, tmp_path, "endless", evil_models.endless())
    finally:
        verifier.close()


def test_refusals_come_through(verifier, tmp_path):
    """The words of a refusal are the same as without the process, and it lives on."""
    with pytest.raises(ModelError, match="cut short; copy or export it again") as caught:
        load(verifier, tmp_path, "cut", model_files.affine()[:50])
    assert caught.value.where == "cut/1/model.onnx"
    assert caught.value.detail
    (process,) = children()
    options = SessionOptions(initializer_bytes_max=4)
    with pytest.raises(ModelError, match="constants take more than 4 bytes"):
        load(verifier, tmp_path, "constants", model_files.affine(), options=options)
    assert children() == [process], "one process for all of them"


def test_it_ends_when_idle_and_comes_back(tmp_path):
    """Without work it goes; the next check starts another one, also in the moment of its end."""
    verifier = Verifier(VerifierOptions(idle_s=0.2, environ=ENVIRON))
    try:
        for number in range(4):
            load(verifier, tmp_path, f"m{number}", model_files.affine())
            until(lambda: not children(), "idle for ever")
    finally:
        verifier.close()


def test_its_end_by_others_is_no_verdict(verifier, tmp_path):
    """Ended while idle, by whomever, it is started again, at whatever moment that was."""
    for number in range(3):
        load(verifier, tmp_path, f"m{number}", model_files.affine())
        (process,) = children()
        process.send_signal(signal.SIGKILL)


def test_files_that_change_after_the_check(verifier, tmp_path):
    """Only the bytes that were checked are loaded, whatever lies there by then."""

    def verify(path, name, version, /, **more):
        proof = verifier.verify(path, name, version, **more)
        write_model(tmp_path / "m" / "1", evil_models.crashing())
        return proof

    folder = write_model(tmp_path / "m" / "1", model_files.affine())
    with pytest.raises(ModelError, match="changed while they were checked"):
        load_model(folder, "m", "1", inside=tmp_path, verify=verify)


def test_it_sees_no_secret_and_writes_no_file(verifier, tmp_path, monkeypatch):
    """Its environment has the few variables that a process needs, its files are bounded."""
    monkeypatch.setenv("STUBTAIL_TEST_KEY", "hush")
    load(verifier, tmp_path, "one", model_files.affine())
    (process,) = children()
    assert not [name for name in process.environ() if "KEY" in name or "TOKEN" in name]
    assert process.nice() > psutil.Process().nice() or psutil.Process().nice() == 19
    if sys.platform == "linux":
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_FSIZE)[0] <= 65536
        assert process.rlimit(psutil.RLIMIT_AS)[0] < 2**40


def test_no_process_no_model(tmp_path, monkeypatch):
    """Where it cannot be started the version is refused, and may be tried again."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    verifier = Verifier(VerifierOptions(environ=ENVIRON))
    verifier.start()  # says nothing yet
    with pytest.raises(ModelError, match=r"cannot be checked: .*supply.verify_in=server") as caught:
        load(verifier, tmp_path, "one", model_files.affine())
    assert caught.value.passing


def test_after_close_nothing_starts(tmp_path):
    """A closed verifier starts no process."""
    verifier = Verifier(VerifierOptions(environ=ENVIRON))
    verifier.close()
    with pytest.raises(ModelError, match="shutting down"):
        load(verifier, tmp_path, "one", model_files.affine())
    assert not children()
