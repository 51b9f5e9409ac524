"""The settings of anomaly detection: how much one call and one stream can take."""

from dataclasses import dataclass
from typing import Annotated

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """How much one call of Detect and one stream of Watch can take."""

    series_points_max: Annotated[
        int,
        Rule(
            "most points of all series of one call, filled gaps included",
            64,
            2**22,
            why="65,536 take some 0.4 s of one thread, and the pool has few",
        ),
    ] = 65_536
    watch_streams_max: Annotated[
        int, Rule("most Watch streams at once", 1, 10_000, why="each may hold its most keys")
    ] = 32
    watch_keys_max: Annotated[
        int,
        Rule(
            "most keys of one stream",
            1,
            1_000_000,
            why="a key takes some 300 bytes, and 8 more for each point of a season",
        ),
    ] = 10_000
    watch_numbers_max: Annotated[
        int,
        Rule(
            "most keys times season length of one stream",
            1024,
            2**28,
            why="8 bytes each: 2,000,000 are 16 MB",
        ),
    ] = 2_000_000
    watch_points_max: Annotated[
        int,
        Rule("most points of one message", 1, 2**20, why="it is answered as a whole"),
    ] = 4096
    watch_idle_s: Annotated[
        float,
        Rule(
            "longest time that an unseen key is kept, s",
            1,
            1e9,
            why="keys of things that are gone would push out others",
        ),
    ] = 86_400.0
    watch_silent_s: Annotated[
        float,
        Rule(
            "how long a Watch stream may send nothing before it is ended, s",
            1,
            1e9,
            why="a stream that is forgotten holds its keys and its place among the streams",
        ),
    ] = 600.0
