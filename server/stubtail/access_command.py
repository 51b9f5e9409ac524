"""The commands `stubtail keys new` and `stubtail audit verify`."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from stubtail.access.keys import new_key
from stubtail.audit.files import verify_folder

DONE: Final = 0
BROKEN: Final = 1
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")  # a name that TOML takes without quotes
KEYS_ABOUT: Final = """\
Prints a new API key, once, and what the settings keep of it. Nothing is stored: give the key to its
owner, and put the hash into the settings, or into the file that access.keys_file names, which is
followed without a restart. To exchange a key, add the hash of the new one beside the old one, and
remove the old one when nobody sends it any more.
"""
AUDIT_ABOUT: Final = """\
Checks each chain of an audit log. A record that was changed, removed or put in between shows; what
was cut off at the very end shows only against a last hash that was kept elsewhere (--expect). Old
files are given up by and by (audit.files_kept): it tells which records are not there any more.
"""


def keys(arguments: Sequence[str], out: TextIO) -> int:
    """Runs `stubtail keys`; the exit code."""
    parser = argparse.ArgumentParser(prog="stubtail keys", description=KEYS_ABOUT)
    parser.add_argument("action", choices=("new",), help="makes a key")
    parser.add_argument("--name", default="NAME", help="of the caller, in the settings")
    options = parser.parse_args(arguments)
    key, kept = new_key()
    name = options.name if _BARE.fullmatch(options.name) else json.dumps(options.name)
    out.write(
        f"key, shown only now:  {key}\n"
        "for the settings:\n"
        f"  [access.keys.{name}]\n"
        f'  hashes = ["{kept}"]\n'
        '  scopes = ["stubtail:predict", "stubtail:read"]\n'
    )
    return DONE


def audit(arguments: Sequence[str], out: TextIO, errors: TextIO) -> int:
    """Runs `stubtail audit`; the exit code, 1 for a chain that is broken."""
    parser = argparse.ArgumentParser(prog="stubtail audit", description=AUDIT_ABOUT)
    parser.add_argument("action", choices=("verify",), help="checks the chains of a folder")
    parser.add_argument("directory", type=Path, help="the folder that audit.directory names")
    parser.add_argument("--expect", metavar="HASH", help="a hash that one of the chains must have")
    options = parser.parse_args(arguments)
    try:
        chains = verify_folder(options.directory)
    except OSError as error:
        errors.write(f"stubtail: {options.directory}: {error.strerror or error}\n")
        return BROKEN
    broken = not chains
    for stem, count, link, problem in chains:
        out.write(f"{stem}: {count:,} records, the last is {link.seq:,} with hash {link.digest}\n")
        first = link.seq - count + 1
        if count and first > 1:
            out.write(f"  those before {first:,} are gone: given up as the oldest, or removed\n")
        if problem:
            broken = True
            out.write(f"  BROKEN: {problem}\n")
    if not chains:
        out.write(f"{options.directory} has no log\n")
    if options.expect and not _has(options.directory, options.expect):
        broken = True
        out.write(f"  BROKEN: no record has the hash {options.expect}\n")
    return BROKEN if broken else DONE


def _has(folder: Path, digest: str) -> bool:
    mark = f'"hash":"{digest}"}}'.encode()
    for path in folder.glob("*.jsonl"):
        with path.open("rb") as file:
            if any(line.rstrip().endswith(mark) for line in file):
                return True
    return False
