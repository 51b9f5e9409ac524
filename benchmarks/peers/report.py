"""What the comparison says: one row for each peer, in the order of its calls a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figures import Spread, table
from benchmarks.measure import Measurement
from benchmarks.peers.catalogue import Peer

MANY, ALONE, ROWS = "infer-1x64", "infer-1x1", "infer-32x64"
ROWS_IN_A_CALL = 32
_HEAD = [
    "server",
    "called by",
    "calls/s, 64 in flight",
    "CPU us/call",
    "p50 us, one at a time",
    "p99 us",
    "rows/s, 32 a call",
    "RSS MB",
    "first answer s",
    "configuration",
]


@dataclass(slots=True)
class Found:
    """What was found of one peer.

    Attributes:
        measurements: Of all rounds and cases.
        first_answer_s: From the start of its process to its first right answer, of each start.
        problems: Why something could not be measured; of the installation or of a round.
        version: Of its package.
    """

    measurements: list[Measurement] = field(default_factory=list)
    first_answer_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    version: str = ""

    def figures(self, case: str, name: str) -> list[float]:
        """One figure of one case in all rounds."""
        return [float(getattr(one, name)) for one in self.measurements if one.case == case]

    def median(self, case: str, name: str) -> float | None:
        """Its median, None where it was not measured."""
        values = self.figures(case, name)
        return Spread.of(values).median if values else None


def chosen(peers: Sequence[Peer], names: str) -> list[Peer]:
    """The peers of a list of names with blanks or commas; all for none.

    Raises:
        SystemExit: There is no such peer.
    """
    wanted = names.replace(",", " ").split()
    unknown = set(wanted) - {peer.name for peer in peers}
    if unknown:
        known = " ".join(peer.name for peer in peers)
        raise SystemExit(f"{', '.join(sorted(unknown))}: none of the peers: {known}")
    return [peer for peer in peers if not wanted or peer.name in wanted]


def ranked(titles: Sequence[str], found: Mapping[str, Found]) -> list[str]:
    """Names of peers, the one with most calls a second first, those without figures last."""
    return sorted(titles, key=lambda name: -(found[name].median(MANY, "calls_per_s") or 0.0))


def peers_table(peers: Sequence[Mapping[str, Any]], found: Mapping[str, Found]) -> str:
    """One row for each peer.

    Args:
        peers: `about` of each.
        found: By name.
    """
    by_name = {one["name"]: one for one in peers}
    rows = [_row(by_name[name], found[name]) for name in ranked(list(by_name), found)]
    return table(_HEAD, rows, left=2)


def _row(peer: Mapping[str, Any], found: Found) -> list[str]:
    title = peer["title"]
    if not found.measurements:
        why = found.problems[0] if found.problems else "not measured"
        return [title, peer["spoken"], *["-"] * 7, f"not run: {why}"]
    rows_per_s = [ROWS_IN_A_CALL * one for one in found.figures(ROWS, "calls_per_s")]
    rss_mb = found.figures(ROWS, "rss_mb")  # after all loads
    return [
        title,
        peer["spoken"],
        _show(found.figures(MANY, "calls_per_s")),
        _show(found.figures(MANY, "cpu_us")),
        _show(found.figures(ALONE, "p50_us")),
        _show(found.figures(ALONE, "p99_us")),
        _show(rows_per_s),
        _show(rss_mb),
        _show(found.first_answer_s),
        "; ".join(
            [
                *([found.version] if found.version else []),
                peer["configuration"],
                *(f"failed: {one}" for one in found.problems),
            ]
        ),
    ]


def _show(values: Sequence[float]) -> str:
    return Spread.of(values).show() if values else "-"


def about(peer: Peer) -> dict[str, Any]:
    """What a result keeps of a peer."""
    return {
        "name": peer.name,
        "title": peer.title,
        "spoken": peer.spoken,
        "configuration": peer.configuration,
        "requirements": list(peer.requirements),
    }


def to_document(found: Mapping[str, Found]) -> dict[str, Any]:
    """As it is kept in JSON."""
    return {
        name: {
            "version": one.version,
            "first_answer_s": [round(value, 3) for value in one.first_answer_s],
            "problems": one.problems,
            "measurements": [measurement.document() for measurement in one.measurements],
        }
        for name, one in found.items()
    }


def from_document(document: Mapping[str, Any]) -> dict[str, Found]:
    """What `to_document` kept."""
    return {
        name: Found(
            [Measurement(**measurement) for measurement in one["measurements"]],
            one["first_answer_s"],
            one["problems"],
            one["version"],
        )
        for name, one in document.items()
    }
