"""A server and models that would end it: it serves the good ones, names the others, and lives."""

import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

from stubtail.runtime_folder import PREFIX
from tests import evil_models, model_files
from tests.load import INFER, connect, reason_of, request_bytes
from tests.server_process import ROOT
from tests.system.conftest import StartServer
from tests.system.test_hygiene import until

ROWS = request_bytes("affine", np.array([[1, 2, 3]], np.float32))
linux_x86 = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="bounds on memory are Linux's, and only x86 ends a division",
)


def failures(output: str) -> dict[str, str]:
    """The reason of each model that failed to load."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {
        line["model"]: line["reason"] for line in lines if line["event"] == "model failed to load"
    }


@linux_x86
async def test_evil_models_end_no_server(serve: StartServer, models: Path) -> None:
    """A crash, a memory bomb and an endless loop beside a good model, at the start and later."""
    model_files.write_model(models / "bomb" / "1", evil_models.bomb())
    model_files.write_model(models / "crash" / "1", evil_models.crashing())
    model_files.write_model(models / "endless" / "1", evil_models.endless())
    server = serve(models, "native", "--set", "supply.verify_ms_max=5000")
    assert failures(server.output) == {
        "bomb": "loading or running it takes more memory than a check may use",
        "crash": "loading or running it ends the process by SIGFPE",
        "endless": "checking it took more than 5 s",
    }
    async with connect(server.address) as channel:
        assert await channel.unary_unary(INFER)(ROWS, timeout=20)
        # A bad version later replaces nothing.
        model_files.write_model(models / "affine" / "2", evil_models.crashing())
        server.wait_for_output('"event": "model failed to load"', timeout_s=60, count=4)
        assert await channel.unary_unary(INFER)(ROWS, timeout=20)
    server.stop()
    assert server.process is not None
    assert server.process.returncode == 0


def test_the_server_never_imports_what_checks(serve: StartServer, models: Path) -> None:
    """No onnx in the server; the checking process has no secret, and goes when it has no work."""
    os.environ["PROVIDER_TEST_KEY"] = "hush"
    try:
        server = serve(models, "native", "--set", "supply.verify_idle_ms=1500")
    finally:
        del os.environ["PROVIDER_TEST_KEY"]
    process = psutil.Process(server.pid)
    for child in process.children():
        assert "hush" not in child.environ().values()
    if sys.platform == "linux":
        maps = Path(f"/proc/{server.pid}/maps").read_text()
        assert "onnxruntime" in maps
        assert "onnx_cpp2py_export" not in maps
    asyncio.run(until(lambda: not process.children(), "it stays", timeout_s=60))


def test_nothing_outlives_a_killed_server(serve: StartServer, models: Path) -> None:
    """After SIGKILL the checking process ends by itself, and the next start cleans up."""
    server = serve(models, "native", "--set", "supply.verify_idle_ms=600000")
    children = psutil.Process(server.pid).children()
    assert children
    folders = set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    server.stop(signal.SIGKILL)
    assert not psutil.wait_procs(children, timeout=60)[1]
    assert folders & set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    fresh = serve(models, "native")
    left = folders & set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    alive_now = [path for path in left if _is_locked(path)]
    assert left == set(alive_now), "what a dead process left is gone"
    fresh.stop()


async def test_a_hanging_model_keeps_nobody_waiting(serve: StartServer, models: Path) -> None:
    """The ports open, the good model behind it loads, and a killed server leaves no loop behind."""
    model_files.write_model(models / "aaa" / "1", evil_models.endless())
    server = serve(
        *(models, "native", "--set", "models.start_wait_ms=100"),
        *("--set", "supply.verify_ms_max=600000"),
    )
    async with connect(server.address) as channel:
        await asyncio.to_thread(server.wait_for_output, '"event": "model live"', timeout_s=60)
        assert await channel.unary_unary(INFER)(ROWS, timeout=20)
        hanging = request_bytes("aaa", np.array([[1, 2, 3]], np.float32))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(INFER)(hanging, timeout=20)
        assert reason_of(caught.value)[0] == "MODEL_LOADING"
    await asyncio.to_thread(server.wait_for_output, '"event": "model loading"', count=3)
    (child,) = psutil.Process(server.pid).children()
    await until(lambda: sum(child.cpu_times()[:2]) > 2, "it does not loop", timeout_s=60)
    server.stop(signal.SIGKILL)
    if sys.platform == "linux":
        assert not psutil.wait_procs([child], timeout=60)[1]
    else:
        child.kill()


def _is_locked(folder: Path) -> bool:
    """Whether a living process has the folder (those of tests that run beside this one)."""
    import fcntl

    try:
        with (folder / "alive").open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def sign_affine(models: Path, folder: Path) -> Path:
    """Signs the model `affine` by the commands of the documentation; returns the public key."""
    key, public = folder / "key.pem", folder / "key.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    command = [sys.executable, "-m", "stubtail", "models", "sign", "affine"]
    command += ["--models", str(models), "--key-file", str(key)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "affine@1: signed\n"
    return public


async def test_only_signed_models_are_served(serve: StartServer, models: Path, tmp_path) -> None:
    """With signatures required: unsigned refused, signed served, and changed afterwards refused."""
    model_files.write_model(models / "unsigned" / "1", model_files.affine())
    public = await asyncio.to_thread(sign_affine, models, tmp_path)
    server = serve(
        models,
        "grpcio",
        "--set",
        "supply.require_signature=true",
        "--set",
        f"supply.public_key_files={public}",
    )
    assert set(failures(server.output)) == {"unsigned"}
    assert '"signed_by": "' in server.output
    async with connect(server.address) as channel:
        assert await channel.unary_unary(INFER)(ROWS, timeout=20)
        model_files.write_model(models / "affine" / "1", model_files.affine(offset=9.0))
        server.wait_for_output("made for something else", timeout_s=60)
        assert await channel.unary_unary(INFER)(ROWS, timeout=20), "the signed one goes on"
