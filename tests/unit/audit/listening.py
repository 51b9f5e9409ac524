"""A writer of the audit log that keeps its records, to be looked at."""

from typing import Any

from stubtail.audit.writer import Writer


class Listening(Writer):
    """Keeps records instead of writing them."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def put(self, record: Any, held_bytes: int = 0, *, promised: bool = False) -> bool:
        """As it would be written."""
        self.records.append(dict(record()))
        return True
