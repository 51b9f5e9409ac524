"""The floor comparison: all servers, the same calls, one run, ratios within each round."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import reference
from benchmarks.contestants import Contestant, contestants, why_no_mlserver
from benchmarks.errors import BenchmarkError
from benchmarks.floor_report import case_tables, floor_promises
from benchmarks.measure import CASES, Case, Measurement, bare_run_us, measure
from benchmarks.picture import draw
from benchmarks.results import machine, report_promises, save
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks floor`."""
    add_common(parser)
    parser.add_argument(
        "--reference",
        action="store_true",
        help="measure with an ensemble of 100 trees and 31 leaves instead of a served model",
    )
    parser.add_argument("--rounds", type=int, default=3, help="times each server is measured")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each figure")
    parser.add_argument(
        "--only", metavar="NAMES", help="servers, with commas: echo,echo-protobuf,grpcio,native"
    )
    parser.add_argument("--case", metavar="NAMES", help=f"of {','.join(c.name for c in CASES)}")
    parser.add_argument(
        "--mlserver-python",
        type=Path,
        metavar="PATH",
        help="a Python that can import mlserver and onnxruntime, to compare with it",
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every server worked and every promise was kept."""
    if not options.reference:
        return _run(options, "floor")
    with tempfile.TemporaryDirectory(prefix="stubtail-reference-") as folder:
        options.models = reference.write(Path(folder))
        options.model = reference.NAME
        return _run(options, "floor-reference")


def _run(options: argparse.Namespace, name: str) -> int:
    about = machine()
    subject = Subject(options.models / options.model)
    missing = why_no_mlserver(options.mlserver_python)
    mlserver_python = None if missing else options.mlserver_python
    servers = _chosen(list(contestants(subject, mlserver_python)), options.only)
    cases = _cases(subject, options.case)
    print(f"{len(servers)} servers, {len(cases)} loads, {options.rounds} rounds of", end=" ")
    print(f"{options.seconds:g} s each. Model {subject.name}, {subject.features} features.")
    if missing:
        print(f"MLServer is left out: {missing}")
    pools = {key: Pool(subject, *key, seed=20) for key in {(c.form, c.rows) for c in cases}}
    found: list[Measurement] = []
    problems: list[str] = []
    for number in range(1, options.rounds + 1):
        for server in servers if number % 2 else servers[::-1]:
            try:
                _measure_server(server, cases, subject, pools, number, options.seconds, found)
            except BenchmarkError as error:
                problems.append(f"{server.name}, round {number}: {error}")
                print(f"  {problems[-1]}", flush=True)
    titles = {server.name: server.title for server in servers}
    case_titles = {case.name: case.title for case in cases}
    print()
    print("\n\n".join(case_tables(found, case_titles, titles)), end="\n\n")
    partial = bool(options.only or options.case)
    if partial:
        name += "-partial"  # a look at one thing must not replace the whole
    # The reference model has no names, so there are no named columns to judge.
    promises = floor_promises(found, partial=partial or options.reference)
    kept = report_promises(promises)
    path = save(
        name,
        options.out,
        {
            "model": {"name": subject.name, "features": subject.features},
            "servers": titles,
            "cases": case_titles,
            "seconds": options.seconds,
            "mlserver": missing or "measured",
            "problems": problems,
            "promises": [promise.document() for promise in promises],
            "measurements": [measurement.document() for measurement in found],
        },
        about,
    )
    print(f"\nfigures: {path}")
    if found:
        print(f"picture: {draw(found, titles, options.out / f'{name}.svg')}")
    return 0 if kept and not problems else 1


def _chosen(servers: list[Contestant], only: str | None) -> list[Contestant]:
    names = only.split(",") if only else [server.name for server in servers]
    unknown = set(names) - {server.name for server in servers}
    if unknown:
        known = ", ".join(server.name for server in servers)
        raise SystemExit(f"--only: {', '.join(sorted(unknown))} is none of: {known}")
    return [server for server in servers if server.name in names]


def _cases(subject: Subject, names: str | None) -> list[Case]:
    chosen = names.split(",") if names else [case.name for case in CASES]
    unknown = set(chosen) - {case.name for case in CASES}
    if unknown:
        raise SystemExit(f"--case: {', '.join(sorted(unknown))} is none of: see --help")
    cases = [case for case in CASES if case.name in chosen]
    if subject.manifest is None:
        print("named columns are left out: the model has no model.json")
        cases = [case for case in cases if case.form != "named"]
    return cases


def _measure_server(
    server: Contestant,
    cases: Sequence[Case],
    subject: Subject,
    pools: dict[tuple[str, int], Pool],
    number: int,
    seconds: float,
    found: list[Measurement],
) -> None:
    """Starts one server alone and puts every case on it."""
    with server.start() as process:
        for case in cases:
            if case.form not in server.forms:
                continue
            pool = pools[case.form, case.rows]
            one = measure(
                process,
                server.name,
                case,
                pool,
                expect=server.expect,
                number=number,
                seconds=seconds,
            )
            if case.connections * case.streams == 1:
                one = replace(one, bare_p50_us=bare_run_us(subject, pool))
            found.append(one)
            print(
                f"  round {number}  {server.name:14} {case.name:13}"
                f"{one.calls_per_s:>9,.0f} calls/s {one.cpu_us:>8,.1f} us CPU"
                f"   p50 {one.p50_us:>9,.0f} us   p99 {one.p99_us:>9,.0f} us",
                flush=True,
            )
