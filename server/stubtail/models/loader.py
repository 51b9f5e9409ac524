"""Loads versions, checked in a process of their own or, where the operator says so, in this one."""

from functools import partial
from pathlib import Path

from stubtail.models.session import LoadedModel, SessionOptions, load_model
from stubtail.models.verifier import Verifier


class Loader:
    """Loads versions, from `start` to `close`.

    Args:
        verifier: checks in another process; None checks in this one.
    """

    def __init__(self, verifier: Verifier | None) -> None:
        self._verifier = verifier

    def start(self) -> None:
        """Starts the checking process, so that the first check need not wait for it."""
        if self._verifier is not None:
            self._verifier.start()

    def close(self) -> None:
        """Ends the checking process; a check in progress fails at once. For any thread."""
        if self._verifier is not None:
            self._verifier.close()

    def load(
        self,
        path: Path,
        name: str,
        version: str,
        *,
        options: SessionOptions,
        inside: Path,
        patience_s: float | None = None,
    ) -> LoadedModel:
        """Loads a version; blocks, so call it in a thread. See `load_model`.

        Raises:
            CutShortError: its check was ended after `patience_s`.
            ModelError: it cannot be served.
        """
        verify = None
        if self._verifier is not None:
            verify = partial(self._verifier.verify, patience_s=patience_s)
        return load_model(path, name, version, options=options, inside=inside, verify=verify)
