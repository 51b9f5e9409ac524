"""What is known of each version, and the errors for calls to versions that do not answer."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from stubtail.errors import CallError, Code, not_found
from stubtail.models.keys import name_of
from stubtail.models.session import LoadedModel

BY_OPERATOR: Final = "an operator unloaded it; load it with RepositoryModelLoad"
SHOWN_MAX: Final = 5  # versions named in a message
SUGGESTED_OF_MAX: Final = 64  # names compared with a wrong one: unknown models must stay cheap
NAME_CHARACTERS_MAX: Final = 128
REASON_CHARACTERS_MAX: Final = 300  # of a failure, in the message of a call
LOADING_RETRY_S: Final = 0.25
FAILED_RETRY_S: Final = 5.0  # somebody has to mend the files


class ModelState(Enum):
    """The state of one version, in the words of the Open Inference Protocol."""

    LOADING = "LOADING"
    READY = "READY"
    FAILED = "FAILED"
    UNLOADED = "UNLOADED"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version of one model.

    Attributes:
        name: of the model.
        version: decimal digits.
        state: READY exactly when `model` is there.
        reason: why it cannot answer and what to mend; of a READY one, why its newer files cannot.
        live: whether calls that name no version go to it.
        model: what answers; None when nothing does.
    """

    name: str
    version: str
    state: ModelState
    reason: str
    live: bool
    model: LoadedModel | None


def ref_name(ref: str) -> str:
    """The model of `name` or `name@version`."""
    return ref.partition("@")[0]


def lookup_error(ref: str, names: Sequence[str], statuses: Sequence[VersionStatus]) -> CallError:
    """The error for a call to something that is not routed.

    Args:
        ref: `name` or `name@version`, as the caller gave it.
        names: of all models.
        statuses: of the versions of the model that `ref` names; empty when there is none.
    """
    name, at, version = ref.partition("@")
    name = name[:NAME_CHARACTERS_MAX]
    if not statuses:
        return _no_model(name, names)
    if at:
        return _no_version(name, version, statuses)
    if any(status.reason == BY_OPERATOR for status in statuses):
        return _disabled(name, BY_OPERATOR)
    if any(status.state is ModelState.LOADING for status in statuses):
        return _loading(name)
    if any(status.state is ModelState.READY for status in statuses):
        return _loading(name)  # it goes live in a moment
    newest = max(statuses, key=lambda status: int(status.version))
    return load_failed(newest)


def load_failed(status: VersionStatus) -> CallError:
    """UNAVAILABLE for a version that could not be loaded: it is tried again when files change."""
    name = name_of(status.name)
    return CallError(
        Code.UNAVAILABLE,
        "MODEL_FAILED",
        f"{name}@{status.version} could not be loaded: {status.reason[:REASON_CHARACTERS_MAX]}",
        metadata={"model": name, "version": status.version, "state": status.state.value},
        retry_after_s=FAILED_RETRY_S,
    )


def too_many_operations(most: int) -> CallError:
    """RESOURCE_EXHAUSTED for one more load or unload while so many wait for their turn."""
    return CallError(
        Code.RESOURCE_EXHAUSTED,
        "QUEUE_FULL",
        f"{most} loads and unloads wait already; wait for their answers",
        retry_after_s=FAILED_RETRY_S,
    )


def _no_model(name: str, names: Sequence[str]) -> CallError:
    message = f'there is no model "{name}"'
    # Comparing costs microseconds a name: only names of about that length, and not all of many.
    similar = [known for known in names if abs(len(known) - len(name)) <= 3][:SUGGESTED_OF_MAX]
    if close := difflib.get_close_matches(name, similar, n=1):
        message += f'; did you mean "{close[0]}"?'
    elif not names:
        message += "; the folder of models has none"
    return not_found("model", name, "MODEL_NOT_FOUND", message)


def _no_version(name: str, version: str, statuses: Sequence[VersionStatus]) -> CallError:
    by_version = {status.version: status for status in statuses}
    status = by_version.get(version)
    if status is None:
        ref = f"{name}@{version[:NAME_CHARACTERS_MAX]}"
        newest = sorted(by_version, key=int, reverse=True)
        shown = ", ".join(newest[:SHOWN_MAX]) + (", …" if len(newest) > SHOWN_MAX else "")
        message = f'there is no "{ref}"; versions of {name}: {shown}'
        return not_found("version", ref, "VERSION_NOT_FOUND", message)
    ref = f"{name}@{version}"
    if status.state is ModelState.LOADING:
        return _loading(ref)
    if status.state is ModelState.FAILED:
        return load_failed(status)
    return _disabled(ref, status.reason or "it is not in memory")


def _loading(ref: str) -> CallError:
    return CallError(
        Code.UNAVAILABLE,
        "MODEL_LOADING",
        f"{ref} is being loaded; try again shortly",
        metadata={"model": ref},
        retry_after_s=LOADING_RETRY_S,
    )


def _disabled(ref: str, reason: str) -> CallError:
    return CallError(
        Code.FAILED_PRECONDITION,
        "MODEL_DISABLED",
        f"{ref} does not answer: {reason}",
        metadata={"model": ref},
    )
