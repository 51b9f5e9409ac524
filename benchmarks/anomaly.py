"""Anomalies against public labels: rows, series, causes; and how long the answers take."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks import anomaly_adbench as adbench
from benchmarks import anomaly_nab as nab
from benchmarks import anomaly_petshop as petshop
from benchmarks.anomaly_forest import forest_gain
from benchmarks.anomaly_speed import speeds
from benchmarks.errors import BenchmarkError
from benchmarks.results import Promise, machine
from benchmarks.scenario import add_common, add_transport, finish, server_of
from stubtail.v1 import anomaly_pb2

DETECT = "/stubtail.v1.AnomalyService/Detect"
RATES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)
INTERVAL_S = 300.0
CALL_S = 60.0
GAIN = 0.02  # of the mean AUROC over a plain isolation forest
RATIO = 1.25  # of F1 over the best of the usual rules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks anomaly`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3, help="splits of each tabular set")
    parser.add_argument(
        "--only", choices=["rows", "series", "causes", "speed"], help="one part of it"
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept."""
    about = machine()
    promises: list[Promise] = []
    figures: dict[str, Any] = {}
    if options.only != "speed" and not (options.data / "nab").is_dir():
        raise BenchmarkError(f"no public data in {options.data}; name their folder with --data")
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        subjects = []
        if options.only in (None, "rows"):
            for seed in range(options.seeds):
                subjects += list(adbench.read(options.data / "adbench", seed))
            for subject in subjects:
                adbench.publish(subject, models)
        if (options.models / "anomaly").is_dir():
            shutil.copytree(options.models / "anomaly", models / "anomaly")
        with (
            server_of(options, models) as server,
            grpc.insecure_channel(
                server.address, [("grpc.max_receive_message_length", -1)]
            ) as channel,
        ):
            call: Any = channel.unary_unary(DETECT, None, None)
            if subjects:
                promises += rows(call, subjects, figures)
            if options.only in (None, "series"):
                promises += series(call, options.data / "nab", figures)
            if options.only in (None, "causes"):
                promises += causes(call, options.data / "petshop", figures)
            if options.only in (None, "speed"):
                promises += speeds(server.address, channel, figures)
                promises += forest_gain(figures)
    return finish("anomaly", options, about, promises, figures)


def rows(call: Any, subjects: Sequence[adbench.Subject], figures: dict[str, Any]) -> list[Promise]:
    """Area under the ROC curve of served bundles and of isolation forests."""
    found: dict[str, Any] = {}
    for protocol in adbench.PROTOCOLS:
        ours: dict[str, list[dict[str, float]]] = {}
        theirs: dict[str, list[dict[str, float]]] = {}
        for subject in subjects:
            if subject.protocol == protocol:
                served = adbench.measures(subject.labels, _served_scores(call, subject))
                plain = adbench.measures(subject.labels, adbench.forest_scores(subject))
                ours.setdefault(subject.set_name, []).append(served)
                theirs.setdefault(subject.set_name, []).append(plain)
        for name in ours:
            shown = [
                f"{np.mean([one[key] for one in many[name]]):.3f}"
                for many in (ours, theirs)
                for key in ("auroc", "ap")
            ]
            print(
                f"  {protocol} {name:12} AUROC {shown[0]} AP {shown[1]}; "
                f"forest {shown[2]} {shown[3]}",
                flush=True,
            )
        gain = adbench.gains(ours, theirs)
        print(f"  {protocol} above the forest: {gain}", flush=True)
        found[protocol] = {"gain": gain, "ours": ours, "isolation_forest": theirs}
    figures["rows"] = found
    gain, cleaned = found[adbench.AS_FOUND]["gain"], found[adbench.CLEANED]["gain"]
    note = (
        f"the sets it was chosen on {gain['development']['auroc']:+.3f}, "
        f"the others {gain['others']['auroc']:+.3f}; "
        f"average precision {gain['all']['ap']:+.3f}; "
        f"fitted on usual rows alone {cleaned['all']['auroc']:+.3f}"
    )
    text = "rows: mean AUROC above a plain isolation forest's"
    return [Promise(text, gain["all"]["auroc"], "at least", GAIN, "", note)]


def _served_scores(call: Any, subject: adbench.Subject) -> Any:
    """The scores of the judged rows, [rows]."""
    parts = []
    for first in range(0, len(subject.judged), adbench.ROWS_A_CALL):
        some = subject.judged[first : first + adbench.ROWS_A_CALL]
        dense = {"values": some.ravel()}
        request = anomaly_pb2.DetectRequest(model=subject.model, dense=dense)
        parts.append(np.array(_ask(call, request).scores))
    return np.concatenate(parts)


def series(call: Any, folder: Path, figures: dict[str, Any]) -> list[Promise]:
    """Labelled windows found; every setting is chosen on the tuning series."""

    def served(one: nab.Labelled, rate: float) -> nab.Spans:
        times = np.arange(len(one.values)) * INTERVAL_S
        made = anomaly_pb2.DetectSeries(values=one.values, timestamps=times)
        request = anomaly_pb2.DetectRequest(
            false_alarm_rate=rate, series=anomaly_pb2.DetectSeriesInput(series=[made])
        )
        return [(found.start, found.end) for found in _ask(call, request).series[0].anomalies]

    known = nab.read(folder)
    tuning = [one for one in known if one.tuning]
    judged = [one for one in known if not one.tuning]
    rules = nab.baselines()
    found: dict[str, nab.Found] = {}
    at_tuning: dict[str, nab.Found] = {}
    settings: dict[str, float] = {}
    for name, (detector, tried) in rules.items():
        _choose(name, detector, tried, tuning, settings, at_tuning, alarms_most=np.inf)
        found[name] = nab.judge(judged, detector, settings[name])
    best = max(at_tuning, key=lambda name: at_tuning[name].f1)
    most = at_tuning[best].false_alarms
    _choose("ours", served, RATES, tuning, settings, at_tuning, alarms_most=most)
    found["ours"] = nab.judge(judged, served, settings["ours"])
    for name, one in found.items():
        print(f"  {name:25} setting {settings[name]:g}: {one.document()}", flush=True)
    figures["series"] = {
        "settings": settings,
        "tuning": {name: one.document() for name, one in at_tuning.items()},
        "judged": {name: one.document() for name, one in found.items()},
        # What other rates would have brought; nothing is chosen by it.
        "judged_by_rate": {f"{r:g}": nab.judge(judged, served, r).document() for r in RATES},
    }
    others = {name: one for name, one in found.items() if name != "ours"}
    best = max(others, key=lambda name: others[name].f1)
    note = f"the best is {best}"
    return [
        Promise(
            "series: F1 against the best usual rule's",
            found["ours"].f1 / max(others[best].f1, 1e-9),
            "at least",
            RATIO,
            "x",
            note,
        ),
        Promise(
            "series: false alarms a day beside that rule's",
            found["ours"].a_day,
            "at most",
            others[best].a_day,
            "",
        ),
    ]


def causes(call: Any, folder: Path, figures: dict[str, Any]) -> list[Promise]:
    """The broken component among the first that are named."""
    incidents = petshop.read(folder / "petshop_low_high.tar.gz", "test")
    ours, simple = {}, {}
    for incident in incidents:
        request = anomaly_pb2.DetectRequest(false_alarm_rate=1e-2)
        asked = request.series
        asked.group, asked.from_index, asked.focus = True, incident.first, incident.focus
        for (component, statistic), values in incident.series.items():
            asked.series.add(name=f"{component}/{statistic}", component=component, values=values)
        for component, other in petshop.edges(incident):
            asked.dependencies.add(component=component, depends_on=other)
        answer = _ask(call, request)
        named: dict[str, None] = {}
        for found in answer.incidents:
            named |= dict.fromkeys(cause.component for cause in found.causes)
        ours[incident.name] = list(named)
        simple[incident.name] = petshop.largest_deviation(incident)
    shown = {
        "ours": petshop.hits(ours, incidents),
        "largest_deviation": petshop.hits(simple, incidents),
    }
    for name, shares in shown.items():
        print(f"  causes, {name}: {shares}", flush=True)
    figures["causes"] = {"incidents": len(incidents), **shown}
    return [
        Promise(
            f"causes: the broken component among the first three, {len(incidents)} incidents",
            shown["ours"]["top_3"],
            "at least",
            shown["largest_deviation"]["top_3"],
            "",
            f"first: {shown['ours']['top_1']:.2f} against "
            f"{shown['largest_deviation']['top_1']:.2f} by the largest deviation",
        )
    ]


def _choose(
    name: str,
    detector: nab.Detector,
    tried: Sequence[float],
    tuning: Sequence[nab.Labelled],
    settings: dict[str, float],
    found: dict[str, nab.Found],
    *,
    alarms_most: float,
) -> None:
    """The setting with the best F1 on the tuning series, among those with few false alarms."""
    judged: Mapping[float, nab.Found] = {
        setting: nab.judge(tuning, detector, setting) for setting in tried
    }
    allowed = [one for one in tried if judged[one].false_alarms <= alarms_most] or [tried[-1]]
    settings[name] = max(allowed, key=lambda one: judged[one].f1)
    found[name] = judged[settings[name]]


def _ask(call: Any, request: Any) -> Any:
    started = time.perf_counter()
    try:
        reply = call(request.SerializeToString(), timeout=CALL_S, wait_for_ready=True)
    except grpc.RpcError as error:
        code: Any = error
        raise BenchmarkError(
            f"{code.code().name} after {time.perf_counter() - started:.1f} s: {code.details()}"
        ) from error
    return anomaly_pb2.DetectResponse.FromString(reply)
