"""Many files of one structure each: read by several processes, and not read twice.

ASE takes about 23 ms of processor time for a small CIF (measured; building its graph takes 1 ms), so
thirty thousand of them take a quarter of an hour. Files are therefore read in blocks, and each block is
stored as soon as it is read: a run that was stopped goes on, and a later one starts at once. A block goes
by the names and contents of its files, so whatever changes is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import ase
import numpy as np

from mlmat.cores import usable_cores
from mlmat.data.lookup import cache_folder
from mlmat.data.own.geometry import identity_of_structure
from mlmat.data.own.structures import read_frames
from mlmat.errors import MlmatError, OutputError
from mlmat.files import atomic_write, sha256

VERSION = 1
"""To be raised whenever the same file would be read differently."""

BLOCK = 128
"""Files of a block, about."""

FEW = 64
"""So many files are read here, at once, and not stored."""


class Single(NamedTuple):
    """What a file holds.

    Attributes:
        atoms: None if it cannot be used.
        identity: see `identity_of_structure`; empty without atoms.
        reason: why it cannot be used, or None.
    """

    atoms: ase.Atoms | None
    identity: str
    reason: str | None


def read_files(
    paths: Sequence[Path], *, store: Path | None = None, workers: int | None = None
) -> list[Single]:
    """The one structure of each file, in their order; a bad file gives its reason.

    Args:
        paths: of files that `mlmat.data.own.structures.read_frames` takes.
        store: folder of blocks; default: ``structures`` in the user's cache.
        workers: processes; default: one per core. Spawned, so a script that calls this with more
            than `FEW` files at its top level, without ``if __name__ == "__main__":``, has one only.
    """
    if len(paths) <= FEW:
        return [read_file(path) for path in paths]
    store = cache_folder() / "structures" if store is None else store
    with contextlib.suppress(OSError):  # what cannot be stored is read all the same
        store.mkdir(parents=True, exist_ok=True)
    # By name, not by place: a file more leaves the other blocks as they were.
    count = 1 << max(0, (len(paths) // BLOCK - 1).bit_length())
    blocks: list[list[int]] = [[] for _ in range(count)]
    for row, path in enumerate(paths):
        blocks[zlib.crc32(path.name.encode()) % count].append(row)
    found: list[Single | None] = [None] * len(paths)
    jobs = [([str(paths[row]) for row in rows], str(store)) for rows in blocks]
    for rows, singles in zip(blocks, _each(jobs, workers or usable_cores()), strict=True):
        for row, single in zip(rows, singles, strict=True):
            found[row] = single
    return found


def read_file(path: Path) -> Single:
    """The single structure of a file, or why there is none."""
    try:
        frames = list(islice(read_frames(path), 2))
    except MlmatError as error:
        return Single(None, "", str(error))
    if len(frames) > 1:
        return Single(None, "", f"{path.name} holds more than one structure")
    if frames[0].reason is not None:
        return Single(None, "", f"{path.name}: {frames[0].reason}")
    plain = frames[0].atoms
    atoms = ase.Atoms(plain.numbers, plain.positions, cell=plain.cell, pbc=plain.pbc)
    return Single(atoms, identity_of_structure(atoms), None)


def read_block(job: tuple[list[str], str]) -> list[Single]:
    """Files of a block from the store, or read and stored.

    Args:
        job: paths, and the folder of the store.
    """
    paths, store = [Path(path) for path in job[0]], Path(job[1])
    known = "\n".join(f"{path.name} {_checksum(path)}" for path in paths)
    key = hashlib.sha256(f"{VERSION} {ase.__version__}\n{known}".encode()).hexdigest()
    file = store / f"{key}.npz"
    stored = _load(file)
    if stored is not None:
        return stored
    singles = [read_file(path) for path in paths]
    with contextlib.suppress(OutputError):
        _save(file, singles)
    return singles


def _each(jobs: list, workers: int):
    """`read_block` of every job, in order."""
    workers = min(workers, len(jobs))
    done = 0
    if workers > 1 and not multiprocessing.current_process().daemon:
        context = multiprocessing.get_context("spawn")
        # A broken pool: the script cannot be imported again by a child. Then this process does it.
        with contextlib.suppress(BrokenProcessPool), ProcessPoolExecutor(workers, mp_context=context) as pool:
            for singles in pool.map(read_block, jobs):
                done += 1
                yield singles
    for job in jobs[done:]:
        yield read_block(job)


def _checksum(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        return f"unreadable {os.strerror(error.errno or 0)}"


def _save(file: Path, singles: list[Single]) -> None:
    blank = ase.Atoms()
    atoms = [blank if single.atoms is None else single.atoms for single in singles]
    arrays = {
        "n_atoms": np.array([len(a) for a in atoms], np.int64),
        "numbers": np.concatenate([a.numbers for a in atoms]).astype(np.int32),
        "positions": np.concatenate([a.positions for a in atoms]),
        "cell": np.array([a.cell.array for a in atoms]),
        "pbc": np.array([a.pbc for a in atoms]),
        "identity": np.array([single.identity for single in singles]),
        "usable": np.array([single.reason is None for single in singles]),
        "reason": np.array([single.reason or "" for single in singles]),
    }
    with atomic_write(file) as stream:
        np.savez_compressed(stream, **arrays)


def _load(file: Path) -> list[Single] | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            found = dict(stored)
    except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile):
        return None
    ends = np.cumsum(found["n_atoms"])
    singles = []
    for row, (n, end) in enumerate(zip(found["n_atoms"].tolist(), ends.tolist(), strict=True)):
        if not found["usable"][row]:
            singles.append(Single(None, "", str(found["reason"][row])))
            continue
        mine = slice(end - n, end)
        atoms = ase.Atoms(
            found["numbers"][mine], found["positions"][mine], cell=found["cell"][row], pbc=found["pbc"][row]
        )
        singles.append(Single(atoms, str(found["identity"][row]), None))
    return singles
