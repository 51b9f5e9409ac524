"""Reads the files of one version: bounded, hashed, with the manifest beside the graph."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from stubtail.models.agreement import check_file
from stubtail.models.errors import ModelError
from stubtail.models.files import is_within, read_within, unreadable
from stubtail.models.manifest import FILE_NAME, GRAPH_FILE_NAME, Manifest, ManifestError

# A container of JSON takes some 70 bytes for 3 of text: a file of 16 MiB could become 400 MB.
MANIFEST_ITEMS_MAX = 2_000_000
ENTRIES_MAX = 1_000  # of a version's folder, looked at for a hint


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one version as they were read.

    Attributes:
        folder: of the version; None where the version is a single .onnx file.
        file: the graph.
        where: names the graph in messages.
        data: the graph's bytes.
        sha256: of these, in hexadecimal digits.
        manifest: model.json; None where there is none.
        manifest_sha256: of its bytes; "" where there is none.
        manifest_bytes: their number.
    """

    folder: Path | None
    file: Path
    where: str
    data: bytes = field(repr=False)
    sha256: str
    manifest: Manifest | None
    manifest_sha256: str
    manifest_bytes: int


def read_version(
    path: Path, inside: Path, *, graph_bytes_max: int, manifest_bytes_max: int
) -> Source:
    """Reads a version; what is read is what is hashed, checked and given to onnxruntime.

    Args:
        path: a folder with model.onnx and perhaps model.json, or one .onnx file.
        inside: the folder that no link may leave.
        graph_bytes_max: the largest graph.
        manifest_bytes_max: the largest manifest.

    Raises:
        ModelError: a file is missing, too large, unreadable, elsewhere, or the two disagree.
    """
    folder = path if path.is_dir() else None
    manifest, raw = None, b""
    if folder is None:
        file = path
    else:
        manifest, raw = _read_manifest(folder, inside, manifest_bytes_max)
        file = folder / _graph_name(folder, inside, manifest)
    where = relative(file, inside)
    data = read_within(inside, file, bytes_max=graph_bytes_max, where=where)
    sha256 = hashlib.sha256(data).hexdigest()
    if manifest is not None:
        check_file(manifest, data, sha256, where)
    return Source(
        folder=folder,
        file=file,
        where=where,
        data=data,
        sha256=sha256,
        manifest=manifest,
        manifest_sha256=hashlib.sha256(raw).hexdigest() if manifest is not None else "",
        manifest_bytes=len(raw),
    )


def relative(path: Path, root: Path) -> str:
    """How messages name a file: with its model and version, without the machine's folders."""
    try:
        short = path.relative_to(root)
    except ValueError:
        short = Path(path.name)
    return str(short) if len(short.parts) > 1 else f"{path.parent.name}/{path.name}"


def _read_manifest(folder: Path, inside: Path, bytes_max: int) -> tuple[Manifest | None, bytes]:
    file = folder / FILE_NAME
    where = relative(file, inside)
    if not file.is_symlink() and not file.exists():
        return None, b""
    data = read_within(inside, file, bytes_max=bytes_max, where=where)
    if sum(data.count(sign) for sign in (b"[", b"{", b",")) > MANIFEST_ITEMS_MAX:
        problem = f"it has more than {MANIFEST_ITEMS_MAX} values"
        raise ModelError(where, problem, "leave out what the server does not read")
    try:
        return Manifest.parse(data.decode("utf-8"), where), data
    except UnicodeDecodeError as error:
        raise ModelError(where, "it is not UTF-8 text", "save it as UTF-8") from error
    except ManifestError as error:
        problem = str(error).removeprefix(f"{where}: ")
        raise ModelError(where, problem, "mend these fields, or remove the file") from error


def _graph_name(folder: Path, inside: Path, manifest: Manifest | None) -> str:
    """The graph's file in the folder; a hint where it has another name than expected."""
    if manifest is not None:
        return manifest.graph.file
    if not is_within(inside, folder):  # reading refuses it; no hint tells what lies elsewhere
        return GRAPH_FILE_NAME
    names = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(ENTRIES_MAX), entries, strict=False):
                if entry.name.endswith(".onnx"):
                    names.append(entry.name)
    except OSError as error:
        raise unreadable(relative(folder, inside), error) from error
    if names and GRAPH_FILE_NAME not in names:
        problem = f"there is no {GRAPH_FILE_NAME}, but {min(names)}"
        raise ModelError(relative(folder, inside), problem, f"rename it to {GRAPH_FILE_NAME}")
    return GRAPH_FILE_NAME
