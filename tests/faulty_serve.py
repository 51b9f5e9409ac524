"""The command `stubtail` with a runtime whose graphs all fail for as long as a file is there.

A graph cannot begin to fail by itself, and a breaker is for those that do: memory that runs out, a
library that breaks. `python -m tests.faulty_serve FILE serve ..` is everything else of a server.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stubtail.__main__ import main
from stubtail.models import session as sessions
from stubtail.models.errors import RunFailed
from stubtail.models.signature import Signature
from stubtail.models.synthetic import Array, Run

make_runner = sessions.make_runner
fault = Path(sys.argv[1])


def faulty_runner(session: Any, signature: Signature, model: str) -> Run:
    """A run that looks for the file first."""
    run = make_runner(session, signature, model)

    def run_or_fail(feeds: Mapping[str, Array]) -> list[Array]:
        if fault.exists():
            raise RunFailed(model, "the file is there")
        return run(feeds)

    return run_or_fail


if __name__ == "__main__":
    sessions.make_runner = faulty_runner
    sys.exit(main(sys.argv[2:]))
