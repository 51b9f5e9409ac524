"""Finds the models and versions below a folder.

Known layouts: `<name>/<version>/model.onnx`, `<name>/model.onnx` and `<name>.onnx` (version 1).
In a folder `@<tenant>` the same, for the models that are this tenant's alone.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stubtail.models.files import is_within, unreadable
from stubtail.models.keys import FOLDER_SIGN, is_folder_of_tenant, model_key, tenant_of
from stubtail.models.manifest import (
    FILE_NAME,
    GRAPH_FILE_NAME,
    SIGNATURE_FILE_NAME,
    is_name,
    is_version,
)
from stubtail.models.policy import Fingerprint

SUFFIX: Final = ".onnx"
FIRST_VERSION: Final = "1"
ENTRIES_MAX: Final = 10_000  # of one folder that are looked at: a scan must stay short
# What editors, copy tools and file systems leave behind.
_PASSING_SUFFIXES: Final = (
    "~",
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".swp",
    ".bak",
    ".crdownload",
)
_OTHERS: Final = frozenset({FILE_NAME, SIGNATURE_FILE_NAME})
_PASSING_NAMES: Final = frozenset({"lost+found", "__pycache__", "__MACOSX"})


@dataclass(frozen=True, slots=True)
class Found:
    """One version on disk: a folder, or a single .onnx file."""

    path: Path
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at the folder of models saw.

    Attributes:
        models: versions by the key of the model and version; a model's folder without versions is
            there, empty.
        unknown: models that were not looked at, so that nothing follows from their absence.
        unread: tenants whose folders could not be read, so that nothing is known of their models.
        problems: what the owner should mend, a sentence each.
        root: device and inode of the folder; None: it could not be read, and nothing is known.
    """

    models: Mapping[str, Mapping[str, Found]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    root: tuple[int, int] | None = None

    def skipped(self, key: str) -> bool:
        """Whether nothing is known of this model now."""
        return key in self.unknown or tenant_of(key) in self.unread


def scan_models(root: Path, *, models_max: int, versions_max: int, tenants: bool = False) -> Scan:
    """Looks at all files below `root`; raises nothing.

    Args:
        root: the folder of models.
        models_max: models beyond this many are not looked at: those of tenants first, and of them
            the last ones of whoever has most.
        versions_max: only this many of the highest versions of a model are looked at.
        tenants: whether folders of tenants are looked into.
    """
    return _Scanner(models_max, versions_max, tenants=tenants).scan(root)


def folder_within(root: Path, key: str) -> Path:
    """The folder that no link of a model may leave: its tenant's own, or that of all models.

    Whoever writes to one tenant's folder must not get at another's models by a link.
    """
    own = root / f"{FOLDER_SIGN}{tenant_of(key)}"
    return own if tenant_of(key) and is_within(root, own) else root


def _in_turns(keys: Iterable[str]) -> list[str]:
    """The shared models, and then one of each tenant after the other: none crowds out others."""
    turns, counted = dict[str, tuple[int, str]](), Counter[str]()
    for key in sorted(keys):
        tenant = tenant_of(key)
        if tenant:
            counted[tenant] += 1
        turns[key] = (counted[tenant], key)
    return sorted(turns, key=turns.__getitem__)


class _Scanner:
    def __init__(self, models_max: int, versions_max: int, *, tenants: bool) -> None:
        self._models_max = models_max
        self._versions_max = versions_max
        self._tenants = tenants
        self._unread: set[str] = set()
        self._models: dict[str, dict[str, Found]] = {}
        self._unknown: set[str] = set()
        self._problems: list[str] = []

    def scan(self, root: Path) -> Scan:
        try:
            info = root.stat()
            entries = _sorted(root)
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            text = f"{root}: {reason}; make it a readable folder, or name another with --models"
            return Scan(problems=(text,))
        for entry in entries:
            if entry.name.startswith(FOLDER_SIGN) and _is_dir(entry):
                self._tenant_folder(entry)
            else:
                self._top_entry(entry, "")
        names = _in_turns(self._models)
        if len(names) > self._models_max:
            self._unknown.update(names[self._models_max :])
            self._problems.append(
                f"{root}: more than {self._models_max} models, the rest is not looked at; "
                "raise models.models_max or remove some"
            )
        return Scan(
            models={name: self._models[name] for name in names[: self._models_max]},
            unknown=frozenset(self._unknown),
            unread=frozenset(self._unread),
            problems=tuple(self._problems),
            root=(info.st_dev, info.st_ino),
        )

    def _tenant_folder(self, entry: os.DirEntry[str]) -> None:
        if not is_folder_of_tenant(entry.name):
            mend = 'behind the @ letters, digits, "_", "-" and ".", at most 64'
            self._problems.append(f"{entry.name}: no name of a tenant; rename it: {mend}")
            return
        if not self._tenants:
            text = f"{entry.name}: a tenant's models are served where callers have credentials"
            self._problems.append(f"{text}; configure access, or move them out of this folder")
            return
        tenant = entry.name.removeprefix(FOLDER_SIGN)
        try:
            entries = _sorted(Path(entry.path))
        except OSError as error:
            self._unread.add(tenant)
            self._problems.append(str(unreadable(entry.name, error)))
            return
        for inner in entries:
            self._top_entry(inner, tenant)

    def _top_entry(self, entry: os.DirEntry[str], tenant: str) -> None:
        if tenant and self._leaves(entry, Path(entry.path).parent):
            return
        is_folder = _is_dir(entry)
        if not is_folder and not entry.name.endswith(SUFFIX):
            return
        name = entry.name if is_folder else entry.name.removesuffix(SUFFIX)
        if not is_name(name):
            if not is_folder or _has_model(Path(entry.path)):
                mend = 'rename it: letters, digits, "_", "-" and ".", at most 128'
                self._problems.append(f"{entry.name}: no name for a model; {mend}")
            return
        key = model_key(tenant, name)
        if is_folder:
            self._model_folder(key, Path(entry.path))
        elif self._models.get(key):
            text = f"{entry.name}: there is a folder {key} too, which is served; remove one"
            self._problems.append(text)
        else:
            path = Path(entry.path)
            self._models[key] = {FIRST_VERSION: Found(path, _fingerprint([path]))}

    def _model_folder(self, name: str, folder: Path) -> None:
        try:
            entries = {entry.name: entry for entry in _entries(folder)}
        except OSError as error:
            self._unknown.add(name)
            what = unreadable(name, error)
            self._problems.append(str(what))
            return
        own = folder.parent if tenant_of(name) else None
        versions = [
            text
            for text, entry in entries.items()
            if text.isdigit() and _is_dir(entry) and not (own and self._leaves(entry, own))
        ]
        for text in sorted(versions):
            if not is_version(text):
                mend = "rename it to a whole number from 1 without leading zeros"
                self._problems.append(f"{name}/{text}: no version; {mend}")
        numbers = sorted(filter(is_version, versions), key=int, reverse=True)
        found = {
            text: Found(folder / text, _fingerprint(_files_of(folder / text)))
            for text in numbers[: self._versions_max]
        }
        if GRAPH_FILE_NAME in entries or FILE_NAME in entries:
            if found:
                text = f"{name}: {GRAPH_FILE_NAME} stands beside folders of versions"
                self._problems.append(f"{text}; move it into a folder of its own")
            else:
                found = {FIRST_VERSION: Found(folder, _fingerprint(_files_of(folder)))}
        self._models[name] = found

    def _leaves(self, entry: os.DirEntry[str], own: Path) -> bool:
        """Whether it is a link out of a tenant's folder, there or not.

        Such a model would not load; but its versions, which are listed, would tell what lies there.
        """
        path = Path(entry.path)
        if not entry.is_symlink() or is_within(own, path):
            return False
        text = f"{path.relative_to(own.parent)}: a link that leaves the tenant's folder"
        self._problems.append(f"{text}; put the files themselves there")
        return True


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, folders first."""
    return sorted(_entries(folder), key=lambda entry: (not _is_dir(entry), entry.name))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    entries = []
    with os.scandir(folder) as iterator:
        for entry in iterator:
            passing = entry.name.startswith(".") or entry.name.endswith(_PASSING_SUFFIXES)
            if not passing and entry.name not in _PASSING_NAMES:
                entries.append(entry)
            if len(entries) >= ENTRIES_MAX:
                break
    return entries


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _files_of(folder: Path) -> list[Path]:
    """The files that make up a version: its graphs, its manifest and its signature."""
    try:
        entries = _entries(folder)
    except OSError:
        return [folder]  # loading it tells the reason; it is tried again when its rights change
    names = (entry.name for entry in entries)
    kept = (name for name in sorted(names) if name in _OTHERS or name.endswith(SUFFIX))
    return [folder / name for name in kept]


def _fingerprint(files: list[Path]) -> Fingerprint:
    marks = []
    for file in files:
        try:
            info = file.stat()
        except OSError:  # a link to nowhere, or it went away a moment ago
            marks.append((file.name, -1, 0, 0))
            continue
        marks.append((file.name, info.st_size, info.st_mtime_ns, info.st_ino))
    return tuple(marks)


def _has_model(folder: Path) -> bool:
    return any((folder / name).exists() for name in (GRAPH_FILE_NAME, FILE_NAME, FIRST_VERSION))
