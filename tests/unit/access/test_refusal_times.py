"""How long refusals take, in processor time: the same within a kind, and never long.

A key that does not exist and one whose secret is wrong must not be told apart by a clock. What a
token says of itself (its algorithm, key id and issuer) its sender knows anyhow, and the reason is
told; so only those are compared whose signature has been checked.
"""

import time
from collections.abc import Callable

from stubtail.access.keys import new_key
from stubtail.errors import CallError
from tests.unit.access.signed import Signer
from tests.unit.access.test_guard import KEYS, MADE, SCORE, SIGNER, guard_of

ROUNDS, CALLS = 15, 20
FACTOR_MAX = 1.6  # of the quickest rounds; a dict that is left out, or a hash, is more than that
REFUSAL_S_MAX = 0.002


def refusing(credential: str) -> Callable[[], float]:
    """The processor seconds of one refusal, in a round of some, none of them remembered."""
    guard, clock = guard_of(), iter(range(10**9))

    def round_() -> float:
        began_s = time.thread_time()
        for _ in range(CALLS):
            try:
                guard.admit(credential, SCORE, 2.0 * next(clock))
            except CallError:
                continue
            raise AssertionError("it was admitted")
        return (time.thread_time() - began_s) / CALLS

    return round_


def quickest(credentials: dict[str, str]) -> dict[str, float]:
    """Of each, the quickest of many rounds, taken in turns: others on the machine only add."""
    rounds = {name: refusing(credential) for name, credential in credentials.items()}
    found: dict[str, list[float]] = {name: [] for name in rounds}
    for _ in range(ROUNDS):
        for name, round_ in rounds.items():
            found[name].append(round_())
    return {name: min(times) for name, times in found.items()}


def test_which_keys_there_are_does_not_show_in_time() -> None:
    """An id that nobody has and a secret that is wrong."""
    known = KEYS["web"]
    times = quickest(
        {
            "unknown id": f"Bearer {new_key()[0]}",
            "wrong secret": f"{known[:-4]}AAAA",
            "wrong secret of another": f"Bearer {MADE['acme'][0][:-4]}AAAA",
        }
    )
    assert max(times.values()) < FACTOR_MAX * min(times.values()), times
    assert max(times.values()) < REFUSAL_S_MAX


def test_what_is_wrong_with_a_signed_token_does_not_show_in_time() -> None:
    """A forged one, one that has expired, and one for somebody else: all are verified first."""
    times = quickest(
        {
            "forged": f"Bearer {Signer().token()}",
            "expired": f"Bearer {SIGNER.token(exp=1_000_000_000)}",
            "another audience": f"Bearer {SIGNER.token(aud='other')}",
        }
    )
    assert max(times.values()) < FACTOR_MAX * min(times.values()), times
    assert max(times.values()) < REFUSAL_S_MAX


def test_no_refusal_takes_long() -> None:
    """Nor those that are told before anything is verified."""
    times = quickest(
        {
            "none": "",
            "no scheme": "Bearer",
            "algorithm": f"Bearer {Signer('RS256', 'k1').token()}",
            "unknown key": f"Bearer {Signer(key_id='k9').token()}",
            "no token": "Bearer a.b.c",
        }
    )
    assert max(times.values()) < REFUSAL_S_MAX, times
