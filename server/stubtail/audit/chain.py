"""The chain of audit records: each line carries the hash of the one before; pure.

A line is a JSON object that ends with `"prev"` and `"hash"`. The hash is the SHA-256 of the line
without its own hash, and `prev` is the hash of the line before, so whoever changes, removes or adds
a line has to change every line after it. What was cut off at the very end shows only against a hash
that was kept elsewhere: `stubtail audit verify` prints the last one for that.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

ORIGIN: Final = "0" * 64  # `prev` of the very first line
LINE_BYTES_MAX: Final = 64 * 1024  # a record has some hundred bytes


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: the number and the hash of its last line."""

    seq: int = 0
    digest: str = ORIGIN


def forge(record: Mapping[str, Any], last: Link) -> tuple[bytes, Link]:
    """The line of a record, with its newline, and where the chain stands after it."""
    body = {"seq": last.seq + 1, **record, "prev": last.digest}
    digest = sha256(_canonical(body)).hexdigest()
    return _canonical({**body, "hash": digest}) + b"\n", Link(last.seq + 1, digest)


def read_link(line: bytes) -> Link:
    """Where the chain stands after this line.

    Raises:
        ValueError: the line is no record, or its hash is not that of its content.
    """
    try:
        body = json.loads(line)
        digest, seq = body.pop("hash"), body["seq"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("is no record") from error
    if not isinstance(seq, int) or sha256(_canonical(body)).hexdigest() != digest:
        raise ValueError("was changed: its hash is not that of its content")
    # A field that stands there twice, or other spaces, would be read and hashed as before.
    if _canonical({**body, "hash": digest}) != line.rstrip(b"\n"):
        raise ValueError("was changed: it is not written as the server writes it")
    return Link(seq, digest)


def previous_digest(line: bytes) -> str:
    """The hash of the line before, as this one has it; "" where it has none."""
    try:
        return str(json.loads(line)["prev"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def verify(lines: Iterable[bytes], last: Link | None) -> tuple[int, Link, str]:
    """Checks lines that follow each other.

    Args:
        lines: as in the file.
        last: where the chain stood before; None where that is not known any more.

    Returns:
        How many lines are right, where the chain stands after them, and what is wrong with the
        next one ("" if all are right).
    """
    count = 0
    link = last or Link()
    for line in lines:
        if not line.endswith(b"\n"):
            return count, link, "the last line is cut off"
        try:
            found = read_link(line)
        except ValueError as error:
            return count, link, f"line {count + 1} {error}"
        known = last is not None or count > 0
        if known and (previous_digest(line) != link.digest or found.seq != link.seq + 1):
            return count, link, f"line {count + 1} does not follow the one before: some are missing"
        count, link = count + 1, found
    return count, link, ""


def _canonical(body: Mapping[str, Any]) -> bytes:
    # ASCII alone: whatever a caller called itself, a line stays a line.
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()
