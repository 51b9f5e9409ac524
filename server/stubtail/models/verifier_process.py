"""The process that checks models: one line of JSON in, one out, until nobody asks any more.

Standard input and output are the server's pipe; whatever libraries print goes to standard error.
When the server ends, by whatever cause, the pipe does, and so does this process.
"""

import json
import os
import select
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from stubtail.models.confine import allow, confine, wanted
from stubtail.models.errors import MemoryShortError, ModelError
from stubtail.models.session import SessionOptions
from stubtail.models.verify import verify_version

REQUEST_BYTES_MAX: Final = 64 * 1024
HELLO: Final = b'{"hello": 1}\n'
BEGUN: Final = b'{"begun": 1}\n'  # from now on, its end is the fault of what it checks


def main() -> int:
    """Answers requests; ends with 0 when there are none for a while or the server is gone."""
    idle_s = float(sys.argv[1])
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    confine()
    replies.write(HELLO)
    while (line := _next_line(requests, idle_s)) is not None:
        replies.write(BEGUN)
        replies.write(json.dumps(_answer(json.loads(line))).encode("ascii") + b"\n")
    return 0


def _next_line(requests: BinaryIO, idle_s: float) -> bytes | None:
    # Unbuffered, so that what `select` sees is all there is; a request comes in one write.
    if not select.select([requests], [], [], idle_s)[0]:
        return None
    line = b""
    while not line.endswith(b"\n"):
        part = requests.read(REQUEST_BYTES_MAX)
        if not part or len(line) > REQUEST_BYTES_MAX:
            return None
        line += part
    return line


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    options = SessionOptions(
        **{**request["options"], "public_key_files": tuple(request["options"]["public_key_files"])}
    )
    path, inside = Path(request["path"]), Path(request["inside"])
    size = _size(path)
    allowed = allow(request["memory_bytes"], size, request["seconds"])
    # What did not fit into less than the settings allow may fit when the machine has more left.
    scarce = allowed < wanted(request["memory_bytes"], size)
    try:
        proof = verify_version(
            path, request["name"], request["version"], options=options, inside=inside
        )
    except ModelError as error:
        passing = error.passing or (scarce and isinstance(error, MemoryShortError))
        return {"refused": [error.where, error.problem, error.mend, error.detail, passing]}
    except MemoryError:
        where = f"{request['name']}/{request['version']}"
        problem = f"checking it takes more than the {allowed} bytes of memory that it may use"
        mend = "serve a smaller graph, or raise supply.verify_memory_bytes_max"
        return {"refused": [where, problem, mend, "", scarce]}
    return {"proof": proof.document()}


def _size(path: Path) -> int:
    """Bytes of the graphs of a version: what a check may take grows with them."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        return max((file.stat().st_size for file in path.glob("*.onnx")), default=0)
    except OSError:
        return 0  # reading it tells the reason


if __name__ == "__main__":
    sys.exit(main())
