"""Where the files of a data set lie on this machine, and whether they are the right ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from mlmat.data.download import recorded_sha256
from mlmat.data.entry import Entry
from mlmat.errors import DataError
from mlmat.files import sha256

EMBEDDED, FOLDER, CACHE = "embedded", "data folder", "cache"


class Located(NamedTuple):
    """Files of a data set, found but not yet verified.

    Attributes:
        place: `EMBEDDED`, `FOLDER` or `CACHE`.
        files: path → expected SHA-256; None where none is known.
        reader: ``"module:function"``.
        source: where the bytes came from.
    """

    place: str
    files: dict[Path, str | None]
    reader: str
    source: str


def cache_folder() -> Path:
    """``MLMAT_CACHE``, or the system's folder for caches."""
    if folder := os.environ.get("MLMAT_CACHE"):
        return Path(folder).expanduser()
    import pooch

    return Path(pooch.os_cache("mlmat"))


def locate(item: Entry, data_dir: str | Path | None = None) -> Located | None:
    """Where the files of a data set are, without reading or fetching them.

    Raises:
        DataError: a data folder that does not exist, or holds only a part of the files.
    """
    if item.embedded:
        here = Path(__file__).parent
        notes = json.loads((here / item.embedded.provenance).read_text(encoding="utf-8"))
        files = {here / item.embedded.path: notes["sha256"]}
        return Located(EMBEDDED, files, item.embedded.reader, "mlmat")
    for folder in data_folders(data_dir):
        if item.local:
            paths = {folder / path: digest for path, digest in item.local.files.items()}
            absent = [str(path) for path in paths if not path.is_file()]
            if not absent:
                return Located(FOLDER, paths, item.local.reader, item.local.source)
            if len(absent) < len(paths):
                raise DataError(f"{item.name}: {folder} lacks {', '.join(absent)}: copy all files of the set")
        if item.remote and (path := folder / item.remote.filename).is_file():
            return published_file(item, path, FOLDER)
    if item.remote and (path := cache_folder() / item.remote.filename).is_file():
        return published_file(item, path, CACHE)
    return None


def published_file(item: Entry, path: Path, place: str) -> Located:
    """A file as published, with the checksum of the catalogue or of its first download."""
    record = recorded_sha256(path)
    expected = item.remote.sha256
    if expected is None and record.is_file():
        expected = record.read_text(encoding="ascii", errors="replace").split(" ")[0].strip()
    return Located(place, {path: expected}, item.remote.reader, item.remote.url)


def data_folders(data_dir: str | Path | None = None) -> list[Path]:
    """The folders to look in, in order: `data_dir`, then ``MLMAT_DATA``.

    Raises:
        DataError: one of them does not exist.
    """
    named = (("--data-dir", data_dir), ("MLMAT_DATA", os.environ.get("MLMAT_DATA")))
    folders = [(option, Path(folder).expanduser()) for option, folder in named if folder]
    for option, folder in folders:
        if not folder.is_dir():
            raise DataError(f"the data folder {folder} ({option}) does not exist: correct it or leave it out")
    return [folder for _, folder in folders]


def altered(path: Path, expected: str | None) -> str:
    """Why a file is not the expected one; empty if it is, or if nothing is known."""
    if expected is None:
        return ""
    found = sha256(path)
    if found == expected:
        return ""
    return f"{path.stat().st_size} bytes, SHA-256 {found[:12]}… instead of {expected[:12]}…"
