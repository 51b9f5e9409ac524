"""Starts the process that checks models before anything heavy is imported."""

from collections.abc import Iterator
from contextlib import contextmanager

from stubtail.config import Settings, child_environment
from stubtail.models.verifier import Verifier, VerifierOptions


@contextmanager
def verifying(settings: Settings) -> Iterator[Verifier | None]:
    """The checking process of a server, on its way; None where the server checks models itself.

    It takes as long to import what it needs as the server does, and both can do so at once.
    """
    verifier = new_verifier(settings)
    if verifier is None:
        yield None
        return
    verifier.start()
    try:
        yield verifier
    finally:
        verifier.close()


def new_verifier(settings: Settings) -> Verifier | None:
    """The same, not started yet."""
    supply = settings.supply
    if supply.verify_in == "server":
        return None
    return Verifier(
        VerifierOptions(
            seconds_max=supply.verify_ms_max / 1e3,
            memory_bytes=supply.verify_memory_bytes_max,
            idle_s=supply.verify_idle_ms / 1e3,
            environ=child_environment(),
        )
    )
