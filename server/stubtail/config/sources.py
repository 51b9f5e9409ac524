"""Reads settings from TOML, environment and command line, checks them and prints them as TOML."""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from stubtail.config.rules import PREFIX, Setting, settings_of

FILE_VARIABLE: Final = "STUBTAIL_CONFIG"
FILE_BYTES_MAX: Final = 1024 * 1024  # a settings file has a few kB; a wrong path may have anything
SHOWN_CHARACTERS_MAX: Final = 80
# Kubernetes sets STUBTAIL_PORT=tcp://... and its like for a service that is called "stubtail".
_SERVICE_LINK: Final = re.compile(r".*_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_SERVICE_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")

Root = TypeVar("Root")
Conflicts = Callable[[Any], Iterable[tuple[tuple[str, ...], str]]]


class Flag(NamedTuple):
    """One setting from the command line: the option as typed, `section.key` and the text."""

    option: str
    key: str
    text: str


class ConfigError(ValueError):
    """The configuration is wrong; the message has one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class _Given(NamedTuple):
    """A value as some source gave it; `origin` names the source and the key for people."""

    origin: str
    key: str
    value: object
    is_text: bool


def read_settings(
    root: type[Root],
    conflicts: Conflicts,
    config_file: Path | None,
    environ: Mapping[str, str],
    flags: Sequence[Flag],
) -> Root:
    """Settings from defaults < file < environment < command line.

    Args:
        root: a dataclass of section dataclasses whose fields are Annotated with a Rule.
        conflicts: says what is wrong between settings: the keys involved and the rule.
        config_file: TOML; None takes the one that STUBTAIL_CONFIG names, if any.
        environ: the environment variables.
        flags: what the command line sets.

    Raises:
        ConfigError: lists every problem with its source, its key and what is allowed.
    """
    known = {setting.key: setting for setting in settings_of(root)}
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    wrong: set[str] = set()
    if config_file is None and environ.get(FILE_VARIABLE):
        config_file = Path(environ[FILE_VARIABLE])
    sources = [
        *(_from_file(config_file, problems) if config_file is not None else ()),
        *_from_environment(environ, known, problems),
        *(_Given(f"option {flag.option}", flag.key, flag.text, True) for flag in flags),
    ]
    for given in sources:
        setting = known.get(given.key)
        if setting is None:
            problems.append(f"{given.origin}: no such setting{_suggest(given.key, known)}")
            continue
        try:
            is_text = given.is_text
            value = setting.parse(str(given.value)) if is_text else setting.check(given.value)
        except (ValueError, OverflowError):
            wrong.add(given.key)
            problems.append(
                f"{given.origin}: got {_shown(given.value)}; allowed: {setting.allowed}"
            )
            continue
        values[given.key] = value
        origins[given.key] = given.origin
    settings = _build(root, values)
    for keys, rule in conflicts(settings):
        if wrong.isdisjoint(keys):
            where = "; ".join(origins.get(key, f"default of {key}") for key in keys)
            problems.append(f"{where}: {rule}")
    if problems:
        raise ConfigError(problems)
    return settings


def to_document(settings: Any) -> dict[str, dict[str, Any]]:
    """The settings as plain values by section and key: what a worker process is handed."""
    return {
        section.name: {
            field.name: getattr(getattr(settings, section.name), field.name)
            for field in fields(getattr(settings, section.name))
        }
        for section in fields(settings)
    }


def from_document(root: type[Root], document: Mapping[str, Mapping[str, Any]]) -> Root:
    """The settings that `to_document` took apart."""
    pairs = ((f"{s}.{k}", v) for s, values in document.items() for k, v in values.items())
    return _build(root, dict(pairs))


def to_toml(settings: Any) -> str:
    """A TOML file that gives these settings, every key with its meaning, bound and reason."""
    lines = ["# Settings of stubtail. Order of strength: this file, then STUBTAIL_<SECTION>_<KEY>"]
    lines.append("# in the environment, then the command line (--set section.key=value).")
    section = ""
    for setting in settings_of(type(settings)):
        if setting.section != section:
            section = setting.section
            about = (type(getattr(settings, section)).__doc__ or "").strip()
            lines += ["", f"# {about}", f"[{section}]"]
        value = getattr(getattr(settings, section), setting.name)
        default = f"default {_toml(setting.default)}"
        why = f" ({setting.rule.why})" if setting.rule.why else ""
        lines.append(f"# {setting.rule.about}")
        lines.append(f"#   {setting.allowed}{why}; {default}")
        lines.append(f"{setting.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _build(root: type[Root], values: Mapping[str, Any]) -> Root:
    sections = {}
    for name, section_type in get_type_hints(root).items():
        given = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{name}.")}
        sections[name] = section_type(**given)
    return root(**sections)


def _from_file(path: Path, problems: list[str]) -> Iterator[_Given]:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            problems.append(f"file {path}: more than {FILE_BYTES_MAX} bytes; is this the file?")
            return
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        problems.append(f"file {path}: cannot be read: {error.strerror or error}")
        return
    except UnicodeDecodeError as error:
        problems.append(f"file {path}: not UTF-8 text (byte {error.start})")
        return
    except tomllib.TOMLDecodeError as error:
        problems.append(f"file {path}: not valid TOML: {error}")
        return
    for section, values in document.items():
        if not isinstance(values, dict):
            yield _Given(f"file {path}: {section}", section, values, False)
            continue
        for key, value in values.items():
            yield _Given(f"file {path}: {section}.{key}", f"{section}.{key}", value, False)


def _from_environment(
    environ: Mapping[str, str], known: Mapping[str, Setting], problems: list[str]
) -> Iterator[_Given]:
    by_variable = {setting.variable: setting.key for setting in known.values()}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == FILE_VARIABLE:
            continue
        if _SERVICE_ADDRESS.match(environ[name]):
            continue
        if name in by_variable:
            origin = f"environment variable {name}"
            yield _Given(origin, by_variable[name], environ[name], True)
        elif not _SERVICE_LINK.fullmatch(name):
            hint = _suggest(name, by_variable)
            problems.append(f"environment variable {name}: no such setting{hint}")


def _suggest(name: str, known: Iterable[str]) -> str:
    # The right key under a wrong section or under none comes before a similar spelling.
    near = [key for key in known if key.partition(".")[2] == name.rpartition(".")[2]]
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else "; `stubtail config` lists all settings"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    cut = len(text) > SHOWN_CHARACTERS_MAX
    return text[:SHOWN_CHARACTERS_MAX] + "..." if cut else text


def _toml(value: object) -> str:
    # A JSON string is a TOML string, but for escaped surrogate pairs and a bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
