"""What the lane tells of the calls that it has answered."""

from collections.abc import Sequence
from typing import Protocol

from stubtail.lane.job import Job


class Recorder(Protocol):
    """Where the lane tells what happened; called once for a batch, not for a job."""

    def record_batch(
        self,
        model: str,
        version: str,
        status: int,
        jobs: Sequence[Job],
        rows: int,
        started_s: float,
        ran_s: float,
        encoded_s: float,
        predicted_s: float,
    ) -> None:
        """These jobs of a batch were answered with this status."""

    def record_refusals(
        self,
        model: str,
        version: str,
        status: int,
        reason: str,
        priorities: Sequence[int],
        totals_s: Sequence[float],
    ) -> None:
        """Jobs of one model were answered together without a run."""
