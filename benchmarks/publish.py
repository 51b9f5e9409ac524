"""Publishes new versions of a model one after the other, as a deployment would, and drops old ones.

A process of its own, so that copying files never delays the load generator. Every version appears
by one rename, complete; the oldest leave the same way.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

from stubtail.models.manifest import FILE_NAME

_KEPT = 3  # versions left on disk


def publish(source: Path, model: Path, staging: Path, version: int) -> None:
    """Makes `model/<version>` from the version in `source`.

    Args:
        source: A version folder.
        model: The model's folder, which the server watches.
        staging: A folder beside it on the same disk, which the server does not watch.
        version: The new version's number.
    """
    copy = staging / str(version)
    shutil.copytree(source, copy)
    manifest = copy / FILE_NAME
    if manifest.exists():
        document = {**json.loads(manifest.read_text()), "version": str(version)}
        manifest.write_text(json.dumps(document))
    copy.rename(model / str(version))
    old = model / str(version - _KEPT)
    if old.exists():
        gone = staging / f"gone-{old.name}"
        old.rename(gone)
        shutil.rmtree(gone)


def main() -> None:
    """Publishes `--count` versions from `--first` on, one every `--interval` seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("staging", type=Path)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True)
    options = parser.parse_args()
    due = time.monotonic()
    for version in range(options.first, options.first + options.count):
        publish(options.source, options.model, options.staging, version)
        due += options.interval
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
