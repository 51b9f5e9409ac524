"""The verdicts as a table, language by case. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PASS, FAIL, GAP, SKIP = "ok", "FAIL", "gap", "-"
_WORST = (FAIL, GAP, SKIP, PASS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case of one language against one server.

    Attributes:
        case: its name.
        language: of the client.
        server: which one, such as native.
        mark: PASS, FAIL, GAP or SKIP.
        detail: why; empty for PASS.
    """

    case: str
    language: str
    server: str
    mark: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: a known gap is told, and is no failure."""
        return self.mark != FAIL


def table(verdicts: Sequence[Verdict], languages: Sequence[str], skipped: Mapping[str, str]) -> str:
    """The matrix, what is behind its marks, and which columns are missing.

    Args:
        verdicts: all of them; those of several servers share a cell, which shows the worst.
        languages: the columns.
        skipped: languages that were not run, and why.
    """
    cases = list(dict.fromkeys(one.case for one in verdicts))
    width = max((len(case) for case in cases), default=4) + 2
    lines = [" " * width + "  ".join(f"{one:<7}" for one in languages).rstrip()]
    for case in cases:
        cells = []
        for language in languages:
            marks = {one.mark for one in verdicts if one.case == case and one.language == language}
            cells.append(next((mark for mark in _WORST if mark in marks), ""))
        lines.append(f"{case:<{width}}" + "  ".join(f"{one:<7}" for one in cells).rstrip())
    lines.append("")
    for language in languages:
        own = [one for one in verdicts if one.language == language]
        counts = ", ".join(
            f"{sum(one.mark == mark for one in own)} {mark}"
            for mark in (PASS, FAIL, GAP)
            if any(one.mark == mark for one in own)
        )
        left_out = sum(one.mark == SKIP for one in own)
        lines.append(f"{language}: {counts}" + (f", {left_out} left out" if left_out else ""))
    lines += [f"{language}: skipped, {reason}" for language, reason in skipped.items()]
    for one in verdicts:
        if one.mark in {FAIL, GAP, SKIP}:
            lines.append(f"{one.mark} {one.language} {one.case} ({one.server}): {one.detail}")
    return "\n".join(lines)
