"""Orange juice in 83 shops: finds the data of the Debian package r-cran-bayesm, without R."""

import io
import lzma
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import rdata

from training.features import DataError

PACKAGE: Final = "r-cran-bayesm"
ROWS: Final = 106_139
BRANDS: Final = {
    1: ("Tropicana Premium 64 oz", 64),
    2: ("Tropicana Premium 96 oz", 96),
    3: ("Florida's Natural 64 oz", 64),
    4: ("Tropicana 64 oz", 64),
    5: ("Minute Maid 64 oz", 64),
    6: ("Minute Maid 96 oz", 96),
    7: ("Citrus Hill 64 oz", 64),
    8: ("Tree Fresh 64 oz", 64),
    9: ("Florida Gold 64 oz", 64),
    10: ("Dominicks 64 oz", 64),
    11: ("Dominicks 128 oz", 128),
}
_MEMBER: Final = "usr/lib/R/site-library/bayesm/data/orangeJuice.rda"
_FILE: Final = "orangeJuice.rda"
_CACHE: Final = Path(__file__).resolve().parent.parent / ".cache" / "pricing"
_TIMEOUT_S: Final = 120
_AR_MAGIC: Final = b"!<arch>\n"
_AR_HEADER: Final = 60  # bytes; name in the first 16, size in ten from 48


@dataclass(frozen=True, slots=True)
class OrangeJuice:
    """Sales and shops.

    Attributes:
        sales: a pandas frame, one row for each shop, brand and week: store, brand (1 to 11), week,
            logmove (log of ounces sold), price1 to price11 (dollars an ounce), deal, feat, profit
            (margin, per cent of the price).
        shops: a pandas frame, one row for each shop: STORE and eleven facts about its customers
            and competitors.
    """

    sales: Any
    shops: Any


def available(cache: Path = _CACHE) -> bool:
    """Whether the data lie in the cache already."""
    return (cache / _FILE).is_file()


def orange_juice(cache: Path = _CACHE) -> OrangeJuice:
    """The data set, from the cache; it is fetched with apt on the first call.

    Raises:
        DataError: it is not there and cannot be fetched, or is not what it was.
    """
    path = cache / _FILE
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".part")
        staged.write_bytes(_member(_package(cache)))
        staged.replace(path)
    found = rdata.read_rda(path)["orangeJuice"]
    frames = {str(name): pd.DataFrame(frame) for name, frame in found.items()}
    for frame in frames.values():
        frame.columns = [str(column) for column in frame.columns]
    sales = frames["yx"].reset_index(drop=True)
    if len(sales) != ROWS or not np.array_equal(np.unique(sales["brand"]), list(BRANDS)):
        raise DataError(f"{_FILE} has {len(sales)} rows, expected {ROWS} of {len(BRANDS)} brands")
    return OrangeJuice(sales, frames["storedemo"].reset_index(drop=True))


def _package(cache: Path) -> bytes:
    """The bytes of the .deb, fetched with apt into an empty folder of the cache.

    Package lists that are absent or stale are fetched as well, into the cache: nothing outside of
    it is touched, and no special rights are needed.
    """
    if shutil.which("apt-get") is None:
        raise DataError(_advice("there is no apt-get on this machine"))
    folder = cache / "download"
    shutil.rmtree(folder, ignore_errors=True)
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    own_lists = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}"]
    said = ""
    for commands in (
        [["apt-get", "download", PACKAGE]],
        [["apt-get", *own_lists, *more] for more in (["update"], ["download", PACKAGE])],
    ):
        for command in commands:
            done = subprocess.run(  # noqa: S603 - a constant command, no shell
                command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
            said = done.stderr.strip()
        packages = list(folder.glob(f"{PACKAGE}_*.deb"))
        if packages:
            content = packages[0].read_bytes()
            shutil.rmtree(folder)
            return content
    shutil.rmtree(folder)
    raise DataError(_advice(f"apt-get did not fetch it ({said.splitlines()[-1] if said else '?'})"))


def _advice(reason: str) -> str:
    return (
        f"the orange-juice data come with the Debian package {PACKAGE}, and {reason}; where apt can"
        f" reach Debian run `apt-get download {PACKAGE}`, unpack it with"
        f" `dpkg-deb -x {PACKAGE}_*.deb unpacked`, and copy unpacked/{_MEMBER} to"
        f" .cache/pricing/{_FILE}"
    )


def _member(package: bytes) -> bytes:
    """The data file out of a .deb: an ar archive that holds a tar archive."""
    for name, content in _ar(package):
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise DataError(_advice("this one is packed with zstd, which Python cannot read"))
            plain = lzma.decompress(content) if name.endswith(".xz") else content
            with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
                for member in archive:
                    if member.name.removeprefix("./") == _MEMBER:
                        file = archive.extractfile(member)
                        assert file is not None, "the member is a plain file"
                        return file.read()
    raise DataError(_advice(f"its archive does not hold {_MEMBER}"))


def _ar(archive: bytes) -> list[tuple[str, bytes]]:
    """Names and contents of the members of an ar archive."""
    if not archive.startswith(_AR_MAGIC):
        raise DataError(_advice("what was fetched is no .deb archive"))
    found, at = [], len(_AR_MAGIC)
    while at + _AR_HEADER <= len(archive):
        header = archive[at : at + _AR_HEADER]
        size = int(header[48:58])
        at += _AR_HEADER
        found.append((header[:16].decode("ascii").strip().rstrip("/"), archive[at : at + size]))
        at += size + size % 2  # members begin at even places
    return found
