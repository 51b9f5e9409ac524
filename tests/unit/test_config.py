"""Tests of the settings: where they come from, what is refused, and how it is told."""

from pathlib import Path

import pytest

from stubtail.config import (
    ConfigError,
    Flag,
    Settings,
    from_document,
    load,
    to_document,
    to_toml,
)
from stubtail.config.rules import settings_of


def write(folder: Path, text: str) -> Path:
    """A settings file with this text."""
    path = folder / "stubtail.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(**sources) -> tuple[str, ...]:
    """What `load` complains of."""
    with pytest.raises(ConfigError) as caught:
        load(**{"environ": {}, **sources})
    return caught.value.problems


def test_defaults_need_no_source():
    """Without file, environment and options every setting has its default."""
    assert load(environ={}) == Settings()


def test_every_default_is_allowed():
    """A default keeps its own rule and has a meaning and a reason."""
    for setting in settings_of(Settings):
        assert setting.check(setting.default) == setting.default, setting.key
        assert setting.rule.about, setting.key
        assert setting.rule.why, setting.key


def test_later_sources_win(tmp_path):
    """Defaults < file < environment < command line, each by key."""
    file = write(tmp_path, "[server]\nport = 1\nhttp_port = 2\nio_threads = 3\n")

    settings = load(
        file,
        [Flag("--port", "server.port", "7")],
        {"STUBTAIL_SERVER_PORT": "5", "STUBTAIL_SERVER_HTTP_PORT": "6"},
    )

    assert (settings.server.port, settings.server.http_port) == (7, 6)
    assert settings.server.io_threads == 3
    assert settings.server.host == "127.0.0.1"


def test_environment_names_the_file(tmp_path):
    """STUBTAIL_CONFIG names the file unless the command line does."""
    file = write(tmp_path, "[server]\nport = 1\n")

    assert load(environ={"STUBTAIL_CONFIG": str(file)}).server.port == 1


def test_all_problems_are_told_at_once(tmp_path):
    """One run tells every mistake of every source, with source, key, value and what is allowed."""
    file = write(
        tmp_path,
        '[server]\nprot = 1\nport = "8500"\n[limits]\nrows_max = 0\n[drain]\ngrace_ms = 1.5\n',
    )

    problems = problems_of(
        config_file=file,
        environ={"STUBTAIL_SERVER_TRANSPORT": "http", "STUBTAIL_SERVER_WORKER": "2"},
        flags=[Flag("--workers", "server.workers", "many")],
    )

    variable = "environment variable STUBTAIL_SERVER"
    assert problems == (
        f"{variable}_WORKER: no such setting; did you mean STUBTAIL_SERVER_WORKERS?",
        f"file {file}: server.prot: no such setting; did you mean server.port?",
        f'file {file}: server.port: got "8500"; allowed: a whole number from 0 to 65535',
        f"file {file}: limits.rows_max: got 0; allowed: a whole number from 1 to 16777216",
        f"file {file}: drain.grace_ms: got 1.5; allowed: a whole number from 0 to 3600000",
        f'{variable}_TRANSPORT: got "http"; allowed: "auto" or "native" or "grpcio"',
        'option --workers: got "many"; allowed: "auto" or a whole number from 1 to 256',
    )


def test_right_key_in_wrong_section_is_found():
    """A key without its section is suggested with it."""
    problems = problems_of(flags=[Flag("--set grace_ms", "grace_ms", "1")])

    assert problems == ("option --set grace_ms: no such setting; did you mean drain.grace_ms?",)


def test_unreadable_files_are_told(tmp_path):
    """Missing file, folder, bytes that are no text, bad TOML: each names the file and the cause."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (1024 * 1024 + 1))
    bad = write(tmp_path, "[server]\nport = \n")

    assert "No such file" in problems_of(config_file=tmp_path / "none.toml")[0]
    assert "cannot be read" in problems_of(config_file=tmp_path)[0]
    assert "not UTF-8" in problems_of(config_file=binary)[0]
    assert "is this the file?" in problems_of(config_file=huge)[0]
    (problem,) = problems_of(config_file=bad)
    assert problem.startswith(f"file {bad}: not valid TOML")
    assert "line 2" in problem


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e999", "", "0x"])
def test_numbers_are_finite_and_bounded(value):
    """A number that is not finite, out of bounds or no number is refused."""
    (problem,) = problems_of(environ={"STUBTAIL_SCHEDULING_BATCH_RUN_MS_MAX": value})

    assert "allowed: a number from 0.05 to 10000" in problem


def test_types_are_not_guessed_in_files(tmp_path):
    """In TOML true is no number, 1 is no switch, and a table or list is nothing."""
    file = write(
        tmp_path,
        "[server]\nport = true\n[models]\nwatch = 1\ndirectory = []\nsettle_ms.x = 1\n"
        'versions_kept = "auto"\n',
    )

    keys = [problem.split(": ")[1] for problem in problems_of(config_file=file)]

    assert keys == [
        "server.port",
        "models.watch",
        "models.directory",
        "models.settle_ms",
        "models.versions_kept",
    ]


def test_sections_that_are_no_tables_are_told(tmp_path):
    """`server = 3` is a mistake, not a crash."""
    (problem,) = problems_of(config_file=write(tmp_path, "server = 3\n"))

    assert "server: no such setting" in problem


@pytest.mark.parametrize(("text", "value"), [("on", True), ("FALSE", False), ("0", False)])
def test_switches_take_the_usual_words(text, value):
    """true, on, yes, 1 and their opposites."""
    assert load(environ={"STUBTAIL_MODELS_WATCH": text}).models.watch is value


def test_whole_numbers_are_taken_for_numbers(tmp_path):
    """A float setting takes 3 and holds 3.0."""
    settings = load(write(tmp_path, "[scheduling]\nslack_high_ms = 3\n"), environ={})

    assert isinstance(settings.scheduling.slack_high_ms, float)
    assert settings.scheduling.slacks_s == (0.005, 0.003, 0.1, 1.0)


def test_kubernetes_service_links_are_no_settings():
    """What Kubernetes sets for services called stubtail or stubtail-server is ignored."""
    environ = {
        "STUBTAIL_PORT": "tcp://10.0.0.1:8500",
        "STUBTAIL_SERVICE_HOST": "10.0.0.1",
        "STUBTAIL_SERVICE_PORT_GRPC": "8500",
        "STUBTAIL_PORT_8500_TCP_PORT": "8500",
        "STUBTAIL_SERVER_PORT": "tcp://10.0.0.1:8500",
        "STUBTAIL_SERVER_SERVICE_PORT": "8500",
    }

    assert load(environ=environ) == Settings()


def test_conflicts_between_settings_name_their_sources(tmp_path):
    """Values that are right alone and wrong together are told with the source of each."""
    file = write(
        tmp_path,
        "[scheduling]\ndeadline_default_ms = 9000\n[limits]\nqueue_bytes_max = 2000\n"
        "[supervisor]\nrestart_backoff_min_ms = 20000\nheartbeat_interval_ms = 9000\n",
    )

    problems = problems_of(
        config_file=file,
        environ={"STUBTAIL_SCHEDULING_SHARE_LOW": "0.5"},
        flags=[
            Flag("--set scheduling.deadline_max_ms", "scheduling.deadline_max_ms", "8000"),
            Flag("--port", "server.port", "8501"),
        ],
    )

    assert len(problems) == 6
    assert "option --port; default of server.http_port: both are 8501" in problems[0]
    assert "must hold the largest message" in problems[1]
    assert problems[2] == (
        f"file {file}: scheduling.deadline_default_ms; option --set scheduling.deadline_max_ms: "
        "the default (9000) must not be above the longest (8000)"
    )
    assert "add up to 1.4" in problems[3]
    assert "first wait (20000)" in problems[4]
    assert "at least two intervals" in problems[5]


def test_conflicts_are_not_told_of_wrong_values():
    """A value that was refused on its own is not blamed a second time."""
    flags = [Flag("--set a", "limits.message_bytes_max", "x")]

    assert len(problems_of(flags=[*flags, Flag("--set b", "limits.queue_bytes_max", "1024")])) == 1


def test_two_free_ports_do_not_collide():
    """Port 0 twice gives two ports."""
    flags = [Flag("--port", "server.port", "0"), Flag("--http-port", "server.http_port", "0")]

    assert load(flags=flags, environ={}).server.port == 0


def test_printed_settings_read_back(tmp_path):
    """`stubtail config` prints a file that gives the same settings, whatever signs are in them."""
    directory = 'a "folder" \\ with é \U0001f600 \x7f \t and = # signs'
    flags = [Flag("--models", "models.directory", directory)]
    settings = load(flags=flags, environ={"STUBTAIL_SERVER_WORKERS": "auto"})

    text = to_toml(settings)

    assert load(write(tmp_path, text), environ={}) == settings
    assert "# largest message, bytes" in text
    assert "default 16777216" in text


def test_settings_survive_the_handover():
    """What a worker is handed is what the supervisor had."""
    settings = load(environ={"STUBTAIL_SERVER_PORT": "9000", "STUBTAIL_LOG_LEVEL": "debug"})

    assert from_document(Settings, to_document(settings)) == settings


def test_long_values_are_cut():
    """A mistake of a megabyte does not fill the terminal."""
    (problem,) = problems_of(environ={"STUBTAIL_SERVER_PORT": "9" * 100_000})

    assert len(problem) < 300
