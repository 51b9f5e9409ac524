"""The comparison with others: who is chosen, in which order, and what the table admits."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.http1 import encode
from benchmarks.measure import Measurement
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.environments import distribution, python_of
from benchmarks.peers.report import (
    ALONE,
    MANY,
    ROWS,
    Found,
    about,
    chosen,
    from_document,
    peers_table,
    ranked,
    to_document,
)
from benchmarks.readme import between, peers_section
from benchmarks.rows import FORMS, HTTP_JSON_PATH, HTTP_PATH


def found_of(server: str, calls_per_s: float, rounds: int = 2) -> Found:
    """A server that was measured, a tenth faster in each round."""
    figures = [
        Measurement(server, case, number, calls_per_s * factor * number, 20, 150, 900, 88, 0.3, 9)
        for number in range(1, rounds + 1)
        for case, factor in ((MANY, 1.0), (ALONE, 0.1), (ROWS, 0.5))
    ]
    return Found(figures, [0.5, 0.75], [], "1.2.3")


def cells(table: str, title: str) -> list[str]:
    """The cells of the row that begins with a title."""
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {title} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_names_choose_peers_in_the_order_of_the_catalogue():
    """With blanks, as `make peers PEERS="..."` has them, or with commas."""
    assert [peer.name for peer in chosen(PEERS, "ray mosec")] == ["mosec", "ray"]
    assert [peer.name for peer in chosen(PEERS, "ray,mosec")] == ["mosec", "ray"]
    assert chosen(PEERS, "") == list(PEERS)
    with pytest.raises(SystemExit, match=r"mosek: none of the peers: .*mosec"):
        chosen(PEERS, "mosek")


def test_the_catalogue_has_every_server_that_is_promised():
    """Names are unique, forms are known, and packages are pinned."""
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    promised = {"mlserver", "bentoml", "ray", "litserve", "mosec", "fastapi", "triton", "echo"}
    assert promised | {"native", "grpcio"} <= set(names)
    for peer in PEERS:
        assert peer.form in FORMS
        assert all("==" in requirement for requirement in peer.requirements)
        if peer.requirements:
            assert "onnxruntime==1.31.1" in peer.requirements


def test_the_table_ranks_by_calls_a_second_whoever_leads():
    """A peer that is faster than ours stands above it."""
    found = {"native": found_of("native", 1000), "mosec": found_of("mosec", 3000), "ray": Found()}
    assert ranked(list(found), found) == ["mosec", "native", "ray"]
    peers = [about(peer) for peer in chosen(PEERS, "native mosec ray")]
    lines = peers_table(peers, found).splitlines()[2:]
    titles = [line.split("|")[1].strip() for line in lines]
    assert titles == ["mosec, batches", "stubtail, native", "Ray Serve"]


def test_a_row_has_medians_with_their_range():
    """Rows a second are 32 times the calls of 32 rows; RSS is that after all loads."""
    (peer,) = chosen(PEERS, "mosec")
    row = cells(peers_table([about(peer)], {"mosec": found_of("mosec", 1000)}), "mosec, batches")
    assert row[2] == "1,500 (1,000-2,000)"
    assert row[3:6] == ["20.0", "150", "900"]
    assert row[6] == "24,000 (16,000-32,000)"
    assert row[7] == "88.0"
    assert row[8] == "0.625 (0.500-0.750)"
    assert row[9].startswith("1.2.3; ")


def test_what_did_not_run_says_why():
    """In the table, and after a round that failed the rounds that did not still count."""
    (peer,) = chosen(PEERS, "ray")
    missing = Found(problems=["cannot be installed: No matching distribution"])
    row = cells(peers_table([about(peer)], {"ray": missing}), "Ray Serve")
    assert row[2:9] == ["-"] * 7
    assert row[9] == "not run: cannot be installed: No matching distribution"
    half = found_of("ray", 100, rounds=1)
    half.problems.append("round 2: no answer in 90 s")
    row = cells(peers_table([about(peer)], {"ray": half}), "Ray Serve")
    assert row[2] == "100"
    assert row[9].endswith("failed: round 2: no answer in 90 s")


def test_a_result_survives_its_file():
    """Tables are made from the JSON too, by `python -m benchmarks readme`."""
    found = {"mosec": found_of("mosec", 1000), "ray": Found(problems=["broken"])}
    assert from_document(json.loads(json.dumps(to_document(found)))) == found
    document = {
        "found": to_document(found),
        "peers": [about(peer) for peer in chosen(PEERS, "mosec ray")],
        "model": {"name": "reference", "features": 30},
        "rounds": 2,
        "seconds": 4.0,
        "date": "2026-11-21T19:20:00Z",
        "command": "python -m benchmarks peers",
        "machine": {"cores": 2, "cpu": "x", "memory_gib": 1, "system": "Linux", "python": "3.11"},
        "versions": {"grpcio": "1"},
    }
    text = peers_section(document, Path("results"))
    assert "(results/peers.svg)" in text
    assert "2026-11-21" in text
    assert "`python -m benchmarks peers`" in text
    assert "not run: broken" in text


def test_text_goes_between_its_markers():
    """And nowhere else; a page without them is not touched."""
    page = "a\n<!-- peers -->\nold\n<!-- /peers -->\nb <!-- results -->x<!-- /results -->"
    changed = between(page, "peers", "new")
    assert changed == page.replace("old", "new")
    with pytest.raises(SystemExit, match="there is no <!-- peers -->"):
        between("a", "peers", "new")


def test_an_environment_that_is_complete_is_not_made_again(tmp_path: Path):
    """Its mark has the versions, written when everything was installed."""
    requirements = ("ray[serve]==2.60.0", "onnxruntime==1.31.1")
    assert distribution(requirements[0]) == "ray"
    assert distribution("nowhere @ file:///nowhere") == "nowhere"
    home = tmp_path / "ray"
    home.mkdir()
    python = sys.version.split()[0]
    (home / "requirements.txt").write_text(f"# Python {python}\n" + "\n".join(requirements) + "\n")
    assert python_of(requirements, tmp_path, say=pytest.fail) == home / "bin" / "python"
    assert python_of((), tmp_path) == Path(sys.executable)  # what needs nothing runs in ours


def test_http_requests_are_complete_before_the_clock_starts():
    """One head for all, JSON told from numbers by the path."""
    (raw,) = encode(HTTP_PATH, [b"12345"])
    assert raw.startswith(b"POST /infer HTTP/1.1\r\nhost: localhost\r\n")
    assert b"application/octet-stream" in raw
    assert raw.endswith(b"content-length: 5\r\n\r\n12345")
    assert b"application/json" in encode(HTTP_JSON_PATH, [b"{}"])[0]
