"""What is known of a key between two of its points, and how points are judged; constants, pure.

Thresholds follow the key: each alarm raises that of its side and every other point lowers it a
little, so much that alarms come at the wanted rate in the long run, whatever the noise looks like
(adaptive conformal inference: Gibbs and Candes, 2021).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

# Columns of the state of a key, all float64.
(
    TIME,  # points since the key is known, missing ones included
    COUNT,  # finite ones
    KNOWN,  # finite ones that the spread was learned from
    LEVEL,  # without season
    SPREAD,  # of points around what is expected, as a standard deviation
    FAST,  # the same, of the last few points
    UPPER,  # spreads above what is expected that raise an alarm
    LOWER,  # spreads below
    CHANGE,  # ratio of FAST to SPREAD, either way, that raises an alarm
    RUN,  # alarms above in a row; negative for below
    RUN_SUM,  # of their values without season
    LAST,  # the value before
    SAME,  # equal values in a row
    LONGEST,  # the longest such run before this one
    REPEATS,  # the share of points that repeat the one before
    CHANCE,  # of the present run of equal values
) = range(16)
FIELDS: Final = 16

LEVEL_GAIN: Final = 0.1  # of a deviation that the level follows; half of it with a season
SEASON_GAIN: Final = 0.2
SPREAD_GAIN: Final = 0.01
FAST_GAIN: Final = 0.15
ABSOLUTE: Final = 1.2533141373155001  # sqrt(pi / 2): mean |deviation| to standard deviation
FREE_POINTS: Final = 8.0  # the first deviations count in full, later ones are clipped
CLIP: Final = 3.0  # spreads that a deviation counts at most
CLIP_SLOPE: Final = 0.05  # of what is beyond: a spread of 0 must be able to grow
FAST_CLIP: Final = 3.5
SHIFT_POINTS: Final = 5.0  # alarms in a row on one side that make a shift of the level
START: Final = 1.5  # times what normal noise asks for: few alarms before the tails are known
RAISE: Final = 1.2  # what an alarm does to its threshold at least
RAISE_MOST: Final = 2.0
RAISE_NEXT: Final = 1.05  # the following alarms of a row
CHANGE_START: Final = 2.5
CHANGE_RAISE: Final = 1.25
CHANGE_POINTS: Final = 16.0  # after the warm-up, before changes of the spread are judged
REPEATS_MOST: Final = 0.5  # of a key that mostly stands still, changes of the spread say nothing
FLAT_POINTS: Final = 6.0  # equal values in a row at least
REPEATS_GAIN: Final = 0.01
REPEATS_LEAST: Final = 1e-3
EXACT: Final = 1e-9  # of the level: what values are exact to
TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How points are judged, from a false-alarm rate.

    Attributes:
        season: its length in points; 1 for none.
        warm_up: finite points before the first verdict.
        rate: of false alarms, all kinds together.
        start: spreads that raise an alarm at first, either side.
        least: spreads below which none is raised.
        decay: of both thresholds, for each point.
        change_decay: of the threshold of changes of the spread.
        flat_chance: of a run of equal values that raises an alarm.
        level_gain: of a deviation that the level follows.
    """

    season: int
    warm_up: int
    rate: float
    start: float
    least: float
    decay: float
    change_decay: float
    flat_chance: float
    level_gain: float

    @classmethod
    def of(cls, rate: float, season: int, warm_up: int) -> "WatchRules":
        """The rules of a rate (0 to 0.2); a season needs two rounds to be learned."""
        side = 0.4 * rate  # a fifth is left for changes of the spread and flat lines
        normal = NormalDist().inv_cdf(1.0 - side)
        return cls(
            season=season,
            warm_up=max(warm_up, 2 * season if season > 1 else 0),
            rate=rate,
            start=START * normal,
            least=0.85 * normal,
            decay=1.0 - 0.1823 * side,  # ln(RAISE)
            change_decay=1.0 - 0.2231 * 0.1 * rate,  # ln(CHANGE_RAISE)
            flat_chance=0.1 * rate,
            level_gain=LEVEL_GAIN if season < 2 else LEVEL_GAIN / 2,
        )
