"""The kept corpus of every target, and a few new inputs each: nothing crashes or is INTERNAL."""

from pathlib import Path
from random import Random

from tests.fuzz.campaign import Campaign, run

NEW_INPUTS = 40  # for each target: `make fuzz` is for more
SLOW_NEW_INPUTS = 4  # of streams and of targets that load a model each time
SLOW = ("graph", "folder", "Watch", "ModelStreamInfer")


async def test_corpus_and_some_new_inputs(tmp_path: Path, shipped_models: Path) -> None:
    """Whatever was found once stays mended, and a little more is tried each time."""
    ran: dict[str, int] = {}

    async def visit(campaigns: list[Campaign]) -> None:
        for one in campaigns:
            ran[one.name] = await one.replay()
            random = Random(one.name)
            for _ in range(SLOW_NEW_INPUTS if one.name.endswith(SLOW) else NEW_INPUTS):
                await one.explore(random, keep=False)

    await run(shipped_models, visit, tmp_path)
    assert len(ran) > 20, "all methods, and whatever else reads what others wrote"
    assert ran["graph"]
    assert ran["stubtail.v1.ScoringService.Score"]
    assert ran["stubtail.v1.LlmService.Chat"]
    assert ran["llm.openai.stream"], "and what providers answer"
