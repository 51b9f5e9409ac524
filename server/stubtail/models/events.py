"""The log lines of a model's life: one for each event, with fields that logs.py shows."""

import logging
from collections.abc import Sequence
from typing import Final

from stubtail.models.errors import ModelError
from stubtail.models.session import LoadedModel

log: Final = logging.getLogger("stubtail.models")

SHOWN_MAX: Final = 10  # versions named in a line


def loading(name: str, version: str) -> None:
    """A version is being read."""
    log.info("model loading", extra={"model": name, "version": version})


def ready(model: LoadedModel) -> None:
    """A version was verified and warmed; a warning where its owner should know something."""
    fields: dict[str, object] = {
        "model": model.key,
        "version": model.version,
        "ms": round(model.load_s * 1000, 1),
        "sha256": model.sha256,
        "run_fixed_us": round(model.run_fixed_s * 1e6, 2),
        "run_per_row_us": round(model.run_per_row_s * 1e6, 3),
    }
    if model.signed_by:
        fields["signed_by"] = model.signed_by
    if model.notes:
        fields["notes"] = "; ".join(model.notes)
    log.log(logging.WARNING if model.notes else logging.INFO, "model ready", extra=fields)


def failed(name: str, version: str, error: ModelError, serving: LoadedModel | None) -> None:
    """A version cannot be loaded; `serving` is what it goes on answering with, if anything."""
    fields: dict[str, object] = {
        "model": name,
        "version": version,
        "file": error.where,
        "reason": error.problem,
        "mend": error.mend,
    }
    if error.detail:
        fields["detail"] = error.detail
    if serving is not None:
        fields["serving_sha256"] = serving.sha256
    log.error("model failed to load", extra=fields)


def start_goes_on(waiting: Sequence[str]) -> None:
    """The ports open though these versions (`name@version`) are still being loaded."""
    fields = {"waiting": len(waiting), "models": ", ".join(waiting[:SHOWN_MAX])}
    log.warning("models still loading", extra=fields)


def live(name: str, version: str | None, before: str | None) -> None:
    """Calls that name no version go to another one, or to none."""
    fields = {"model": name, "version": version or "none", "before": before or "none"}
    log.info("model live", extra=fields)


def unloaded(name: str, version: str, reason: str) -> None:
    """A version left the memory."""
    log.info("model unloaded", extra={"model": name, "version": version, "reason": reason})
