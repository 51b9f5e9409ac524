"""A workload: which calls, how they come, for how long. Read from a small TOML file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stubtail_bench.arrangement import SHAPES, Arrangement
from stubtail_bench.connections import Slow
from stubtail_bench.errors import WorkloadError
from stubtail_bench.table_reader import TableReader
from stubtail_bench.traces import KNOWN

FORMS = ("infer", "dense", "named")
PRIORITIES = ("", "critical", "high", "normal", "low")
ROWS_MAX = 65_536  # in one call
CONNECTIONS_MAX = 10_000  # of a process; each has a descriptor
SECONDS_MAX = 86_400.0  # a day
DEADLINE_MAX_MS = 86_400e3
SEED_MAX = 2**31


@dataclass(frozen=True, slots=True)
class CallSpec:
    """One kind of call of a mix, as the file describes it.

    Attributes:
        model: Its name on the server.
        name: In tables; the model, the form and the rows where the file names none.
        form: `infer` is the Open Inference Protocol's ModelInfer; `dense` and `named` are
            stubtail's Score.
        rows: Lowest and highest number of rows in a call, drawn evenly.
        weight: Its part of all calls, relative to the other kinds.
        priority: One of `PRIORITIES`; empty sends none.
        deadline_ms: Sent as grpc-timeout; a later answer is no good. 0: none.
        enforce_deadline: The client gives a call up at its deadline, as gRPC clients do; without,
            answers that come too late are waited for and counted as such.
        cancel: Part of its calls that the client gives up before.
        cancel_within_ms: A call is given up at a time drawn evenly from 0 to this.
        rows_file: A CSV file of real rows with a head; rows are drawn from it.
        value_range: Of random numbers for tensors of which the server tells no range.
        free_dimension: Size of dimensions, other than the rows, that the model leaves free.
        inputs: The tensors that the model takes, for a server that does not tell them, as
            `served.parse_tensor` reads them.
    """

    model: str
    name: str = ""
    form: str = "infer"
    rows: tuple[int, int] = (1, 1)
    weight: float = 1.0
    priority: str = ""
    deadline_ms: float = 0.0
    enforce_deadline: bool = True
    cancel: float = 0.0
    cancel_within_ms: float = 5.0
    rows_file: Path | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    free_dimension: int = 1
    inputs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How tables call it."""
        low, high = self.rows
        rows = f"{low} row{'s' if low > 1 else ''}" if low == high else f"{low}-{high} rows"
        return self.name or f"{self.model}, {self.form}, {rows}"


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent, how it comes, for how long.

    Attributes:
        calls: The kinds of calls.
        arrivals: How they come.
        seconds: Of the measured part.
        warm_up_s: Before it; its calls are in no figure.
        connections: TCP connections of each process.
        slow: How many of them read slowly.
        seed: Of rows, mix and arrivals.
        patience_s: A call without an answer so long after the last one was due is lost.
        source: The file as it was read, for the results.
    """

    calls: Sequence[CallSpec]
    arrivals: Arrangement = field(default_factory=Arrangement)
    seconds: float = 10.0
    warm_up_s: float = 2.0
    connections: int = 8
    slow: Slow = field(default_factory=Slow)
    seed: int = 1
    patience_s: float = 10.0
    source: Mapping[str, Any] = field(default_factory=dict)


def load_workload(path: Path) -> Workload:
    """Reads a workload.

    Raises:
        WorkloadError: It is no TOML, or keys are wrong, missing or unknown: all of them at once.
        OSError: It cannot be read.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkloadError(path.name, [f"it is no TOML: {error}"]) from error
    return parse_workload(values, path.name, path.parent)


def parse_workload(values: Mapping[str, Any], name: str, folder: Path) -> Workload:
    """The workload in a document; relative paths in it begin at `folder`. Raises WorkloadError."""
    problems: list[str] = []
    top = TableReader(values, "", problems)
    calls = [_call(table, folder) for table in top.tables("calls")]
    arrivals = _arrivals(top.table("arrivals"), folder)
    slow = top.table("slow_readers")
    connections = top.whole("connections", 8, low=1, high=CONNECTIONS_MAX)
    slow_connections = slow.whole("connections", 0, low=0, high=connections)
    bytes_per_s = slow.number("bytes_per_s", 1_000.0, above=True)
    slow.finish()
    seconds = top.number("seconds", 10.0, above=True, high=SECONDS_MAX)
    if arrivals.shape == "step":
        seconds = sum(length for _, length in arrivals.steps)
    workload = Workload(
        calls=calls,
        arrivals=arrivals,
        seconds=seconds,
        warm_up_s=top.number("warm_up_s", 2.0),
        connections=connections,
        slow=Slow(slow_connections, bytes_per_s),
        seed=top.whole("seed", 1, low=0, high=SEED_MAX),
        patience_s=top.number("patience_s", 10.0, above=True),
        source=values,
    )
    titles = [call.title for call in calls]
    twice = sorted({one for one in titles if titles.count(one) > 1} if not problems else ())
    problems += [f"calls: two have the name {one!r}; give them different `name`s" for one in twice]
    top.finish()
    if problems:
        raise WorkloadError(name, problems)
    return workload


def _call(table: TableReader, folder: Path) -> CallSpec:
    form = table.text("form", "infer", of=FORMS)
    rows_file = table.text("rows_file", "")
    if rows_file and not (folder / rows_file).is_file():
        table.wrong("rows_file", f"there is no file {rows_file!r}")
    spec = CallSpec(
        model=table.text("model"),
        name=table.text("name", ""),
        form=form,
        rows=table.span("rows", (1, 1), high=ROWS_MAX),
        weight=table.number("weight", 1.0, above=True),
        priority=table.text("priority", "", of=PRIORITIES),
        deadline_ms=table.number("deadline_ms", 0.0, high=DEADLINE_MAX_MS),
        enforce_deadline=table.flag("enforce_deadline", default=True),
        cancel=table.number("cancel", 0.0, high=1.0),
        cancel_within_ms=table.number("cancel_within_ms", 5.0),
        rows_file=folder / rows_file if rows_file else None,
        value_range=table.numbers("value_range", (0.0, 1.0)),
        free_dimension=table.whole("free_dimension", 1, low=1, high=1_000_000),
        inputs=table.texts("inputs"),
    )
    table.finish()
    return spec


def _arrivals(table: TableReader, folder: Path) -> Arrangement:
    trace = table.text("trace", "")
    if trace not in KNOWN and (folder / trace).is_file():
        trace = str(folder / trace)
    shape = table.text("shape", "poisson", of=SHAPES)
    found = Arrangement(
        shape=shape,
        rate=table.number("rate", 100.0, above=shape != "ramp"),
        rate_end=table.number("rate_end", 0.0),
        steps=tuple(table.pairs("steps")),
        even=table.flag("even", default=False),
        trace=trace,
        start_s=table.number("start_s", 0.0),
        speed=table.number("speed", 1.0, above=True),
        scale=table.number("scale", 1.0, above=True),
    )
    if shape == "step" and not found.steps:
        table.wrong("steps", "is missing: a list of [calls a second, seconds]")
    if shape == "replay" and not found.trace:
        table.wrong("trace", "is missing: a name or a file")
    if shape == "ramp" and not found.rate + found.rate_end:
        table.wrong("rate_end", "is missing: the rate at the end")
    table.finish()
    return found
