"""Storms: what is promised of each, what is left to a proxy, and that bombs are what they claim."""

import json
from typing import Any

import hpack

from benchmarks.storms.attacks import _PLAIN, ATTACKS, _literal
from benchmarks.storms.report import Storm, from_document, promises_of, storms_table


def storm(name: str = "pings", transport: str = "native", **changed: Any) -> Storm:
    """One that did little harm."""
    figures: dict[str, Any] = {
        "p99_ms": (1.0, 2.0, 1.0),
        "issued": 200,
        "statuses": {"OK": 200},
        "rss_mb": (100.0, 120.0, 101.0),
        "got": {"sent": 5},
    }
    return Storm(name, transport, **{**figures, **changed})


def test_others_are_served_and_memory_is_bounded():
    """Each is a promise of its own, on each transport."""
    good = promises_of([storm(), storm(transport="grpcio")])
    assert [one.kept for one in good] == [True] * 4
    hurt = storm(statuses={"OK": 150, "RESOURCE_EXHAUSTED": 50}, rss_mb=(100.0, 900.0, 200.0))
    assert [one.kept for one in promises_of([hurt])] == [False, False]
    assert [one.measured for one in promises_of([hurt])] == [0.75, 800.0]


def test_a_server_that_answers_nobody_keeps_no_promise():
    """No calls are no success."""
    (answered, _) = promises_of([storm(issued=0, statuses={})])
    assert not answered.kept


def test_what_the_native_front_leaves_to_a_proxy_is_said():
    """Its memory is not promised there; that others are served is."""
    texts = [one.text for one in promises_of([storm("gzip-bombs"), storm("large-messages")])]
    assert texts == [
        "gzip-bombs, native: others answered",
        "large-messages, native: others answered",
    ]
    texts = [one.text for one in promises_of([storm("gzip-bombs", "grpcio")])]
    assert "gzip-bombs, grpcio: RSS" in texts
    texts = [one.text for one in promises_of([storm("deaf")])]
    assert texts == ["deaf, native: RSS"]  # more work than there is capacity


def test_the_table_shows_what_happened():
    """Statuses other than OK by name."""
    hurt = storm(statuses={"OK": 150, "CANCELLED": 50})
    text = storms_table([hurt])
    assert "75.00% {'CANCELLED': 50}" in text
    assert "sent: 5" in text
    assert from_document({"storms": [json.loads(json.dumps(hurt.document()))]}) == [hurt]


def test_header_bombs_are_valid_headers_until_they_are_too_many():
    """A server must not be spared by a mistake of ours in their encoding."""
    large = _literal(b"\x00", "x-large", "v" * 100_000)
    often = _literal(b"\x40", "x-often", "v" * 3_900) + b"\xbe" * 10
    decoder = hpack.Decoder(max_header_list_size=1 << 20)
    found = decoder.decode(_PLAIN + large + often)
    fields = {str(name): str(value) for name, value in found}
    assert fields[":path"] == "/inference.GRPCInferenceService/ModelInfer"
    assert fields[":method"] == "POST"
    assert len(fields["x-large"]) == 100_000
    assert [str(name) for name, _ in found].count("x-often") == 11


def test_every_storm_of_the_promise_is_there():
    """The list of the promise, by our names."""
    wanted = {"slow-readers", "idle", "churn", "rapid-reset", "pings", "header-bombs"}
    assert wanted | {"gzip-bombs", "large-messages"} <= set(ATTACKS)
