"""Why a load cannot be made; the command line prints these without a trace."""

from collections.abc import Sequence


class LoadError(Exception):
    """No figures come of it; the message says why."""


class WorkloadError(LoadError):
    """A workload is wrong.

    Attributes:
        problems: All that is wrong with it, each with its key.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{source} has {len(self.problems)} {noun}:{lines}")
