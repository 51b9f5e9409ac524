"""Files of a log on a disk that is full, or fails: what was not written leaves nothing behind."""

from pathlib import Path

import pytest

from stubtail.audit.chain import Link, forge
from stubtail.audit.files import Files, files_of, verify_folder


def lines(count: int) -> list[bytes]:
    """A chain."""
    made, link = [], Link()
    for index in range(count):
        line, link = forge({"event": "act", "index": index}, link)
        made.append(line)
    return made


@pytest.mark.parametrize("file_mends", [True, False])
def test_a_full_disk_breaks_no_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_mends: bool
) -> None:
    """A part that was written before the disk was full is taken away, now or before the next."""
    resource = pytest.importorskip("resource", reason="bounds on files are Unix's")
    files = Files(tmp_path, "audit-0", bytes_max=100_000, kept=2)
    files.open()
    made = lines(6)
    files.append(b"".join(made[:2]))
    size = files_of(tmp_path, "audit-0")[0].stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with monkeypatch.context() as patch:
        if not file_mends:
            patch.setattr(files, "_cut", _fail)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + len(made[2]) + 30, hard))
        try:
            with pytest.raises(OSError, match="large"):
                files.append(b"".join(made[2:5]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    files.append(b"".join(made[2:]))
    files.close()
    ((_, count, _, problem),) = verify_folder(tmp_path)
    assert (count, problem) == (6, "")


def _fail() -> None:
    raise OSError(5, "Input/output error")
