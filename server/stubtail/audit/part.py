"""The audit log and the payload log as one part of a server: nothing where they are off."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stubtail.access.guard import Guard
from stubtail.audit.audit import Audit
from stubtail.audit.files import Files
from stubtail.audit.payloads import PayloadLog
from stubtail.audit.writer import Writer
from stubtail.config.audit import AuditSettings
from stubtail.endpoints.lane_method import LaneMethod


class AuditPart:
    """The logs of one worker.

    Args:
        settings: of the logs.
        worker: the number of the worker; None where it is the only one.
        clock: monotonic seconds.

    Attributes:
        audit: None where there is no audit log.
        payloads: None where there is no payload log.
    """

    def __init__(
        self, settings: AuditSettings, worker: int | None, clock: Callable[[], float]
    ) -> None:
        self._writers: list[Writer] = []
        self.audit: Audit | None = None
        self.payloads: PayloadLog | None = None
        number = worker or 0
        if settings.directory:
            writer = self._writer(settings, settings.directory, f"audit-{number}")
            self.audit = Audit(writer, settings.denials_per_s, clock, time.time)
        if settings.payload_directory and settings.payload_share > 0.0:
            writer = self._writer(settings, settings.payload_directory, f"payloads-{number}")
            self.payloads = PayloadLog(
                writer, settings.payload_share, numbers=settings.payload_numbers
            )

    def start(self, guard: Guard | None) -> None:
        """Opens the files; raises OSError where they cannot be written."""
        for writer in self._writers:
            writer.start()
        if guard is not None and self.audit is not None:
            guard.audit = self.audit

    def watch(self, methods: Sequence[LaneMethod], descriptors: Sequence[Any]) -> None:
        """Samples the requests of these methods, whose messages are in these files."""
        if self.payloads is not None:
            self.payloads.learn(descriptors)
            for method in methods:
                method.watch(self.payloads.sampled)

    def close(self) -> None:
        """Writes what waits."""
        for writer in self._writers:
            writer.close()

    def _writer(self, settings: AuditSettings, folder: str, stem: str) -> Writer:
        files = Files(Path(folder), stem, settings.file_bytes_max, settings.files_kept)
        writer = Writer(files, settings.queue_max)
        self._writers.append(writer)
        return writer
