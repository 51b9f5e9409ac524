"""The watcher over a restart of a real server: what it has learned goes on, and Ctrl-C ends it."""

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.conformance import models, servers

pytestmark = pytest.mark.timeout(400)
WAIT_S = 100.0
PROGRAM = servers.ROOT / ".cache" / "rust" / "debug" / "rust-watcher"


class Watcher:
    """The program, fed line by line."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own example
            [PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.strip())

    def give(self, *lines: str) -> None:
        """Writes lines into its standard input."""
        assert self.process.stdin is not None
        for line in lines:
            self.process.stdin.write(line + "\n")

    def told(self) -> str:
        """The next line that it prints."""
        return self._lines.get(timeout=WAIT_S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the server."""
    if not PROGRAM.exists():
        pytest.skip("the watcher has not been built: `clients/test rust` does")
    return models.write_all(tmp_path_factory.mktemp("models"))


@pytest.fixture
def started() -> Iterator[list[Watcher]]:
    """Watchers that end with the test."""
    watchers: list[Watcher] = []
    yield watchers
    for watcher in watchers:
        watcher.process.kill()
        watcher.process.communicate()


@pytest.mark.parametrize("transport", ["native", "grpcio"])
def test_what_was_learned_goes_on(folder: Path, started: list[Watcher], transport: str) -> None:
    """Without it, the point after the restart would be the first of its key, and no alarm."""
    with servers.stubtail(folder, transport) as first:
        watcher = Watcher("--server", first.address, "--warm-up", "8", "--all")
        started.append(watcher)
        watcher.give("key,time,value", *(f"load,{time},{1 + time % 2}" for time in range(20)))
        seen = [watcher.told() for _ in range(20)]
        assert "learning" in seen[0]
        assert "as expected" in seen[-1], seen
        port = first.address.rpartition(":")[2]
    watcher.give("load,20,1")  # while nobody answers
    with servers.stubtail(folder, transport, "--port", port):
        assert "as expected" in watcher.told()
        watcher.give("load,21,50")
        assert watcher.told().startswith("ALARM 21 load 50: Spike")
        watcher.process.send_signal(signal.SIGINT)
        assert watcher.process.wait(WAIT_S) == 0
        assert watcher.told() == "22 points, 1 alarms"


def test_a_file_is_read_to_its_end(folder: Path, started: list[Watcher], tmp_path: Path) -> None:
    """Then the program ends by itself."""
    rows = [f"{time},{9 if time == 30 else 1 + time % 2},k" for time in range(40)]
    table = tmp_path / "metrics.csv"
    table.write_text("time,value,key\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with servers.stubtail(folder, "auto") as running:
        watcher = Watcher("--server", running.address, "--warm-up", "8", str(table))
        started.append(watcher)
        assert watcher.told().startswith("ALARM 30 k 9: Spike")
        assert watcher.told() == "40 points, 1 alarms"
        assert watcher.process.wait(WAIT_S) == 0


def test_whoever_reads_may_leave(folder: Path, tmp_path: Path) -> None:
    """As `head` does: that is told in a line, and is no panic."""
    table = tmp_path / "metrics.csv"
    table.write_text("time,value,key\n" + "1,1,k\n" * 2000, encoding="utf-8")
    with servers.stubtail(folder, "auto") as running:
        process = subprocess.Popen(  # noqa: S603 - our own example
            [PROGRAM, "--server", running.address, "--all", str(table)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(WAIT_S) == 1
        said = process.stderr.read()
        process.stderr.close()
    assert "Broken pipe" in said, said
    assert "panicked" not in said, said
