"""The settings of the audit log and of the payload log."""

from dataclasses import dataclass
from typing import Annotated

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What is kept of administrative acts and denials, and of samples of requests."""

    directory: Annotated[
        str, Rule("folder of the audit log", why="none: no log; its files are for this user alone")
    ] = ""
    file_bytes_max: Annotated[
        int, Rule("a file is ended at this size, bytes", 4096, 2**31, why="files are moved whole")
    ] = 16 * 1024 * 1024
    files_kept: Annotated[
        int, Rule("newest files kept of each worker", 2, 100_000, why="a flood must not fill disks")
    ] = 64
    queue_max: Annotated[
        int,
        Rule("records that wait to be written", 16, 1_000_000, why="a slow disk holds up no call"),
    ] = 4096
    denials_per_s: Annotated[
        float,
        Rule(
            "denials noted one by one a second: of known callers, and as many of strangers",
            1,
            100_000,
            why="beyond, they are counted",
        ),
    ] = 100.0
    payload_directory: Annotated[
        str, Rule("folder of the payload log", why="none: requests are never written")
    ] = ""
    payload_share: Annotated[
        float, Rule("part of the requests that it keeps", 0, 1, why="off by default")
    ] = 0.0
    payload_numbers: Annotated[
        bool, Rule("keep the numbers of rows; texts never are", why="they are customer data")
    ] = False
