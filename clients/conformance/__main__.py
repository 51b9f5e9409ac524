"""Runs every client against every case and prints a matrix: `make conformance`.

python -m clients.conformance [--languages python,go] [--cases NAME,..] [--broken] [--json]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from clients.conformance import cases, servers
from clients.conformance.cases import Case
from clients.conformance.faults import FaultServer
from clients.conformance.judge import judge
from clients.conformance.matrix import FAIL, GAP, PASS, SKIP, Verdict, table
from clients.conformance.runners import RUNNERS, Runner

ROLLING_RUNS_MAX = 5  # until a worker is replaced while calls go on
NO_DRAIN = "the server saw drained = 0"
SILENT = "the runner printed nothing for it"
SETTLE_S = 10.0  # for what a server notes after the client has gone, such as a cancelled call
BROKEN_SETTLE_S = 0.2  # a broken server never notes it
TRANSPORTS = ("native", "grpcio")


class Scripted(Protocol):
    """A server that notes what it sees."""

    @property
    def address(self) -> str:
        """Where it listens."""

    def notes(self, case: str) -> dict[str, Any]:
        """What it saw of a case."""

    def forget(self) -> None:
        """Begins anew."""


def main() -> int:
    """Runs what the arguments ask for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--languages", help="only these, such as python,go")
    parser.add_argument("--cases", help="only these")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each verdict")
    parser.add_argument(
        "--broken", action="store_true", help="against a broken server: every case must fail"
    )
    arguments = parser.parse_args()
    strangers = set((arguments.languages or "").split(",")) - {one.language for one in RUNNERS}
    if strangers - {""}:
        parser.error(f"no language {', '.join(sorted(strangers))}")
    runners, skipped = chosen(arguments.languages)
    wanted = set(arguments.cases.split(",")) if arguments.cases else None
    selected = [case for case in cases.read() if wanted is None or case.name in wanted]
    unknown = sorted((wanted or set()) - {case.name for case in selected})
    if unknown:
        parser.error(f"no case {', '.join(unknown)}")
    for language, reason in skipped.items():
        sys.stderr.write(f"SKIPPED: {language}: {reason}\n")
    if not selected or not runners:
        sys.stderr.write(f"nothing to run: {skipped or 'no such case'}\n")
        return 2
    verdicts = list(run(selected, runners, broken=arguments.broken))
    if arguments.broken:
        verdicts = [turned(one) for one in verdicts]
    if arguments.json:
        for one in verdicts:
            line = {"case": one.case, "ok": one.ok, "detail": one.detail}
            line |= {"language": one.language, "server": one.server, "mark": one.mark}
            sys.stdout.write(json.dumps(line) + "\n")
    else:
        sys.stdout.write(table(verdicts, [one.language for one in runners], skipped) + "\n")
    return 0 if all(one.ok for one in verdicts) else 1


def chosen(languages: str | None) -> tuple[list[Runner], dict[str, str]]:
    """The runners that can be run, built; and why the others cannot."""
    names = languages.split(",") if languages else [one.language for one in RUNNERS]
    ready, skipped = [], {}
    for runner in RUNNERS:
        if runner.language not in names:
            continue
        reason = runner.missing()
        if reason:
            skipped[runner.language] = reason
            continue
        problem = runner.prepare()
        if problem:
            raise SystemExit(f"the runner of {runner.language} cannot be built:\n{problem}")
        ready.append(runner)
    return ready, skipped


def run(selected: list[Case], runners: list[Runner], *, broken: bool) -> Iterator[Verdict]:
    """All verdicts, server by server.

    Args:
        selected: the cases.
        runners: the clients.
        broken: whether the scripted servers are broken; then only their cases are run.
    """
    for path in dict.fromkeys(case.file for case in selected if case.server == "faults"):
        own = [case for case in selected if case.file == path and case.server == "faults"]
        faults = FaultServer(own, broken=broken)
        yield from scripted(own, runners, "faults", faults, broken=broken)
    two = [case for case in selected if case.server == "two"]
    if two:
        yield from scripted(two, runners, "two", servers.Two(two, broken=broken), broken=broken)
    if broken:
        return
    rolling = [case for case in selected if case.server == "rolling"]
    for transport in TRANSPORTS if rolling else ():
        server = servers.Rolling(transport)
        yield from scripted(rolling, runners, f"rolling {transport}", server, broken=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for transport in TRANSPORTS:
            own = [case for case in selected if case.server == "real"]
            if own:
                with servers.real(transport) as address:
                    yield from asked(own, runners, transport, address, folder)
        own = [case for case in selected if case.server == "tls"]
        if own:
            with servers.tls(folder) as address:
                yield from asked(own, runners, "tls", address, folder)
        own = [case for case in selected if case.server == "none"]
        if own:
            yield from asked(own, runners, "none", "127.0.0.1:1", folder)


def scripted(
    own: list[Case],
    runners: list[Runner],
    name: str,
    server: AbstractContextManager[Scripted],
    *,
    broken: bool,
) -> Iterator[Verdict]:
    """The verdicts on cases of a scripted server."""
    with server as notes, tempfile.TemporaryDirectory() as folder:
        for runner in runners:
            notes.forget()
            settle_s = BROKEN_SETTLE_S if broken else SETTLE_S
            for run_left in reversed(range(ROLLING_RUNS_MAX)):
                verdicts = list(
                    asked(own, [runner], name, notes.address, Path(folder), notes, settle_s)
                )
                # On a busy machine all calls may be over before a worker is ready to be replaced.
                if not run_left or not any(one.detail.startswith(NO_DRAIN) for one in verdicts):
                    break
            yield from verdicts


def asked(
    own: list[Case],
    runners: Iterable[Runner],
    server: str,
    address: str,
    folder: Path,
    notes: Scripted | None = None,
    settle_s: float = SETTLE_S,
) -> Iterator[Verdict]:
    """The verdicts on cases of one server: the runners do them, then they are judged."""
    path = folder / "cases.json"
    path.write_text(json.dumps({"cases": [case.document for case in own]}), encoding="utf-8")
    for runner in runners:
        seen, problem = runner.run(address, own[0].server, folder, [path])
        for case in own:
            line = seen.get(case.name)
            if line is None:
                last = problem.strip().rpartition("\n")[2]
                detail = f"{SILENT}; {last}"
                yield Verdict(case.name, runner.language, server, FAIL, detail)
            elif "skip" in line:
                yield Verdict(case.name, runner.language, server, SKIP, line["skip"])
            else:
                yield verdict(case, runner, server, line, notes, settle_s)
        if problem and len(seen) == len(own):  # it did everything, and ended badly
            detail = f"the runner failed after its cases; {problem.strip().rpartition(chr(10))[2]}"
            yield Verdict("end", runner.language, server, FAIL, detail)


def verdict(
    case: Case,
    runner: Runner,
    server: str,
    line: dict[str, Any],
    notes: Scripted | None,
    settle_s: float,
) -> Verdict:
    """The verdict on one case; what the server notes may come a little later."""
    end_s = time.monotonic() + settle_s
    while True:
        problems = judge(case, line.get("calls", []), notes.notes(case.name) if notes else {})
        late = len(problems) == 1 and problems[0].startswith("the server saw cancelled")
        if not late or time.monotonic() > end_s:
            break
        time.sleep(0.05)
    detail = "; ".join(problems)
    gap = runner.gaps.get(f"{case.name}@{server}", runner.gaps.get(case.name))
    if gap is None:
        return Verdict(case.name, runner.language, server, FAIL if problems else PASS, detail)
    if problems:
        return Verdict(case.name, runner.language, server, GAP, f"{gap} ({detail})")
    return Verdict(case.name, runner.language, server, FAIL, f"it passes, so it is no gap: {gap}")


def turned(one: Verdict) -> Verdict:
    """A verdict on a broken server: what fails is right, and what passes proves nothing.

    A runner that says nothing proves nothing either.
    """
    if one.detail.startswith(SILENT):
        return one
    if one.mark == PASS or (one.mark == FAIL and one.detail.startswith("it passes")):
        detail = "it passes though the server is broken"
        return Verdict(one.case, one.language, one.server, FAIL, detail)
    if one.mark in {FAIL, GAP}:
        return Verdict(one.case, one.language, one.server, PASS, one.detail)
    return one


if __name__ == "__main__":
    sys.exit(main())
