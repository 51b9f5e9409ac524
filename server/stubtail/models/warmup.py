"""Runs a new graph on synthetic rows: does it run, do rows stay apart, how long does a run take."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from stubtail.models.errors import ModelError, RunFailed
from stubtail.models.manifest import Manifest
from stubtail.models.signature import FREE, Signature
from stubtail.models.synthetic import Array, Feeds, Run, SyntheticRows, first_run

Clock = Callable[[], float]

ROWS: Final = (1, 8, 64)  # timed: one call, a few calls, a burst
ROWS_COMPARED: Final = 3  # run together and alone; few, since a run can take a second
TIMED_RUNS_MAX: Final = 7  # odd: the median is a run; the first of each size only warms
ELEMENTS_MAX: Final = 4_000_000  # of one synthetic input: 16 MB of floats
UNKNOWN_RUN_S: Final = 0.001  # of a graph that refuses every synthetic row; learned in service
# Rows of a batch and the same rows alone may differ by rounding: a matrix product sums in blocks.
TOLERANCE: Final = 1e-3
TOLERANCE_FLOAT16: Final = 2e-2  # one step of float16 is 1e-3 already
DETAIL_CHARACTERS_MAX: Final = 300  # of what onnxruntime said, in a note


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What the warm-up found.

    Attributes:
        signature: as declared, corrected by what was seen.
        run_fixed_s: seconds of one run whatever its rows.
        run_per_row_s: seconds that each row adds.
        notes: what the owner of the model should know, for the log only.
    """

    signature: Signature
    run_fixed_s: float
    run_per_row_s: float
    notes: tuple[str, ...] = ()


def warm_up(
    run: Run,
    signature: Signature,
    manifest: Manifest | None,
    *,
    where: str,
    budget_s: float,
    clock: Clock = time.perf_counter,
) -> WarmUp:
    """Runs the graph until it is warm and known.

    Args:
        run: one run of the graph; raises RunFailed.
        signature: as the graph declares it.
        manifest: where there is one.
        where: names the file in messages.
        budget_s: no timed run starts after this many seconds.
        clock: monotonic seconds.

    Raises:
        ModelError: the graph fails on rows that its own manifest allows. Without a manifest a
            failure is no proof, as the values are guessed: a note says that nothing is known.
    """
    end = clock() + budget_s
    inputs = signature.inputs
    rows_free = bool(inputs) and all(spec.shape[:1] == (FREE,) for spec in inputs)
    try:
        make, first = first_run(run, signature, manifest)
    except RunFailed as error:
        if manifest is not None and manifest.features:
            problem = "the graph fails on rows that the manifest allows"
            mend = "compare the features of the manifest with what the graph expects"
            raise ModelError(where, problem, mend, detail=error.detail) from error
        note = "the graph failed on every synthetic row; its calls are not batched"
        unknown = replace(signature, batchable=False)
        return WarmUp(unknown, UNKNOWN_RUN_S, 0.0, (_with_detail(note, error),))
    sizes = [rows for rows in ROWS if rows_free or rows == 1]
    signature, notes = _observe(run, make, signature, first, rows_free=rows_free)
    times = _time(run, make, sizes, end=end, clock=clock)
    fixed_s, per_row_s = fit_run_time([(rows, times[rows]) for rows in times])
    return WarmUp(signature, fixed_s, per_row_s, notes)


def fit_run_time(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The line `fixed + rows * per_row` through measured runs, neither part negative.

    Errors count in proportion to the time, or the largest batch alone would draw the line.

    Args:
        points: pairs of rows and seconds; of a single pair the time is all fixed.

    Returns:
        Seconds of one run, and seconds for each row.
    """
    if len(points) == 1:
        return points[0][1], 0.0
    rows = np.array([point[0] for point in points], np.float64)
    seconds = np.maximum([point[1] for point in points], 1e-9)
    columns = np.stack([1.0 / seconds, rows / seconds], axis=1)
    fixed, per_row = np.linalg.lstsq(columns, np.ones(len(points)), rcond=None)[0]
    if fixed < 0:
        column = columns[:, 1]
        return 0.0, float(column.sum() / (column @ column))
    if per_row < 0:
        column = columns[:, 0]
        return float(column.sum() / (column @ column)), 0.0
    return float(fixed), float(per_row)


def _observe(
    run: Run, make: SyntheticRows, signature: Signature, one: list[Array], *, rows_free: bool
) -> tuple[Signature, tuple[str, ...]]:
    """Corrects the declared outputs by those seen, and decides whether calls may share a run."""
    rows = ROWS_COMPARED
    feeds = make(rows)
    try:
        together = run(feeds) if rows_free else one
        follow = rows_free and all(
            single.shape[:1] == (1,) and several.shape[:1] == (rows,)
            for single, several in zip(one, together, strict=True)
        )
        outputs = tuple(
            replace(spec, shape=_seen_shape(spec.shape, array, follow=follow))
            for spec, array in zip(signature.outputs, together, strict=True)
        )
        if not follow:
            notes = ("its outputs do not follow its rows; calls are not batched",)
            return Signature(signature.inputs, outputs, batchable=False), notes * rows_free
        apart = all(
            _same([array[index : index + 1] for array in together], run(_row(feeds, index)))
            for index in range(rows)
        )
    except RunFailed as error:
        note = f"the graph fails on {rows} rows; calls are not batched"
        return replace(signature, batchable=False), (_with_detail(note, error),)
    if not apart:
        notes = ("a row changes the answers of others; calls are not batched",)
        return Signature(signature.inputs, outputs, batchable=False), notes
    return Signature(signature.inputs, outputs, batchable=True), ()


def _with_detail(note: str, error: RunFailed) -> str:
    return f"{note} ({error.detail[:DETAIL_CHARACTERS_MAX]})"


def _seen_shape(declared: tuple[int, ...], array: Array, *, follow: bool) -> tuple[int, ...]:
    """The declared shape, unless the array contradicts it: exporters write wrong first sizes."""
    if len(declared) != array.ndim:
        declared = (FREE,) * array.ndim
    fits = (size in {FREE, seen} for size, seen in zip(declared, array.shape, strict=True))
    shape = tuple(size if fit else FREE for size, fit in zip(declared, fits, strict=True))
    return (FREE, *shape[1:]) if follow else shape


def _row(feeds: Feeds, index: int) -> Feeds:
    return {name: array[index : index + 1] for name, array in feeds.items()}


def _same(left: list[Array], right: list[Array]) -> bool:
    return all(_same_array(one, other) for one, other in zip(left, right, strict=True))


def _same_array(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return np.array_equal(one, other)
    tolerance = TOLERANCE_FLOAT16 if one.dtype.itemsize == 2 else TOLERANCE
    return np.allclose(one, other, rtol=tolerance, atol=tolerance / 10, equal_nan=True)


def _time(
    run: Run, make: SyntheticRows, sizes: Sequence[int], *, end: float, clock: Clock
) -> dict[int, float]:
    """The median seconds of a run, for each number of rows that the budget allows."""
    times: dict[int, float] = {}
    for rows in sizes:
        if times and (clock() >= end or make.elements(rows) > ELEMENTS_MAX):
            break
        taken: list[float] = []
        for _ in range(1 + TIMED_RUNS_MAX):
            feeds = make(rows)
            begin = clock()
            try:
                run(feeds)
            except RunFailed:
                break
            taken.append(clock() - begin)
            if clock() >= end:
                break
        if taken:
            times[rows] = statistics.median(taken[1:] or taken)
    return times or {1: UNKNOWN_RUN_S}
