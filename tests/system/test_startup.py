"""Starting with something wrong: a message that names it and the mend; the rest is served."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests import evil_models, model_files
from tests.load import INFER, affine_oracle, connect, judge, reason_of, request_bytes
from tests.server_process import ROOT
from tests.system.conftest import StartServer
from tests.system.publishing import Admin, affine_graph, version_affine

ROWS = np.array([[1.0, 2.0, 3.0]], np.float32)


def start_and_fail(*options: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code and the output of a server that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "stubtail", "serve", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error", **(environ or {})},
    )
    return done.returncode, done.stdout


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


@pytest.mark.parametrize("option", ["--port", "--http-port"])
def test_a_port_in_use(transport: str, models: Path, taken: int, option: str) -> None:
    """Exit code 1, and one line that names the port and what to do, on both transports."""
    free = "--port" if option == "--http-port" else "--http-port"
    code, output = start_and_fail(
        "--models", str(models), "--transport", transport, option, str(taken), free, "0"
    )
    told = [line for line in output.splitlines() if not line.startswith("{")]
    assert code == 1, output
    assert len(told) == 1, output
    assert told[0].startswith("stubtail: ")
    assert f"127.0.0.1:{taken}" in told[0]
    assert "choose another" in told[0]


@pytest.mark.parametrize("transport", ["native", "grpcio"])
def test_a_port_is_not_shared_by_two_servers_that_start_together(
    models: Path, transport: str
) -> None:
    """One serves, the other says that the port is taken, whoever comes first."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "stubtail", "serve", "--models", str(models)]
    command += ["--transport", transport, "--port", port, "--http-port", "0"]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    try:
        end_s = time.monotonic() + 20
        while all(one.poll() is None for one in both):
            assert time.monotonic() < end_s, "both serve"
            time.sleep(0.02)
        gone = next(one for one in both if one.poll() is not None)
        assert gone.returncode == 1
        assert f"127.0.0.1:{port}" in gone.communicate(timeout=5)[0].decode()
    finally:
        for one in both:
            one.terminate()
            one.communicate(timeout=20)


def test_all_problems_of_a_configuration_at_once(tmp_path: Path) -> None:
    """Exit code 2; every wrong key and value of file, environment and options has its line."""
    file = tmp_path / "stubtail.toml"
    file.write_text('[server]\nprot = 1\nport = "many"\n[limit]\nrows_max = 5\n', encoding="utf-8")
    code, output = start_and_fail(
        *("--config", str(file), "--transport", "carrier-pigeon", "--set", "drain.grace_ms=soon"),
        environ={"STUBTAIL_LIMITS_ROWS_MAX": "-1", "STUBTAIL_LIMITS_ROW_MAX": "1"},
    )
    assert code == 2, output
    first, *problems = output.splitlines()
    assert first == "stubtail: the configuration has 7 problems:"
    wanted = [
        (f"file {file}: server.prot: no such setting", "did you mean server.port?"),
        (f"file {file}: server.port: got", "0 to 65535"),
        (f"file {file}: limit.rows_max: no such setting", "did you mean limits.rows_max?"),
        ("environment variable STUBTAIL_LIMITS_ROWS_MAX: got", "allowed: "),
        ("environment variable STUBTAIL_LIMITS_ROW_MAX: no such setting", "did you mean"),
        ("option --transport: got", '"auto" or "native" or "grpcio"'),
        ("option --set drain.grace_ms: got", "allowed: "),
    ]
    assert len(problems) == len(wanted), output
    for what, mend in wanted:
        assert any(what in line and mend in line for line in problems), (what, mend, output)


@pytest.mark.parametrize(
    "content", ["[server\n", "\xff\xfe", None, "x=" + "[" * 5000, "[server]\nport = " + "9" * 5000]
)
def test_a_configuration_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    """Broken TOML, no text, no file: exit code 2 and the name of the file."""
    file = tmp_path / "stubtail.toml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    code, output = start_and_fail("--config", str(file))
    assert code == 2, output
    assert f"file {file}: " in output
    assert "Traceback" not in output


@pytest.mark.parametrize("kind", ["missing", "a file", "unreadable"])
async def test_a_folder_of_models_that_cannot_be_read(
    serve: StartServer, tmp_path: Path, kind: str
) -> None:
    """The server starts, says what is wrong, and serves the folder as soon as it is mended."""
    folder = tmp_path / "models"
    if kind == "a file":
        folder.write_text("no folder")
    elif kind == "unreadable":
        if os.geteuid() == 0:
            pytest.skip("root reads every folder")
        folder.mkdir(mode=0)
    server = serve(folder, "native")
    problem = "make it a readable folder, or name another with --models"
    server.wait_for_output(problem)
    assert f"{folder}: " in next(line for line in server.lines if problem in line)
    async with connect(server.address) as channel:
        infer = channel.unary_unary(INFER)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await infer(request_bytes("affine", ROWS))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert "the folder of models has none" in str(caught.value.details())
        if kind == "a file":
            folder.unlink()
        elif kind == "unreadable":
            folder.rmdir()
        model_files.write_model(folder / "affine" / "1", model_files.affine())
        await asyncio.to_thread(server.wait_for_output, '"event": "model live"')
        reply = await infer(request_bytes("affine", ROWS))
    assert judge(reply, ROWS, 0, affine_oracle({"1": (2.0, 1.0)})) == ("1", "")


REASONS = {
    "truncated@1": "it is no ONNX model, or it was cut short",
    "liar-hash@1": "graph.sha256 says",
    "liar-shape@1": "one input of float32 [rows, 4]",
    "liar-output@1": 'it has no output "chance"',
    "no-manifest@1": "not valid JSON",
    "outside@1": "lives in another file",
    "link@1": "it is a link that leaves the folder of models",
    "custom@1": "com.example",
    "half@2": "it is no ONNX model, or it was cut short",
}


def write_broken_models(folder: Path) -> None:
    """Every model of REASONS, most of them with nothing that could be served."""
    graph = model_files.scoring()
    lies = model_files.manifest(graph)
    lies["graph"]["sha256"] = "0" * 64
    half = affine_graph(2)
    model_files.write_model(folder / "truncated" / "1", graph[:-20])
    model_files.write_model(folder / "liar-hash" / "1", graph, lies)
    model_files.write_model(folder / "liar-shape" / "1", graph, model_files.manifest(graph, 4))
    output = {"score": "chance", "meaning": "?", "classes": ["stay", "leave"], "threshold": 0.5}
    wrong = model_files.manifest(graph, output=output)
    model_files.write_model(folder / "liar-output" / "1", graph, wrong)
    (model_files.write_model(folder / "no-manifest" / "1", graph) / "model.json").write_text("{")
    model_files.write_model(folder / "outside" / "1", model_files.external_data("/etc/hostname"))
    secret = folder.parent / "secret.onnx"
    secret.write_bytes(graph)
    (folder / "link" / "1").mkdir(parents=True)
    (folder / "link" / "1" / "model.onnx").symlink_to(secret)
    model_files.write_model(folder / "custom" / "1", model_files.custom_operator())
    model_files.write_model(folder / "half" / "1", affine_graph(1))
    model_files.write_model(folder / "half" / "2", half[: len(half) // 2])


async def test_broken_models_beside_good_ones(
    serve: StartServer, transport: str, models: Path
) -> None:
    """Each broken one is told with its file and the mend; all that can be served is served."""
    write_broken_models(models)
    server = serve(models, transport)
    async with connect(server.address) as channel:
        infer, admin = channel.unary_unary(INFER), Admin(channel)
        for reference, problem in REASONS.items():
            name, _, version = reference.partition("@")
            state, reason = (await admin.index(name))[version]
            assert state == "UNAVAILABLE"
            assert reason.startswith(f"{name}/{version}/model."), reason
            assert problem in reason
            assert "; " in reason  # the mend
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await infer(request_bytes(name, ROWS, version=version))
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(caught.value)[0] == "MODEL_FAILED"
            assert problem in str(caught.value.details())
        half, affine = affine_oracle({"1": version_affine(1)}), affine_oracle({"1": (2.0, 1.0)})
        assert judge(await infer(request_bytes("half", ROWS)), ROWS, 0, half) == ("1", "")
        assert judge(await infer(request_bytes("affine", ROWS)), ROWS, 0, affine) == ("1", "")
    failures = [json.loads(line) for line in server.lines if "model failed to load" in line]
    assert {f"{one['model']}@{one['version']}" for one in failures} == set(REASONS)
    assert all(one["file"] and one["reason"] and one["mend"] for one in failures)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_can_be_given_up(models: Path, workers: str) -> None:
    """SIGTERM while a model hangs in its check: the server ends at once, in peace."""
    model_files.write_model(models / "aaa" / "1", evil_models.endless())
    command = [sys.executable, "-m", "stubtail", "serve", "--models", str(models)]
    command += ["--port", "0", "--http-port", "0", "--workers", workers]
    for setting in ("models.start_wait_ms=600000", "supply.verify_ms_max=600000"):
        command += ["--set", setting]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            loading = 0
            while loading < int(workers):
                line = process.stdout.readline()
                assert line, "it ended"
                loading += '"event": "model loading"' in line
            process.terminate()
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert output.count('"event": "stopped"') >= int(workers), output


def test_nothing_in_a_folder_of_models_is_executed(serve: StartServer, models: Path) -> None:
    """Python, pickles, shared libraries and shell scripts beside a model are never touched."""
    mark = models.parent / "executed"
    code = f"open({str(mark)!r}, 'w').close()\n"
    version = models / "affine" / "1"
    for name in ("model.py", "__init__.py", "conftest.py", "sitecustomize.py", "stubtail.py"):
        (version / name).write_text(code)
        (models / name).write_text(code)
    for name in ("model.pkl", "custom_ops.so", "libmodel.so"):
        (version / name).write_bytes(b"\x80\x04cos\nsystem\n(S'touch %s'\ntR." % bytes(mark))
    script = version / "load.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    server = serve(models, "native")
    server.wait_for_output('"event": "model live"')
    assert server.stop() == 0
    assert not mark.exists()
