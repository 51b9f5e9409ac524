"""Runs targets on their corpus and on inputs made from it; keeps those that lead to news."""

import asyncio
import hashlib
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests import model_files
from tests.fuzz.llm import LLM_WORDS, Hostile, settings_file
from tests.fuzz.llm_replies import BYTES
from tests.fuzz.mutate import mutated
from tests.fuzz.parsers import parsers
from tests.fuzz.rpcs import Rpcs, ViolationError
from tests.llm_scripts import SCRIPTS
from tests.llm_upstream import LlmUpstream

CORPUS: Final = Path(__file__).parent / "corpus"
ROOT: Final = Path(__file__).parent.parent.parent
KEPT_MAX: Final = 100  # inputs of one target: the suite runs all of them each time
KEPT_BYTES_MAX: Final = 4096  # of one kept input
INPUTS_MAX: Final = 500  # that are mutated: an hour must take no more memory than a minute
WORDS: Final = (
    b'"', b"{", b"[", b"]", b"}", b",", b":", b"null", b"1e999", b"-1", b"\\u0000", b"\\ud800",
    b"Bearer ", b"stk_", b".", b"..", b"[access", b'"format"', b'"features"', b'"sha256"', b"\n",
    b"=", b"localhost", b"eyJhbGciOiJub25lIn0.", b"[[", b"]]", b"true", b"inf", b"nan", *BYTES,
)  # fmt: skip

Call = Callable[[bytes], Awaitable[str]]
Generate = Callable[[Random], bytes]


@dataclass
class Campaign:
    """One target.

    Attributes:
        name: of the target, and of its folder in the corpus.
        call: runs one input; the outcome in a few words. Raises ViolationError.
        generate: makes an input from nothing; None changes known ones only.
        seen: outcomes so far.
        inputs: what is mutated.
    """

    name: str
    call: Call
    generate: Generate | None = None
    seen: set[str] = field(default_factory=set)
    inputs: list[bytes] = field(default_factory=list)

    async def replay(self) -> int:
        """Runs the corpus; returns how many inputs it has."""
        for file in sorted((CORPUS / self.name).glob("*")):
            data = file.read_bytes()
            self.seen.add(await self.call(data))
            self.inputs.append(data)
        return len(self.inputs)

    async def explore(self, random: Random, *, keep: bool) -> str:
        """Runs one new input; returns its outcome where nobody has seen it before, else ""."""
        if self.generate is not None and (not self.inputs or random.random() < 0.4):
            data = self.generate(random)
            if random.random() < 0.2:
                data = mutated(data, self.inputs, WORDS, random)
        else:
            base = random.choice(self.inputs) if self.inputs else b""
            data = mutated(base, self.inputs, WORDS, random)
        outcome = await self.call(data)
        if outcome in self.seen:
            return ""
        self.seen.add(outcome)
        if len(self.inputs) < INPUTS_MAX:
            self.inputs.append(data)
        else:
            self.inputs[random.randrange(INPUTS_MAX)] = data
        if keep and len(self.inputs) <= KEPT_MAX and len(data) <= KEPT_BYTES_MAX:
            folder = CORPUS / self.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{hashlib.sha256(data).hexdigest()[:16]}.bin").write_bytes(data)
        return outcome


def words_of(models: Path) -> list[str]:
    """Names that requests of these models use."""
    found = ["x", "y", "score", "FP32", "INT64", "BYTES", "price", "cost", "price * 2.0"]
    for file in sorted(models.glob("*/*/model.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        found += [document["name"], f"{document['name']}@1"] * 4
        for feature in document.get("features", ()):
            found += [feature["name"], *feature.get("categories", ())[:2]]
    return found


async def run(
    models: Path, visit: Callable[[list[Campaign]], Awaitable[None]], folder: Path
) -> None:
    """Makes all targets, lets `visit` use them, and ends them.

    Args:
        models: shipped models, which requests are about; some small ones are added.
        visit: gets the campaigns.
        folder: for the models, of its own.
    """
    names = _write_models(models, folder / "models")
    words = [*words_of(models), *names, "a", "b", *LLM_WORDS * 4]
    hostile = Hostile(folder)
    await hostile.start()
    with LlmUpstream(SCRIPTS, notes=False) as upstream:
        rpcs = Rpcs(folder / "models", words, settings_file(folder, upstream.base_url))
        try:
            await rpcs.start()
            await _visit(rpcs, hostile, visit)
        finally:
            await rpcs.aclose()
            await hostile.aclose()


async def _visit(
    rpcs: Rpcs, hostile: Hostile, visit: Callable[[list[Campaign]], Awaitable[None]]
) -> None:
    with parsers() as targets:
        campaigns = [
            Campaign(path.strip("/").replace("/", "."), _of(rpcs, path), _made(rpcs, path))
            for path in rpcs.paths
        ]
        for name, target in targets.items():
            campaigns.append(Campaign(name, _parser(name, target)))
        for name, (call, made) in hostile.targets().items():
            campaigns.append(Campaign(name, call, made))
        await visit(campaigns)


def _write_models(shipped: Path, folder: Path) -> list[str]:
    """Copies two shipped models and writes small ones; returns the names of these.

    None of them fails on values: what a graph itself refuses is INTERNAL, and not our doing.
    """
    for name in ("churn", "pricing"):
        shutil.copytree(shipped / name, folder / name)
    odd = {
        "affine": model_files.affine(),
        "pair": model_files.two_inputs(),
        "strings": model_files.strings(),
        "integers": model_files.integers(),
    }
    for name, graph in odd.items():
        model_files.write_model(folder / name / "1", graph)
    return list(odd)


def _of(rpcs: Rpcs, path: str) -> Call:
    return lambda data: rpcs.call(path, data)


def _made(rpcs: Rpcs, path: str) -> Generate:
    return lambda random: rpcs.generate(path, random)


def _parser(name: str, target: Callable[[bytes], str]) -> Call:
    async def call(data: bytes) -> str:
        try:
            return target(data)
        except ViolationError:
            raise
        except Exception as error:
            raise ViolationError(f"{name} raised {error!r} on {data!r}") from error

    return call


async def explore_for(
    campaigns: list[Campaign], seconds: float, random: Random, *, keep: bool
) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Explores all targets in turn for so long.

    Returns:
        Inputs and new outcomes of each, and what no input may get, at most once for each.
    """
    end_s = time.monotonic() + seconds
    counts = {one.name: (0, 0) for one in campaigns}
    left, wrong = list(campaigns), list[str]()
    while left and time.monotonic() < end_s:
        for one in list(left):
            slice_end_s = min(end_s, time.monotonic() + 0.25)
            while time.monotonic() < slice_end_s:
                inputs, news = counts[one.name]
                try:
                    is_new = bool(await one.explore(random, keep=keep))
                except ViolationError as error:
                    wrong.append(str(error))
                    left.remove(one)  # one is enough to mend; the others go on
                    break
                counts[one.name] = (inputs + 1, news + is_new)
            await asyncio.sleep(0)
    return counts, wrong
