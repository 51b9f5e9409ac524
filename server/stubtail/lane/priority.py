"""The four classes of calls, and the numbers by which requests ask for them."""

from collections.abc import Mapping
from typing import Final

CRITICAL, HIGH, NORMAL, LOW = PRIORITIES = range(4)
PRIORITY_NAMES: Final = ("critical", "high", "normal", "low")
# `stubtail.v1.Priority`, and the parameter of that name of the Open Inference Protocol, whose
# levels are Triton's: 1 is the most urgent one, and 0 is what a call has that does not say.
REQUESTED: Final[Mapping[int, int]] = {0: NORMAL, 1: CRITICAL, 2: HIGH, 3: NORMAL, 4: LOW}
