"""Checks the .proto files with buf: style, format, and that nothing released is broken.

The released API is the committed image `released/v1.binpb`, which `compatible.py` writes and checks
as well, without buf. A machine that has no Node.js, or cannot get buf within some seconds, skips
all of this and says so loudly; that is no failure, unless `--require` is given.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
RELEASED = PROTO_ROOT / "released" / "v1.binpb"
BUF_PACKAGE = "@bufbuild/buf@1.75.0"  # pinned: a newer buf may have new rules
CACHE = PROTO_ROOT.parent / ".cache" / "buf"
BUF = CACHE / "node_modules" / ".bin" / "buf"
INSTALL_SECONDS_MAX = 20  # npm without a network tries for minutes before it gives up


def main() -> int:
    """Runs what the arguments ask for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="format the files first")
    parser.add_argument("--require", action="store_true", help="fail where buf cannot be had")
    arguments = parser.parse_args()
    problem = install()
    if problem:
        print(f"{'=' * 70}\nSKIPPED: buf has not seen the .proto files: {problem}", file=sys.stderr)
        print("compatible.py has compared them with the released API\n" + "=" * 70, file=sys.stderr)
        return 1 if arguments.require else 0
    if arguments.fix:
        buf("format", "--write")
    failed = [name for name, check in checks().items() if buf(*check) != 0]
    for name in failed:
        print(f"buf {name} failed", file=sys.stderr)
    if failed:
        return 1
    print("buf lint, format and breaking: no findings")
    return 0


def checks() -> dict[str, list[str]]:
    """The arguments of each check by its name."""
    return {
        "lint": ["lint"],
        "format": ["format", "--diff", "--exit-code"],
        "breaking": ["breaking", "--against", str(RELEASED)],
    }


def install() -> str:
    """Makes sure that buf is there; returns why not, or nothing."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "Node.js (node and npm) is not installed"
    stamp = CACHE / "installed"
    if BUF.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == BUF_PACKAGE:
        return ""
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(CACHE)]
    command += ["--fetch-retries=0", f"--fetch-timeout={INSTALL_SECONDS_MAX * 1000}"]
    try:
        subprocess.run([*command, BUF_PACKAGE], check=True, timeout=INSTALL_SECONDS_MAX)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return f"npm could not install {BUF_PACKAGE} ({type(error).__name__})"
    stamp.write_text(BUF_PACKAGE, encoding="utf-8")
    return ""


def buf(*arguments: str) -> int:
    """Runs buf in proto/ and returns its exit status; its findings go to the terminal."""
    environment = {**os.environ, "BUF_CACHE_DIR": str(CACHE / "cache")}
    return subprocess.run(
        [str(BUF), *arguments], cwd=PROTO_ROOT, env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
