"""What is counted for one version of a model: histograms to which notes of batches are added."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from stubtail.lane.priority import PRIORITIES

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Classes = npt.NDArray[np.intp]

PHASES: Final = ("queue", "decode", "run", "encode", "total")
QUEUE, DECODE, RUN, ENCODE, TOTAL = range(len(PHASES))
OK: Final = 0

LATENCY_EDGES_S: Final = np.array(
    [5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
)
ERROR_EDGES_S: Final = np.array(
    [-0.1, -0.01, -3e-3, -1e-3, -3e-4, -1e-4, -3e-5, 0.0, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.1]
)
SIZE_EDGES: Final = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384, 65536.0])
BATCH_SIZES: Final = np.array([*range(1, 33), *(2.0**power for power in range(6, 25))])
LAG_EDGES_S: Final = np.array([1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0])

# One batch as the hot path leaves it: (model, version, status), rows, started_s, ran_s, encoded_s,
# predicted_s; then arrived_s, decoded_s and priority of its calls. A plain tuple, because a named
# one takes three times as long to make; bytes for the priorities, because numpy reads them as such.
BatchNote = tuple[
    tuple[str, str, int], int, float, float, float, float, list[float], list[float], bytes
]


class Histogram:
    """Counts by bucket, and their sum; the last bucket takes what is above the last edge."""

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: Floats) -> None:
        self.edges = edges
        self.counts: Counts = np.zeros(len(edges) + 1, np.int64)
        self.total = 0.0

    def add(self, values: Floats) -> None:
        """Counts values; one that equals an edge belongs to the bucket that ends there."""
        buckets = np.searchsorted(self.edges, values)
        self.counts += np.bincount(buckets, minlength=len(self.counts))
        self.total += float(values.sum())


class PhaseTimes:
    """Latency histograms by phase and priority, of one model, version and status."""

    __slots__ = ("counts", "sums")

    def __init__(self) -> None:
        shape = (len(PHASES), len(PRIORITIES))
        self.counts: Counts = np.zeros((*shape, len(LATENCY_EDGES_S) + 1), np.int64)
        self.sums: Floats = np.zeros(shape)

    def add(self, phase: int, priorities: Classes, seconds: Floats) -> None:
        """Counts one duration per call in one phase."""
        buckets = np.searchsorted(LATENCY_EDGES_S, seconds)
        self.add_bucketed(np.array([phase]), priorities, seconds[None], buckets[None])

    def add_bucketed(
        self, phases: Classes, priorities: Classes, seconds: Floats, buckets: Classes
    ) -> None:
        """Counts durations [phases, calls] whose buckets are known."""
        rows = phases[:, None] * len(PRIORITIES) + priorities
        cells = rows * self.counts.shape[2] + buckets
        counted = np.bincount(cells.ravel(), minlength=self.counts.size)
        self.counts += counted.reshape(self.counts.shape)
        summed = np.bincount(rows.ravel(), seconds.ravel(), minlength=self.sums.size)
        self.sums += summed.reshape(self.sums.shape)


@dataclass(frozen=True, slots=True)
class SizeTimes:
    """What all batches of one size took together, seconds; decode_s is a sum over their calls."""

    batches: int
    decode_s: float
    run_s: float
    encode_s: float


class SizeTable:
    """Batches by their rows: exact up to 32, beyond that by the next power of two."""

    __slots__ = ("counts", "sums")

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(len(BATCH_SIZES) + 1, np.int64)
        self.sums: Floats = np.zeros((3, len(self.counts)))

    def add(self, rows: Floats, decode_s: Floats, run_s: Floats, encode_s: Floats) -> None:
        """Counts batches."""
        cells, length = np.searchsorted(BATCH_SIZES, rows), len(self.counts)
        self.counts += np.bincount(cells, minlength=length)
        for index, seconds in enumerate((decode_s, run_s, encode_s)):
            self.sums[index] += np.bincount(cells, seconds, minlength=length)

    def read(self) -> dict[int, SizeTimes]:
        """Every size that was seen."""
        return {
            int(size): SizeTimes(int(self.counts[cell]), *map(float, self.sums[:, cell]))
            for cell, size in enumerate(BATCH_SIZES)
            if self.counts[cell]
        }


@dataclass(slots=True)
class Series:
    """Everything that is counted for one version of a model."""

    times: dict[int, PhaseTimes] = field(default_factory=dict)  # by status
    rows: Histogram = field(default_factory=lambda: Histogram(SIZE_EDGES))
    calls: Histogram = field(default_factory=lambda: Histogram(SIZE_EDGES))
    error: Histogram = field(default_factory=lambda: Histogram(ERROR_EDGES_S))
    sizes: SizeTable = field(default_factory=SizeTable)
    last_s: float = 0.0

    def add_batches(self, status: int, notes: Sequence[BatchNote]) -> None:
        """Counts batches that all ended with one status."""
        columns = list(zip(*notes, strict=True))
        rows, started, ran, encoded, predicted = (_floats(column) for column in columns[1:6])
        lengths = np.array([len(calls) for calls in columns[6]])
        arrived = _floats(list(chain.from_iterable(columns[6])))
        decoded = _floats(list(chain.from_iterable(columns[7])))
        # A wrong class must not stop the lane, so two bits are all that counts.
        priorities = np.frombuffer(b"".join(columns[8]), np.uint8).astype(np.intp) & 3
        run, encode = ran - started, encoded - ran
        seconds = np.zeros((len(PHASES), len(arrived)))
        seconds[QUEUE] = np.repeat(started, lengths) - decoded
        seconds[DECODE] = decoded - arrived
        seconds[TOTAL] = np.repeat(encoded, lengths) - arrived
        buckets = np.searchsorted(LATENCY_EDGES_S, seconds)
        # All calls of a batch share these two, so they are looked up once per batch.
        for phase, shared in ((RUN, run), (ENCODE, encode)):
            seconds[phase] = np.repeat(shared, lengths)
            buckets[phase] = np.repeat(np.searchsorted(LATENCY_EDGES_S, shared), lengths)
        times = self.times.setdefault(status, PhaseTimes())
        times.add_bucketed(np.arange(len(PHASES)), priorities, seconds, buckets)
        self.rows.add(rows)
        self.calls.add(lengths)
        self.error.add(predicted - (encoded - started))
        self.last_s = max(self.last_s, float(encoded.max()))
        ends = np.cumsum(lengths)
        decode_sums = np.concatenate(([0.0], np.cumsum(seconds[DECODE])))
        self.sizes.add(rows, decode_sums[ends] - decode_sums[ends - lengths], run, encode)

    def snapshot(self, unix_offset_s: float) -> "ModelSnapshot":
        """The numbers since the start; `unix_offset_s` turns the clock's seconds to unix time."""
        calls = {status: int(times.counts[TOTAL].sum()) for status, times in self.times.items()}
        sums_ns = {status: times.sums.sum(axis=1) * 1e9 for status, times in self.times.items()}
        done_ns = sums_ns.get(OK, np.zeros(len(PHASES)))
        fail_ns = sum(float(sums[TOTAL]) for status, sums in sums_ns.items() if status != OK)
        return ModelSnapshot(
            success_count=calls.get(OK, 0),
            success_ns=int(done_ns[TOTAL]),
            fail_count=sum(count for status, count in calls.items() if status != OK),
            fail_ns=int(fail_ns),
            queue_ns=int(done_ns[QUEUE]),
            compute_input_ns=int(done_ns[DECODE]),
            compute_infer_ns=int(done_ns[RUN]),
            compute_output_ns=int(done_ns[ENCODE]),
            inference_count=int(self.rows.total),
            execution_count=int(self.rows.counts.sum()),
            last_inference_ms=int((self.last_s + unix_offset_s) * 1e3) if self.last_s else 0,
            sizes=self.sizes.read(),
        )


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """Cumulative numbers of one version, as the Open Inference Protocol tells them.

    The nanoseconds are sums over calls; `sizes` has sums over batches, by rows of a batch: exact
    up to 32, above that the next power of two.
    """

    success_count: int = 0
    success_ns: int = 0
    fail_count: int = 0
    fail_ns: int = 0
    queue_ns: int = 0
    compute_input_ns: int = 0
    compute_infer_ns: int = 0
    compute_output_ns: int = 0
    inference_count: int = 0
    execution_count: int = 0
    last_inference_ms: int = 0
    sizes: Mapping[int, SizeTimes] = field(default_factory=dict)


def _floats(values: Sequence[float]) -> Floats:
    """An array of numbers; struct reads a sequence in half the time of np.array."""
    return np.frombuffer(struct.pack(f"{len(values)}d", *values))
