"""How large the reply of a decision may become: known before the run, and bounded."""

from collections.abc import Iterable, Sequence

from stubtail.decisions.changes import UTF8_BYTES_MAX, Candidates
from stubtail.decisions.decision import Wish
from stubtail.endpoints.decide_outcomes import Outcomes
from stubtail.endpoints.row_rules import Change
from stubtail.errors import invalid_field

REPLY_BYTES_MAX = 4_000_000  # gRPC clients accept 4 MiB unless told otherwise
NUMBER_BYTES = 8
POSITION_BYTES = 2  # a varint of at most 9,999
TEXT_OPENING_BYTES = 3  # the tag and the length of up to 1,024 bytes
OTHER_BYTES = 2_048  # the model, the version, counts
FIELD_BYTES = 16  # the tag and the length of a column or a message, and its fields of fixed size
SENTENCE_BYTES = 96  # "must be from .. to .. and is ..", the reason of an exclusion


def check_reply_size(
    wish: Wish,
    candidates: Candidates,
    outcomes: Outcomes,
    mended: Sequence[tuple[str, Change]],
    *,
    explain: bool,
) -> None:
    """Raises CallError, INVALID_ARGUMENT, where the reply might be too large to be received."""
    most = reply_bytes(wish, candidates, outcomes, mended, explain=explain)
    if most > REPLY_BYTES_MAX:
        ranked = min(wish.top, candidates.count)
        raise invalid_field(
            "curve" if wish.curve else "top",
            f"the reply would have up to {most:,} bytes, the limit is {REPLY_BYTES_MAX:,}: it "
            f"repeats what {ranked:,} ranked candidates{_and_curve(wish, candidates)} change; ask "
            "for fewer candidates, a smaller top, no curve, fewer constraints or shorter strings",
        )


def reply_bytes(
    wish: Wish,
    candidates: Candidates,
    outcomes: Outcomes,
    mended: Sequence[tuple[str, Change]],
    *,
    explain: bool,
) -> int:
    """The bytes that the reply has at most.

    Args:
        wish: what is wanted.
        candidates: what could be done.
        outcomes: what the model predicts.
        mended: what was replaced in the context, and why.
        explain: whether every excluded candidate is listed.
    """
    count = candidates.count
    ranked, curve = min(wish.top, count), count if wish.curve else 0
    singles = 2  # the baseline and the nearest
    texts = [change for change in candidates.changes if change.variable.is_text]
    # The objective, the main output and its bounds; then the rest.
    numbers = 2 + 2 * outcomes.has_bounds + len(outcomes.others) + len(wish.constraints)
    numbers += len(candidates.changes) - len(texts)
    row = POSITION_BYTES + NUMBER_BYTES * numbers + TEXT_OPENING_BYTES * len(texts) + 1
    total = (ranked + curve + singles) * row
    for change in texts:
        now = len(str(change.variable.current)) * UTF8_BYTES_MAX
        total += min(ranked * change.text_bytes_max, change.text_bytes)
        total += change.text_bytes if wish.curve else 0
        total += singles * max(change.text_bytes_max, now)
    names = [change.variable.name for change in candidates.changes]
    names += [output.name for output in outcomes.others]
    blocks = 4  # ranked, baseline, nearest, curve
    total += blocks * (_written(names) + FIELD_BYTES * (6 + len(wish.constraints)))
    # A name may be among the constraints, the exclusions and the violations.
    named = [*wish.ranges, *wish.constraints]
    total += 3 * _written([one.name for one in named])
    total += _written([one.said for one in named]) + SENTENCE_BYTES * (len(named) + 2)
    total += _written([name for name, _ in mended]) + FIELD_BYTES * len(mended)
    total += count * (POSITION_BYTES + 1) if explain else 0
    return total + OTHER_BYTES


def _written(names: Iterable[str]) -> int:
    """What names take, each in a message of its own."""
    return sum(len(name.encode()) + FIELD_BYTES for name in names)


def _and_curve(wish: Wish, candidates: Candidates) -> str:
    return f" and {candidates.count:,} of the curve" if wish.curve else ""
