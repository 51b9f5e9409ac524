"""What a storm did to the others: pure figures, their table and the promises."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.figures import digits, table
from benchmarks.results import Promise

RSS_GROWTH_MAX_MB = 256.0  # at the peak of a storm; a large reply of each connection fits in it
ANSWERED_MIN = 0.99  # of the others' calls, while the storm lasts
# More work than the server can do, from callers of the same class: others are refused with them.
OVERLOAD = frozenset({"deaf"})
_HEAD = [
    "storm",
    "transport",
    "others' p99 ms: before",
    "during",
    "after",
    "others answered",
    "RSS MB: before",
    "peak",
    "after",
    "what it got",
]

# Whose memory the server has no bound for; server/recipes/nginx.conf has.
LEFT_TO_A_PROXY = frozenset(
    {
        ("native", "gzip-bombs"),
        ("native", "large-messages"),
        ("grpcio", "deaf"),
        ("grpcio", "header-bombs"),
    }
)


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm on one server.

    Attributes:
        name: A key of `attacks.ATTACKS`.
        transport: Of the server.
        p99_ms: Of the others, before, during and after; answers only.
        issued: Calls of the others during the storm.
        statuses: How those ended.
        rss_mb: Of the server before, at its peak, and after.
        got: What the storm says of itself.
    """

    name: str
    transport: str
    p99_ms: tuple[float, float, float]
    issued: int
    statuses: dict[str, int]
    rss_mb: tuple[float, float, float]
    got: dict[str, Any] = field(default_factory=dict)

    @property
    def answered(self) -> float:
        """Part of the others' calls that were answered with OK while the storm lasted."""
        return self.statuses.get("OK", 0) / self.issued if self.issued else 0.0

    @property
    def growth_mb(self) -> float:
        """Resident memory at the peak above that before."""
        return self.rss_mb[1] - self.rss_mb[0]

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        return asdict(self)


def storms_table(storms: Sequence[Storm]) -> str:
    """One row for each storm on each transport."""
    rows = []
    for storm in storms:
        failed = {key: count for key, count in storm.statuses.items() if key != "OK"}
        answered = f"{storm.answered:.2%}" + (f" {failed}" if failed else "")
        got = ", ".join(f"{key}: {value}" for key, value in storm.got.items())
        figures = [digits(one) for one in storm.p99_ms]
        memory = [digits(one) for one in storm.rss_mb]
        rows.append([storm.name, storm.transport, *figures, answered, *memory, got])
    return table(_HEAD, rows, left=2)


def promises_of(storms: Sequence[Storm]) -> list[Promise]:
    """Memory bounded and the others served, in each storm that is not left to a proxy."""
    promises = []
    for storm in storms:
        left = (storm.transport, storm.name) in LEFT_TO_A_PROXY
        who = f"{storm.name}, {storm.transport}"
        if storm.name not in OVERLOAD:
            promises.append(
                Promise(f"{who}: others answered", storm.answered, "at least", ANSWERED_MIN, "")
            )
        if not left:
            promises.append(
                Promise(f"{who}: RSS", storm.growth_mb, "at most", RSS_GROWTH_MAX_MB, " MB more")
            )
    return promises


def from_document(document: dict[str, Any]) -> list[Storm]:
    """The storms of a saved result."""
    return [
        Storm(
            **{
                **one,
                "p99_ms": tuple(one["p99_ms"]),
                "rss_mb": tuple(one["rss_mb"]),
            }
        )
        for one in document["storms"]
    ]
