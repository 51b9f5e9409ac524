"""What the checking process answers when the memory does not suffice."""

import pytest

from stubtail.models import verifier_process
from stubtail.models.confine import TIMES_OF_THE_GRAPH
from stubtail.models.errors import MemoryShortError

ASKED = {"name": "m", "version": "1", "memory_bytes": 1000, "seconds": 1.0}


@pytest.mark.parametrize("raised", [MemoryError(), MemoryShortError("m/1", "much", "less")])
@pytest.mark.parametrize("scarce", [True, False])
def test_too_little_memory_at_the_moment(monkeypatch, tmp_path, raised, scarce):
    """What did not fit into less than the settings allow may fit later; else it never will."""
    graph = tmp_path / "m.onnx"
    graph.write_bytes(b"x" * 10)
    allowed = 1000 + 10 * TIMES_OF_THE_GRAPH - scarce

    def verify(*_, **__):
        raise raised

    monkeypatch.setattr(verifier_process, "allow", lambda *_: allowed)
    monkeypatch.setattr(verifier_process, "verify_version", verify)
    options: dict[str, list[str]] = {"public_key_files": []}
    request = {**ASKED, "path": str(graph), "inside": str(tmp_path), "options": options}
    reply = verifier_process._answer(request)
    assert reply["refused"][4] is scarce
