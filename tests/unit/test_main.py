"""Tests of the command line without a server: what is printed and what is refused."""

import io
import sys
from pathlib import Path

import pytest

from stubtail import __main__ as command


class Terminal(io.StringIO):
    """A stream at which a person looks."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_ready_is_one_line():
    """Programs read one line with `ready` and the address, and nothing else."""
    out = io.StringIO()
    command.announce("127.0.0.1:8500", "http://127.0.0.1:8501", out)

    (line,) = out.getvalue().splitlines()
    assert "ready on 127.0.0.1:8500, metrics on http://127.0.0.1:8501/metrics" in line


@pytest.mark.parametrize(
    ("address", "reached_at"),
    [
        ("0.0.0.0:8500", "127.0.0.1:8500"),
        ("[::]:8500", "127.0.0.1:8500"),
        ("10.0.0.1:9", "10.0.0.1:9"),
    ],
)
def test_terminal_gets_the_next_command(address, reached_at):
    """A person gets a command to paste, with an address that can be called."""
    out = Terminal()
    command.announce(address, "http://127.0.0.1:8501", out)

    _, _, pasted = out.getvalue().splitlines()
    python, *rest = pasted.split()
    assert (Path.cwd() / python).samefile(sys.executable)
    assert rest[:2] == ["-m", "stubtail_client"]
    assert f"--server {reached_at} " in pasted


def test_reader_that_has_gone_is_no_error():
    """A closed standard output does not stop a server."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    command.announce("a:1", "b:2", Gone())


def test_without_command_help_is_shown(capsys):
    """`stubtail` alone teaches."""
    assert command.main([]) == 0
    assert "examples:" in capsys.readouterr().out


def test_version(capsys):
    """The version is that of the package."""
    with pytest.raises(SystemExit) as ended:
        command.main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("stubtail ")


def test_options_are_settings(capsys):
    """Options and --set become settings; the later --set wins."""
    arguments = ["--models", "a=b", "--set", "drain.grace_ms=5", "--set", " drain.grace_ms = 6 "]

    assert command.main(["config", *arguments]) == 0
    printed = capsys.readouterr().out
    assert 'directory = "a=b"' in printed
    assert "grace_ms = 6" in printed


def test_wrong_settings_end_with_2(capsys):
    """Wrong settings are told on standard error, all of them."""
    assert command.main(["serve", "--port", "x", "--set", "nonsense"]) == 2

    captured = capsys.readouterr()
    assert captured.err.startswith("stubtail: the configuration has 2 problems:\n")
    assert captured.out == ""


def test_worker_needs_a_supervisor(capsys):
    """Started by hand, a worker says who starts workers."""
    assert command.main(["worker", "--control-fd", "9999"]) == 1
    assert "stubtail serve --workers N" in capsys.readouterr().err
