"""`stubtail llm check`, as somebody types it."""

import subprocess
import sys
from pathlib import Path

from tests.llm_upstream import LlmUpstream


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command."""
    command = [sys.executable, "-m", "stubtail", "llm", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_every_model_has_its_row(upstream: LlmUpstream, tmp_path: Path) -> None:
    """What answers and what does not, and why; an exit code for scripts."""
    file = tmp_path / "check.toml"
    provider = f'[llm.providers.mock]\nbase_url = "{upstream.base_url}"\n'
    models = 'models = ["ok", "bad-key", "cut", "vectors-only", "too-long"]\n'
    file.write_text(provider + models, encoding="utf-8")

    done = check("--config", str(file))

    assert (done.returncode, done.stderr) == (1, "")
    heads, good, bad, cut, vectors, refused = done.stdout.splitlines()
    assert heads.split()[:2] == ["model", "result"]
    assert good.split()[:2] == ["mock/ok", "ok"]
    assert bad.split()[:2] == ["mock/bad-key", "FAILED"]
    assert "did not accept the key (HTTP 401, invalid_api_key)" in bad
    assert "the answer is incomplete" in cut
    assert vectors.split()[:2] == ["mock/vectors-only", "ok"]
    assert vectors.endswith("embeddings")
    assert refused.split()[:2] == ["mock/too-long", "FAILED"]
    assert "context window" in refused
    assert "SECRET" not in done.stdout

    file.write_text(provider + 'models = ["ok"]\n', encoding="utf-8")
    assert check("--config", str(file)).returncode == 0


def test_without_providers_it_says_what_to_do() -> None:
    """The name of the section, and where it is described."""
    done = check()
    assert done.returncode == 1
    assert "[llm.providers.NAME]" in done.stdout
