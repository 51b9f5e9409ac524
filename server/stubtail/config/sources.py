"""Reads settings from TOML, environment and command line, checks them and prints them as TOML."""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from stubtail.config.redaction import redact
from stubtail.config.rules import PREFIX, Setting, Table, settings_of, tables_of

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
        # A key that somebody wrote where its name belongs is not to end in a log.
        self.problems = tuple(redact(problem) for problem in problems)
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
    tables = tuple(tables_of(root))
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    wrong: set[str] = set()
    if config_file is None and environ.get(FILE_VARIABLE):
        config_file = Path(environ[FILE_VARIABLE])
    sources = [
        *(_from_file(config_file, tables, problems) if config_file is not None else ()),
        *_from_environment(environ, known, problems),
        *(_Given(f"option {flag.option}", flag.key, flag.text, True) for flag in flags),
    ]
    for given in sources:
        setting = known.get(given.key) or _in_table(given.key, tables)
        if setting is None:
            problems.append(f"{given.origin}: no such setting{_hint(given.key, known, tables)}")
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
    return asdict(settings)


def from_document(root: type[Root], document: Mapping[str, Mapping[str, Any]]) -> Root:
    """The settings that `to_document` took apart."""
    pairs = {f"{s}.{k}": v for s, values in document.items() for k, v in values.items()}
    for table in tables_of(root):
        for name, entry in pairs.pop(table.key, {}).items():
            pairs.update({f"{table.key}.{name}.{k}": v for k, v in entry.items()})
    return _build(root, pairs)


def to_toml(settings: Any) -> str:
    """A TOML file that gives these settings, every key with its meaning, bound and reason."""
    lines = ["# Settings of stubtail. Later ones win: this file, then STUBTAIL_<SECTION>_<KEY>"]
    lines.append("# in the environment, then the command line (--set section.key=value).")
    section = ""
    for setting in settings_of(type(settings)):
        if setting.section != section:
            lines += _tables_toml(settings, section)
            section = setting.section
            about = (type(getattr(settings, section)).__doc__ or "").strip()
            lines += ["", f"# {about}", f"[{section}]"]
        value = getattr(getattr(settings, section), setting.name)
        lines += _described(setting)
        lines.append(f"{setting.name} = {_toml(value)}")
    lines += _tables_toml(settings, section)
    return "\n".join(lines) + "\n"


def _tables_toml(settings: Any, section: str) -> Iterator[str]:
    """The entries of the section's tables; for a table without any, how one is written."""
    for table in tables_of(type(settings)):
        if table.section != section:
            continue
        yield from ("", f"# {table.entries.about}")
        entries: Mapping[str, Any] = getattr(getattr(settings, section), table.name)
        if not entries:
            yield f"# [{table.key}.NAME]"
        for setting in () if entries else table.settings("NAME"):
            yield from _described(setting)
            yield f"# {setting.name} = {_toml(setting.default)}"
        for name, entry in entries.items():
            yield f"[{table.key}.{_toml(name)}]"
            for setting in table.settings(name):
                yield f"{setting.name} = {_toml(getattr(entry, setting.name))}"


def _described(setting: Setting) -> tuple[str, str]:
    why = f" ({setting.rule.why})" if setting.rule.why else ""
    bound = f"#   {setting.allowed}{why}; default {_toml(setting.default)}"
    return f"# {setting.rule.about}", bound


def _in_table(key: str, tables: Iterable[Table]) -> Setting | None:
    """The setting of an entry; its name may have dots, the names of fields have none."""
    for table in tables:
        name, _, field = key.removeprefix(f"{table.key}.").rpartition(".")
        if key.startswith(f"{table.key}.") and name:
            return next((one for one in table.settings(name) if one.name == field), None)
    return None


def _build(root: type[Root], values: Mapping[str, Any]) -> Root:
    sections = {}
    tables = tuple(tables_of(root))
    for section, section_type in get_type_hints(root).items():
        given: dict[str, Any] = {}
        for key, value in values.items():
            if not key.startswith(f"{section}."):
                continue
            plain = tuple(value) if isinstance(value, list) else value
            table = next((one for one in tables if key.startswith(f"{one.key}.")), None)
            if table is None:
                given[key.partition(".")[2]] = plain
            else:
                name, _, field = key.removeprefix(f"{table.key}.").rpartition(".")
                given.setdefault(table.name, {}).setdefault(name, {})[field] = plain
        for table in tables:
            if table.section == section:
                entries = given.get(table.name, {})
                kind = table.entries.entry
                given[table.name] = {name: kind(**fields) for name, fields in entries.items()}
        sections[section] = section_type(**given)
    return root(**sections)


def _from_file(path: Path, tables: Iterable[Table], problems: list[str]) -> Iterator[_Given]:
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
    except RecursionError:
        problems.append(f"file {path}: not valid TOML: nested too deeply")
        return
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        problems.append(f"file {path}: not valid TOML: {error}")
        return
    for section, values in document.items():
        if not isinstance(values, dict):
            yield _Given(f"file {path}: {section}", section, values, False)
            continue
        for key, value in _leaves(section, values, {table.key for table in tables}):
            yield _Given(f"file {path}: {key}", key, value, False)


def _leaves(
    prefix: str, values: Mapping[str, Any], tables: Collection[str]
) -> Iterator[tuple[str, object]]:
    """Keys with values; what is in a table has the name of the table and of the entry before."""
    for name, value in values.items():
        key = f"{prefix}.{name}"
        if key not in tables or not isinstance(value, dict):
            yield key, value
            continue
        for entry, fields in value.items():
            if isinstance(fields, dict) and fields:
                yield from _leaves(f"{key}.{entry}", fields, ())
            else:
                yield f"{key}.{entry}", fields


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


def _hint(key: str, known: Iterable[str], tables: Iterable[Table]) -> str:
    for table in tables:
        if key.startswith(f"{table.key}."):
            names = ", ".join(one.name for one in table.settings("NAME"))
            return f"; [{table.key}.NAME] takes {names}"
    return _suggest(key, known)


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
