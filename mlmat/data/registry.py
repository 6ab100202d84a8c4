"""Finding, fetching, verifying and reading the data sets of the catalogue.

Look-up order: the folder given (``data_dir``, on the command line ``--data-dir``), the
folder in ``MLMAT_DATA``, the user cache (``MLMAT_CACHE``, or the system's place for
caches), and then a download into that cache. Every file is held to its SHA-256 before
it is read. Embedded sets ship inside the package and need none of this.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlmat.data.catalogue import ENTRIES
from mlmat.data.dataset import Dataset
from mlmat.data.download import download as download_file
from mlmat.data.entry import Entry
from mlmat.data.lookup import (
    CACHE,
    EMBEDDED,
    FOLDER,
    Located,
    altered,
    cache_folder,
    data_folders,
    locate,
    published_file,
)
from mlmat.errors import DataError, UnknownDatasetError


class Check(NamedTuple):
    """Outcome of verifying one file: `status` is "ok", "altered", "absent" or "no checksum"."""

    name: str
    file: str
    status: str
    detail: str


def entry(name: str, entries: Mapping[str, Entry] = ENTRIES) -> Entry:
    """The catalogue entry of a data set.

    Raises:
        UnknownDatasetError: no such name; the message lists near ones.
    """
    if name in entries:
        return entries[name]
    near = difflib.get_close_matches(name.lower(), entries, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(entries)}"
    raise UnknownDatasetError(f"unknown data set {name!r}; {hint}")


def fetch(
    name: str,
    data_dir: str | Path | None = None,
    *,
    download: bool = True,
    force: bool = False,
    progress: bool = True,
    entries: Mapping[str, Entry] = ENTRIES,
) -> Located:
    """Make sure that the files of a data set are here and unaltered.

    Args:
        name: name in the catalogue.
        data_dir: folder to look in first.
        download: whether the network may be used.
        force: download into the cache even if files are here.
        progress: show a progress bar when downloading.
        entries: the catalogue.

    Raises:
        UnknownDatasetError: no such name.
        DataError: altered or missing files; the message says how to get them.
        OutputError: the cache cannot be written.
    """
    item = entry(name, entries)
    found = None if force else locate(item, data_dir)
    if found is None:
        found = _download(item, data_dir, download, progress)
    for path, expected in found.files.items():
        if reason := altered(path, expected):
            cure = {
                EMBEDDED: "Install mlmat again",
                FOLDER: "Copy the file again, or move it away",
                CACHE: f"Replace it: mlmat data fetch {name} --force",
            }[found.place]
            raise DataError(f"{name}: {path} is truncated or altered ({reason}). {cure}")
    return found


def load(name: str, data_dir: str | Path | None = None, **options: Any) -> Dataset:
    """Read a data set, fetching it first if needed.

    Args:
        name: name in the catalogue.
        data_dir: folder to look in first.
        **options: as of `fetch`.

    Raises:
        UnknownDatasetError, DataError, OutputError: as of `fetch`; also a file that its
            reader cannot parse.
    """
    item = entry(name, options.get("entries", ENTRIES))
    found = fetch(name, data_dir, **options)
    module, _, function = found.reader.partition(":")
    # By name and only now, so that listing data sets imports no reader.
    reader = getattr(importlib.import_module(module), function)
    if item.embedded:
        return reader()
    arrays = reader(list(found.files))
    units = {key: unit for key, unit in item.units.items() if key in arrays}
    return Dataset(item.name, arrays, units, item.citation, item.licence, found.source)


def checksums(*names: str) -> dict[str, str | None]:
    """File name → SHA-256 of the files of data sets: what a run record keeps of its data.

    Raises:
        UnknownDatasetError, DataError, OutputError: as of `fetch`.
    """
    return {path.name: sha256 for name in names for path, sha256 in fetch(name).files.items()}


def verify(
    names: Sequence[str] = (), data_dir: str | Path | None = None, entries: Mapping[str, Entry] = ENTRIES
) -> Iterator[Check]:
    """Hold the files of data sets to their checksums, one `Check` per file.

    Args:
        names: which sets; default all.
        data_dir: folder to look in first.
        entries: the catalogue.

    Raises:
        UnknownDatasetError: no such name, before anything is checked.
    """
    for item in [entry(name, entries) for name in names or entries]:
        try:
            found = locate(item, data_dir)
        except DataError as error:
            yield Check(item.name, "", "absent", str(error))
            continue
        if found is None:
            yield Check(item.name, "", "absent", "not on this machine")
            continue
        for path, expected in found.files.items():
            reason = altered(path, expected)
            status = "altered" if reason else "ok" if expected else "no checksum"
            yield Check(item.name, str(path), status, reason or found.place)


def _download(item: Entry, data_dir: str | Path | None, allowed: bool, progress: bool) -> Located:
    """Bring the published file into the cache, or say how to get the set otherwise."""
    if item.embedded:
        raise DataError(f"{item.name} ships with mlmat: there is nothing to download")
    choices = [item.remote.filename] if item.remote else []
    choices += [", ".join(item.local.files)] if item.local else []
    by_hand = f"copy {' or '.join(choices)} into a folder and name it by --data-dir or MLMAT_DATA"
    if item.remote is None:
        looked = ", ".join(str(folder) for folder in data_folders(data_dir)) or "no data folder is set"
        raise DataError(f"{item.name} has no download (looked in: {looked}). To use it, {by_hand}")
    if not allowed:
        raise DataError(f"{item.name} is not here: run mlmat data fetch {item.name}, or {by_hand}")
    path = cache_folder() / item.remote.filename
    try:
        download_file(item.remote.url, path, item.remote.sha256, progress)
    except DataError as error:
        raise DataError(f"{item.name}: {error}, or {by_hand}") from error
    return published_file(item, path, CACHE)
