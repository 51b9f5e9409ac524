"""The store of the cache: every bound holds, and what was used longest ago goes first."""

import random

import pytest

from stubtail.llm.cache_store import ENTRY_BYTES, Store


@pytest.mark.parametrize("seed", range(20))
def test_every_bound_of_the_store_holds(seed: int) -> None:
    """Entries, bytes, the size of one, and what is told of them."""
    draw = random.Random(seed)
    store = Store(ttl_s=10.0, entries_max=20, bytes_max=20_000, entry_bytes_max=3_000)
    now_s = 0.0
    for _ in range(2000):
        now_s += draw.uniform(0, 1)
        key = bytes([draw.randint(0, 60)])
        value = bytes(draw.randint(0, 4_000))
        if draw.random() < 0.5:
            assert store.put(key, value, now_s) == (len(value) <= 3_000)
            if len(value) <= 3_000:
                assert store.get(key, now_s) == value
        else:
            store.get(key, now_s)
        assert len(store) <= 20
        assert store.size_bytes <= 20_000
        kept = store._entries.values()
        assert store.size_bytes == sum(len(one.value) + ENTRY_BYTES for one in kept)


def test_what_was_used_goes_last() -> None:
    """And an answer that has grown too large is not the old one any more."""
    store = Store(ttl_s=10.0, entries_max=2, bytes_max=10_000, entry_bytes_max=100)
    store.put(b"a", b"1", 0.0)
    store.put(b"b", b"2", 0.0)
    assert store.get(b"a", 1.0) == b"1"
    store.put(b"c", b"3", 1.0)
    assert (store.get(b"b", 1.0), store.get(b"a", 1.0)) == (None, b"1")
    store.put(b"a", bytes(101), 1.0)
    assert store.get(b"a", 1.0) is None
