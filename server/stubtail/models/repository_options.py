"""How a folder of models is kept current: intervals and bounds."""

from dataclasses import dataclass, field

from stubtail.models.session import SessionOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryOptions:
    """How a folder of models is kept current."""

    watch: bool = True
    tenants: bool = False  # whether folders of tenants are looked into
    versions_kept: int = 2  # the live version and the one to go back to
    settle_ms: int = 200  # a copy in progress must not be read half-way
    poll_ms: int = 2_000  # where watching fails; a look costs a few stats per model
    rescan_ms: int = 30_000  # network file systems tell nothing of changes made elsewhere
    models_max: int = 1_000  # each holds memory and metric series
    versions_max: int = 100  # of one model that are looked at, the highest first
    start_wait_s: float = 30.0  # a version that hangs must not keep the ports closed
    patience_s: float | None = None  # a check that takes longer lets the others go first
    session: SessionOptions = field(default_factory=SessionOptions)
