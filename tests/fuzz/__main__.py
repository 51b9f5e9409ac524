"""`python -m tests.fuzz SECONDS [--keep] [--seed N] [NAME...]`: fuzzes all targets or some."""

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.fuzz.campaign import ROOT, Campaign, explore_for, run

# Some 300 MB are the server and what it imports; an input of 20 kB that takes more is a finding.
PEAK_MB_MAX = 1500


async def _fuzz(options: argparse.Namespace, folder: Path) -> list[str]:
    found: list[str] = []

    async def visit(campaigns: list[Campaign]) -> None:
        chosen = [one for one in campaigns if not options.names or one.name in options.names]
        missing = set(options.names) - {one.name for one in chosen}
        if missing:
            raise SystemExit(f"no such target: {', '.join(sorted(missing))}")
        kept = {one.name: await one.replay() for one in chosen}
        random = Random(options.seed)
        counts, wrong = await explore_for(chosen, options.seconds, random, keep=options.keep)
        for name, (inputs, news) in counts.items():
            sys.stdout.write(f"{name:<60} corpus {kept[name]:>4}  inputs {inputs:>8}  new {news}\n")
        total = sum(inputs for inputs, _ in counts.values())
        sys.stdout.write("".join(f"WRONG: {text}\n" for text in wrong))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if peak_mb > PEAK_MB_MAX:
            wrong.append(f"memory: {peak_mb:.0f} MB, at most {PEAK_MB_MAX} are expected")
            sys.stdout.write(f"WRONG: {wrong[-1]}\n")
        verdict = f"{len(wrong)} targets fail" if wrong else "nothing UNKNOWN, INTERNAL or raised"
        sys.stdout.write(f"{total} inputs, {verdict}, peak {peak_mb:.0f} MB\n")
        found.extend(wrong)

    await run(ROOT / "exported_models", visit, folder)
    return found


def main() -> int:
    """Runs the command; 1 where an input got what none may get, which is printed with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("seconds", type=float, help="how long to explore, all targets together")
    parser.add_argument("names", nargs="*", help="targets; all without one")
    parser.add_argument("--keep", action="store_true", help="add what is new to the corpus")
    parser.add_argument("--seed", type=int, default=None, help="for the same inputs again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stubtail-fuzz-") as folder:
        return 1 if asyncio.run(_fuzz(options, Path(folder))) else 0


if __name__ == "__main__":
    sys.exit(main())
