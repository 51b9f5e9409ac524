"""The examples that a newcomer copies: a notebook, and C++ over its own stubs."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from clients.foreign import tools
from clients.foreign.commands import run

EXAMPLES = tools.ROOT / "clients" / "examples"
BUILD = tools.ROOT / ".cache" / "cpp-scoring"


def test_the_notebook(server: str, tmp_path: Path) -> None:
    """All of its cells, and the plot that it draws."""
    plot = tmp_path / "forecast.png"
    notebook = EXAMPLES / "python-notebook" / "notebook.py"
    environment = {**os.environ, "STUBTAIL_SERVER": server, "PLOT": str(plot)}
    told = run([sys.executable, "-W", "error", notebook], environment=environment)
    assert "customers are likely to leave" in told
    assert "replicas" in told
    assert "spike" in told
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def cpp() -> tuple[Path, dict[str, str]]:
    """The example in C++, built, and the environment that it runs in."""
    environment, prefix = dict(os.environ), []
    missing = [name for name in ("g++", "cmake") if shutil.which(name) is None]
    if shutil.which("grpc_cpp_plugin") is None:
        if not tools.DEBIAN.exists():
            missing.append(f"libgrpc++-dev, protobuf-compiler-grpc (`{tools.COMMAND}`)")
        usr = tools.DEBIAN / "usr"
        libraries = usr / "lib" / "x86_64-linux-gnu"
        environment["PATH"] = f"{usr / 'bin'}:{environment['PATH']}"
        environment["LD_LIBRARY_PATH"] = environment["LIBRARY_PATH"] = str(libraries)
        prefix = [f"-DCMAKE_PREFIX_PATH={usr}"]
    if missing:
        pytest.skip(f"the example in C++ is not built: {', '.join(missing)} missing")
    spec = find_spec("google.rpc")
    assert spec is not None
    googleapis = Path(next(iter(spec.submodule_search_locations or []))).parents[1]
    source = EXAMPLES / "cpp-scoring"
    configure: list[str | Path] = [
        "cmake",
        "-S",
        source,
        "-B",
        BUILD,
        f"-DGOOGLEAPIS={googleapis}",
        *prefix,
    ]
    run(configure, environment=environment)
    run(["cmake", "--build", BUILD, "--parallel", "2"], environment=environment)
    return BUILD / "cpp-scoring", environment


@pytest.mark.timeout(300)  # the first time it compiles the stubs
def test_cpp(cpp: tuple[Path, dict[str, str]], server: str) -> None:
    """A score, and an error with what the server says about it."""
    program, environment = cpp
    score, label, version = run([program, server], environment=environment).split()
    assert 0.5 < float(score) < 1
    assert (label, version) == ("leave", "1")
    told = run([program, server, "Three year"], environment=environment, status=1)
    assert "reason INVALID_FIELD" in told
    assert "field rows[0].contract" in told
