"""Tests of what is counted: against a plain count in Python, within bounds, without losses.

What recording costs, note and fold together, measured on one core of a shared AMD EPYC with Python
3.11 (`python -m timeit` on `record_batch`, best of five, nanoseconds per call of a batch):

    calls in a batch     1       8      16      64
    whole              2,900     600     470     370
    of it on the spot  1,270     215     140      80

A call costs the server some 20,000 ns, so batches of eight and more cost at most 3 %.
"""

import random
import threading
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from stubtail.lane.priority import PRIORITIES
from stubtail.metrics import ModelInfo, ModelSnapshot, Recorder
from stubtail.metrics.collector import build_registry
from stubtail.metrics.recorder import CALLS_FOLDED_MAX, OTHER, PENDING_MAX, UNKNOWN
from stubtail.metrics.series import LATENCY_EDGES_S, PHASES, Histogram

OK, INTERNAL, EXHAUSTED = 0, 13, 8


@dataclass
class Call:
    """What the recorder reads of a job."""

    arrived_s: float = 10.0
    decoded_s: float = 10.001
    priority: int = 2


def record(recorder: Recorder, calls=None, *, model="churn", version="1", status=OK, rows=None):
    """Notes one batch: 3 ms queue after 1 ms decode, 0.5 ms run, 0.1 ms encode."""
    calls = [Call()] if calls is None else calls
    rows = len(calls) if rows is None else rows
    recorder.record_batch(model, version, status, calls, rows, 10.004, 10.0045, 10.0046, 0.0004)


def samples(recorder: Recorder) -> dict[tuple[str, ...], float]:
    """Every sample by (name, label values in the order of their names)."""
    text = generate_latest(build_registry(recorder, lambda: 3)).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_phases_of_one_batch():
    """decode, queue, run, encode and total are the differences of the stamps, in seconds."""
    recorder = Recorder()
    record(recorder, [Call(), Call(9.999, 10.002, 0)], rows=5)

    found = samples(recorder)

    def total(phase: str, priority: str) -> float:
        return found["stubtail_call_seconds_sum", "churn", phase, priority, "OK", "1"]

    assert total("decode", "normal") == pytest.approx(0.001)
    assert total("decode", "critical") == pytest.approx(0.003)
    assert total("queue", "normal") == pytest.approx(0.003)
    assert total("queue", "critical") == pytest.approx(0.002)
    assert total("run", "normal") == total("run", "critical") == pytest.approx(0.0005)
    assert total("encode", "normal") == pytest.approx(0.0001)
    assert total("total", "normal") == pytest.approx(0.0046)
    assert total("total", "critical") == pytest.approx(0.0056)
    assert found["stubtail_calls_total", "churn", "normal", "OK", "1"] == 1
    assert found["stubtail_batch_rows_sum", "churn", "1"] == 5
    assert found["stubtail_batch_calls_sum", "churn", "1"] == 2
    assert found["stubtail_prediction_error_seconds_bucket", "-0.0001", "churn", "1"] == 1
    assert found["stubtail_prediction_error_seconds_bucket", "-0.0003", "churn", "1"] == 0


@pytest.mark.parametrize("seed", range(20))
def test_histograms_agree_with_a_plain_count(seed):
    """Whatever the batches and whenever they are folded, buckets are what bisect would say."""
    chance = random.Random(seed)
    recorder = Recorder()
    expected = np.zeros((len(PHASES), len(PRIORITIES), len(LATENCY_EDGES_S) + 1), int)
    for _ in range(150):
        started, run, encode = 100.0, chance.expovariate(900), chance.expovariate(9000)
        calls = []
        for _ in range(chance.choice([1, 1, 2, 7, 33])):
            arrived = started - chance.expovariate(300)
            decoded = chance.uniform(arrived, started)
            calls.append(Call(arrived, decoded, chance.randrange(4)))
        ran = started + run
        encoded = ran + encode
        recorder.record_batch("m", "1", OK, calls, 1, started, ran, encoded, run)
        for call in calls:
            phases = (
                started - call.decoded_s,
                call.decoded_s - call.arrived_s,
                ran - started,
                encoded - ran,
                encoded - call.arrived_s,
            )
            for phase, seconds in enumerate(phases):
                bucket = bisect_left(LATENCY_EDGES_S.tolist(), seconds)
                expected[phase, call.priority, bucket] += 1
        if chance.random() < 0.05:
            recorder.snapshot("m", "1")

    counts = recorder.read(lambda series: series["m", "1"].times[OK].counts.copy())

    assert (counts == expected).all()


def test_edges_belong_to_the_lower_bucket():
    """A value that equals an upper bound counts as within it, as Prometheus says."""
    histogram = Histogram(np.array([1.0, 2.0]))
    histogram.add(np.array([0.5, 1.0, 1.5, 2.0, 2.5]))

    assert histogram.counts.tolist() == [2, 2, 1]
    assert histogram.total == 7.5


def test_notes_are_folded_in_time():
    """Without any scrape the notes stay few."""
    recorder = Recorder()
    for _ in range(3000):
        record(recorder, [Call()] * 7)

    assert recorder._calls_pending < CALLS_FOLDED_MAX
    assert recorder.snapshot("churn", "1").success_count == 21_000


def test_nothing_is_lost_between_threads():
    """Batches noted by several threads while others scrape are all counted, once."""
    recorder = Recorder()
    threads = [
        threading.Thread(target=lambda: [record(recorder) for _ in range(3000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recorder.snapshot("churn", "1")
    for thread in threads:
        thread.join()

    assert recorder.snapshot("churn", "1").success_count == 12_000
    assert recorder.lost_notes == 0


def test_notes_are_bounded_while_a_scrape_reads():
    """A scrape that takes for ever costs the oldest notes, counted, and never memory."""
    recorder = Recorder()

    def note_much(_) -> None:
        for _ in range(PENDING_MAX + 5):
            recorder.record_refusal("churn", "1", 2, EXHAUSTED, 0.001, "QUEUE_FULL")

    recorder.read(note_much)

    assert len(recorder._refusals) == PENDING_MAX
    assert recorder.lost_notes == 5


def test_refusals_count_in_total_only():
    """A refused call has a status, a reason and a total time, and no phase before it."""
    recorder = Recorder()
    recorder.models = [ModelInfo("churn", "1", "scoring", "ready", True, "ab")]
    recorder.record_refusal("churn", "1", 3, EXHAUSTED, 0.002, "QUEUE_FULL")

    found = samples(recorder)

    assert found["stubtail_calls_total", "churn", "low", "RESOURCE_EXHAUSTED", "1"] == 1
    assert found["stubtail_refusals_total", "QUEUE_FULL"] == 1
    phases = {key[2] for key in found if key[0] == "stubtail_call_seconds_count"}
    assert phases == {"total"}


def test_wrong_names_never_become_labels():
    """A caller cannot create series: a name that no model has is "unknown", a version ""."""
    recorder = Recorder()
    recorder.models = [ModelInfo("churn", "1", "scoring", "ready", True, "ab")]
    for number in range(2000):
        recorder.record_refusal(f"made-up-{number}", "1", 2, 5, 0.001)
        recorder.record_refusal("churn", str(number + 10), 2, 5, 0.001)

    assert recorder.read(set) == {(UNKNOWN, ""), ("churn", "")}


def test_series_are_bounded():
    """Beyond the bound further versions are counted together as "other"."""
    recorder = Recorder(series_max=3)
    for number in range(10):
        record(recorder, version=str(number))
        recorder.snapshot("churn", "0")

    assert recorder.read(len) == 4
    assert recorder.snapshot(OTHER, "").success_count == 7


def test_retired_versions_make_room():
    """A hundred reloads do not fill the bound: versions that are gone are forgotten."""
    recorder = Recorder(series_max=3)
    for number in range(100):
        recorder.models = [ModelInfo("churn", str(number), "scoring", "ready", True, "ab")]
        record(recorder, version=str(number))
        assert recorder.snapshot("churn", str(number)).success_count == 1

    assert recorder.snapshot(OTHER, "").success_count == 0


def test_snapshot_for_model_statistics():
    """The Open Inference Protocol's numbers: sums over calls, rows, runs, and sizes of batches."""
    recorder = Recorder(clock=lambda: 1000.0)
    record(recorder, [Call(), Call()], rows=50)
    record(recorder, [Call()], rows=1)
    record(recorder, [Call()], rows=1, status=INTERNAL)

    found = recorder.snapshot("churn", "1")

    assert (found.success_count, found.fail_count) == (3, 1)
    assert (found.inference_count, found.execution_count) == (52, 3)
    assert found.compute_infer_ns == pytest.approx(3 * 500_000, abs=10)
    assert found.queue_ns == pytest.approx(3 * 3_000_000, abs=10)
    assert found.success_ns == pytest.approx(3 * 4_600_000, abs=10)
    assert found.last_inference_ms > 1.6e12
    assert sorted(found.sizes) == [1, 64]
    assert found.sizes[64].batches == 1
    assert found.sizes[64].decode_s == pytest.approx(0.002)
    assert found.sizes[1].run_s == pytest.approx(0.001)


def test_snapshot_of_the_unknown_is_zero():
    """A version that never ran has zeros."""
    assert Recorder().snapshot("churn", "1") == ModelSnapshot()


def test_wrong_priority_does_not_stop_the_lane():
    """A class beyond the four is counted as one of them."""
    recorder = Recorder()
    record(recorder, [Call(priority=200)])
    recorder.record_refusal("churn", "1", -7, EXHAUSTED, 0.001)

    assert recorder.snapshot("churn", "1").success_count == 1


@pytest.mark.parametrize("is_open", [False, True])
def test_exposition_is_valid(is_open):
    """What a scrape gets is read by Prometheus's own parser, in both formats."""
    recorder = Recorder()
    recorder.models = [ModelInfo('ch"urn\n', "1", "scoring", "ready", True, "ab")]
    recorder.queue_jobs = lambda: (1, 2, 3, 4)
    record(recorder, model='ch"urn\n')
    recorder.record_loop_lag(0.003)
    registry = build_registry(recorder, lambda: 3)
    text = (generate_openmetrics if is_open else generate_latest)(registry).decode()

    parse = parse_openmetrics if is_open else text_string_to_metric_families
    names = {family.name for family in parse(text)}

    assert names >= {
        "stubtail_calls",
        "stubtail_call_seconds",
        "stubtail_batch_rows",
        "stubtail_batch_calls",
        "stubtail_queue_jobs",
        "stubtail_prediction_error_seconds",
        "stubtail_event_loop_lag_seconds",
        "stubtail_refusals",
        "stubtail_log_lines_dropped",
        "process_resident_memory_bytes",
        "process_cpu_seconds",
        "process_start_time_seconds",
    }
    assert "stubtail_model_info{" in text
    assert 'stubtail_queue_jobs{priority="low"} 4.0' in text


def test_empty_server_can_be_scraped():
    """Before the first call the metrics are valid and say nothing of calls."""
    found = samples(Recorder())

    assert not any(key[0].startswith("stubtail_call_seconds") for key in found)
    assert found["stubtail_log_lines_dropped_total",] == 3
