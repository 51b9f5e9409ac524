"""The policy: which version is loaded, live, unloaded; by table and by random histories."""

import random

import pytest

from stubtail.models.policy import Fingerprint, Forget, Held, Load, SetLive, Unload, next_action


def mark(text):
    """The state of files, by a word."""
    return ((text, 1, 1, 1),)


def held(tried, *, loaded):
    """A known version, by the word of the files that were tried."""
    return Held(None if tried is None else mark(tried), loaded=loaded)


GOOD = held("a", loaded=True)  # answers with the files that are there
BAD = held("a", loaded=False)  # failed with the files that are there
OLD = held("b", loaded=True)  # its reload failed: answers with earlier bytes


@pytest.mark.parametrize(
    ("found", "versions", "live", "action"),
    [
        # The newest is loaded first and becomes live before anything older is read.
        ({"1": "a", "2": "a"}, {}, None, Load("2")),
        ({"1": "a", "2": "a"}, {"2": GOOD}, None, SetLive("2")),
        ({"1": "a", "2": "a"}, {"2": GOOD}, "2", Load("1")),
        ({"1": "a", "2": "a"}, {"1": GOOD, "2": GOOD}, "2", None),
        # Numbers count, not texts.
        ({"9": "a", "10": "a"}, {}, None, Load("10")),
        # A bad version never replaces a good one, and is not tried again.
        ({"1": "a", "2": "a"}, {"1": GOOD, "2": BAD}, "1", None),
        ({"1": "a", "2": "a"}, {"2": BAD}, None, Load("1")),
        ({"1": "a", "2": "c"}, {"1": GOOD, "2": BAD}, "1", Load("2")),
        # Changed files are loaded anew; if that fails, the earlier bytes go on.
        ({"1": "c"}, {"1": GOOD}, "1", Load("1")),
        ({"1": "b"}, {"1": OLD}, "1", None),
        # Old versions beyond those kept are not loaded, and unloaded.
        ({"1": "a", "2": "a", "3": "a"}, {"2": GOOD, "3": GOOD}, "3", None),
        ({"1": "a", "2": "a", "3": "a"}, {"1": GOOD, "2": GOOD, "3": GOOD}, "3", Unload("1")),
        # A failed version does not count among those kept.
        ({"1": "a", "2": "a", "3": "a"}, {"2": GOOD, "3": BAD}, "2", Load("1")),
        # A version unloaded for age comes back when a newer one goes away.
        ({"1": "a", "2": "a"}, {"1": held(None, loaded=False), "2": GOOD}, "2", Load("1")),
        # Removing the live version's folder goes back to the one before it.
        ({"1": "a"}, {"1": GOOD, "2": GOOD}, "2", SetLive("1")),
        ({"1": "a"}, {"1": GOOD, "2": GOOD}, "1", Unload("2")),
        # With nothing else to answer, a removed version goes on.
        ({}, {"1": GOOD}, "1", None),
        ({"2": "a"}, {"1": GOOD, "2": BAD}, "1", None),
        ({"2": "a"}, {"1": GOOD}, "1", Load("2")),
        # The folder of the model is gone: so is the model.
        (None, {"1": GOOD}, "1", SetLive(None)),
        (None, {"1": GOOD}, None, Unload("1")),
        (None, {"1": BAD}, None, Forget("1")),
        (None, {}, None, None),
        # What failed and was removed is forgotten.
        ({"1": "a"}, {"1": GOOD, "2": BAD}, "1", Forget("2")),
    ],
)
def test_table(found, versions, live, action):
    """Each rule, as a snapshot and the step that follows."""
    on_disk = None if found is None else {key: mark(text) for key, text in found.items()}
    assert next_action(on_disk, versions, live, disabled=False, versions_kept=2) == action


@pytest.mark.parametrize(
    ("versions", "live", "action"),
    [
        ({"1": GOOD, "2": GOOD}, "2", SetLive(None)),
        ({"1": GOOD, "2": GOOD}, None, Unload("1")),
        ({"2": GOOD}, None, Unload("2")),
        ({"1": BAD}, None, None),
        ({}, None, None),
    ],
)
def test_disabled(versions, live, action):
    """What an operator unloaded is unloaded and not loaded again, whatever its files do."""
    found = {"1": mark("a"), "2": mark("new")}
    assert next_action(found, versions, live, disabled=True, versions_kept=2) == action


class World:
    """One model whose folder changes at random, carried out step by step."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.found: dict[str, Fingerprint] | None = {}
        self.held: dict[str, Held] = {}
        self.live: str | None = None
        self.disabled = False
        self.kept = self.random.randint(1, 3)
        self.good = {}  # whether these files of that version load
        self.tries = []

    def change(self):
        """Does something to the folder, or as an operator."""
        version = str(self.random.randint(1, 6))
        event = self.random.choice(["write", "write", "write", "remove", "drop", "switch"])
        if event == "drop":
            self.found = None
        elif event == "switch":
            self.disabled = not self.disabled
        elif event == "remove" and self.found:
            self.found.pop(version, None)
        elif event == "write":
            files = mark(str(self.random.randint(0, 10**9)))
            self.good[version, files] = self.random.random() < 0.6
            self.found = {**(self.found or {}), version: files}

    def settle(self):
        """Carries out what the policy says, until it has nothing to say."""
        for _ in range(50):
            action = next_action(
                self.found, self.held, self.live, disabled=self.disabled, versions_kept=self.kept
            )
            if action is None:
                return
            self.carry_out(action)
            self.check_always()
        pytest.fail("the policy does not come to an end")

    def carry_out(self, action):
        """Does one step, and checks that it is allowed."""
        if isinstance(action, SetLive):
            assert action.version != self.live
            self.live = action.version
        elif isinstance(action, Load):
            assert self.found is not None
            files = self.found[action.version]
            before = self.held.get(action.version)
            loads = self.good[action.version, files]
            if not loads:
                assert (action.version, files) not in self.tries, "a failure is tried once"
                self.tries.append((action.version, files))
            loaded = loads or (before is not None and before.loaded)
            self.held[action.version] = Held(files, loaded=loaded)
        elif isinstance(action, Unload):
            assert action.version != self.live, "the live version is never unloaded"
            assert self.held[action.version].loaded
            self.held[action.version] = Held(None, loaded=False)
            self.forget_tries(action.version)
        else:
            assert not self.held[action.version].loaded
            del self.held[action.version]
            self.forget_tries(action.version)

    def forget_tries(self, version):
        """A version that left may be tried again."""
        self.tries = [pair for pair in self.tries if pair[0] != version]

    def check_always(self):
        """What holds after every step."""
        assert self.live is None or self.held[self.live].loaded

    def check_settled(self):
        """What holds when all steps are done."""
        loaded = {version for version, state in self.held.items() if state.loaded}
        if self.disabled or self.found is None:
            assert not loaded
            assert self.live is None
            return
        on_disk = {version for version in loaded if version in self.found}
        assert (self.live is not None) == bool(loaded)
        if on_disk:
            assert self.live == max(on_disk, key=int)
            assert loaded == on_disk
        assert len(loaded) <= max(self.kept, 1)
        loadable = {version for version, files in self.found.items() if self.good[version, files]}
        newest = sorted(loadable, key=int, reverse=True)[: self.kept]
        if newest:
            assert self.live is not None
            assert int(self.live) >= int(newest[0])
        unknown = set(self.held) - set(self.found) - loaded
        assert not unknown


@pytest.mark.parametrize("block", range(10))
def test_random_histories(block):
    """Whatever happens to the folder: it ends, the live one answers, failures are tried once."""
    for seed in range(block * 200, block * 200 + 200):
        world = World(seed)
        for _ in range(40):
            world.change()
            if world.random.random() < 0.7:
                world.settle()
                world.check_settled()
