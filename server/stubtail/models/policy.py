"""Decides what to load, to unload and to make live next. Pure: no clock, no files, no state.

The rules, for one model:

1. The highest version that loaded is live. A version that fails never replaces one that answers.
2. A version is tried once for each state of its files: again when they change, not before. While
   and after that, the bytes that loaded earlier go on answering.
3. The `versions_kept` highest versions that load stay in memory; older ones are loaded only to
   fill in for versions that fail.
4. A version whose folder went away is unloaded once another one is live, or when the folder of
   the model itself is gone.
5. What an operator unloaded stays unloaded until an operator loads it.

`next_action` returns one step. Called again with what that step made true, it comes to an end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""The state of a version's files: name, size in bytes, time of change in ns and inode of each."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the repository has of one version.

    Attributes:
        tried: the files of the last attempt to load it; None: it was not tried, or shall be again.
        loaded: whether it can answer, perhaps with the bytes of an earlier attempt.
    """

    tried: Fingerprint | None
    loaded: bool


@dataclass(frozen=True, slots=True)
class Load:
    """Load this version from its files; it answers with its old bytes meanwhile, if it has any."""

    version: str


@dataclass(frozen=True, slots=True)
class SetLive:
    """Let calls that name no version go to this one; None: to none."""

    version: str | None


@dataclass(frozen=True, slots=True)
class Unload:
    """Free this version; it counts as not tried afterwards."""

    version: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what is known of a version that is neither in memory nor on disk."""

    version: str


Action = Load | SetLive | Unload | Forget


def next_action(
    found: Mapping[str, Fingerprint] | None,
    held: Mapping[str, Held],
    live: str | None,
    *,
    disabled: bool,
    versions_kept: int,
) -> Action | None:
    """The next step for one model.

    Args:
        found: the versions on disk with the state of their files; None when the model's folder is
            gone.
        held: the versions that are known, by version.
        live: the version that calls without a version go to.
        disabled: whether an operator unloaded the model.
        versions_kept: how many versions that load stay in memory; at least 1.

    Returns:
        The step, or None when all is as it should be.
    """
    on_disk: Mapping[str, Fingerprint] = found or {}
    loaded = [version for version in _newest_first(held) if held[version].loaded]
    best = None if disabled or found is None else _best(loaded, on_disk, live)
    if best != live:
        return SetLive(best)
    if not disabled and (version := _next_to_load(on_disk, held, versions_kept)) is not None:
        return Load(version)
    kept = {live, *[version for version in loaded if version in on_disk][:versions_kept]}
    if disabled or found is None:
        kept = set()
    for version in reversed(loaded):
        if version not in kept:
            return Unload(version)
    for version, state in held.items():
        if version not in on_disk and not state.loaded:
            return Forget(version)
    return None


def _best(loaded: list[str], on_disk: Mapping[str, Fingerprint], live: str | None) -> str | None:
    for version in loaded:
        if version in on_disk:
            return version
    # Nothing that is left on disk answers: what answers now goes on, though its files are gone.
    return live if live in loaded else next(iter(loaded), None)


def _next_to_load(
    on_disk: Mapping[str, Fingerprint], held: Mapping[str, Held], versions_kept: int
) -> str | None:
    good = 0
    for version in _newest_first(on_disk):
        state = held.get(version)
        if state is None or state.tried != on_disk[version]:
            return version
        good += state.loaded
        if good >= versions_kept:
            break
    return None


def _newest_first(versions: Mapping[str, object]) -> list[str]:
    return sorted(versions, key=int, reverse=True)
