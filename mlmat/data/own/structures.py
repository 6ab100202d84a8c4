"""Files of structures → ASE atoms one at a time, each with its values or with a reason."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import ase
import ase.db
import ase.io
from ase.io.extxyz import read_extxyz
from ase.io.xyz import read_xyz
from rdkit import Chem

from mlmat.data.own.cif import read_cif
from mlmat.data.own.geometry import check_structure
from mlmat.data.own.text import broken, open_text, readable, suffix_of
from mlmat.errors import DataError, InputError
from mlmat.graphs.chemistry import silence_rdkit

FRAMES = (".xyz", ".extxyz")
DATABASES = (".db", ".json")
POSCARS = (".vasp", ".poscar", ".contcar")
FILES = (*FRAMES, ".cif", *POSCARS, ".sdf", ".mol")
"""What a folder of structures may hold."""


class Frame(NamedTuple):
    """One structure of a file.

    Attributes:
        number: of the frame in its file, from 1.
        atoms: None if it cannot be used.
        values: what the file says of it (info, key-value pairs, energy, forces).
        reason: why it cannot be used, or None.
    """

    number: int
    atoms: ase.Atoms | None
    values: dict[str, Any]
    reason: str | None


def kind_of_file(path: str | Path) -> str:
    """Suffix that says how to read a file; VASP's own names, such as ``POSCAR_12``, have none."""
    name = Path(path).name.lower()
    return ".poscar" if name.startswith(("poscar", "contcar")) else suffix_of(path)


def read_frames(path: str | Path) -> Iterator[Frame]:
    """Structures of a file in order, one in memory at a time (a CIF is read whole).

    A structure that cannot be read or fails `check_structure` comes with its reason.

    Raises:
        DataError: no such file, empty, or not what its name says.
        InputError: an unknown kind of file.
    """
    suffix = kind_of_file(path)
    if suffix in FRAMES:
        frames = _xyz(path)
    elif suffix == ".cif":
        frames = _cif(path)
    elif suffix in POSCARS:
        frames = _poscar(path)
    elif suffix in (".sdf", ".mol"):
        frames = _sdf(path)
    elif suffix in DATABASES:
        frames = _database(path)
    else:
        raise InputError(
            f"{path}: unknown kind of structure file; use {', '.join(FILES)}, .db or .json (ASE database)"
        )
    number = 0
    for number, (atoms, values, reason) in enumerate(frames, 1):
        if atoms is not None:
            reason = reason or check_structure(atoms)
        yield Frame(number, None if reason else atoms, values, reason)
    if not number:
        raise DataError(f"{path} holds no structure")


_Read = Iterator[tuple[ase.Atoms | None, dict[str, Any], str | None]]


def _xyz(path: str | Path) -> _Read:
    """Cut the text into frames ourselves: a reader of the whole file would stop at the first bad one."""
    with open_text(path) as (stream, _):
        while True:
            first = stream.readline()
            if not first:
                return
            if not first.strip():
                continue
            if not first.strip().isdigit():
                text = readable(first.strip()[:40])
                yield None, {}, f"{text!r} stands where the number of atoms should: the rest is not read"
                return
            count = int(first)
            lines = list(islice(stream, count + 1))
            cut = len(lines) < count + 1
            if not cut and count and not lines[-1].endswith("\n"):
                # Cut inside its last line, the frame lacks columns there.
                cut = len(lines[-1].split()) < len(lines[1].split())
            if cut:
                yield None, {}, f"the file ends in the middle of this frame of {count} atoms"
                return
            text = "".join((first, *lines))
            reason = broken(text)
            yield (None, {}, reason) if reason else _parse(text, lines[0])


def _parse(text: str, comment: str) -> tuple[ase.Atoms | None, dict[str, Any], str | None]:
    extended = "Properties=" in comment or "Lattice=" in comment
    for reader in (read_extxyz,) if extended else (read_extxyz, read_xyz):
        try:
            atoms = next(reader(io.StringIO(text), slice(0, 1)))
        except Exception as error:  # ASE's readers raise whatever their parsing raised
            reason = _said(error)
            continue
        return atoms, values_of(atoms), None
    return None, {}, reason


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"unknown element {error.args[0]!r}"
    return f"it cannot be read: {str(error).strip().splitlines()[0] if str(error) else type(error).__name__}"


def values_of(atoms: ase.Atoms) -> dict[str, Any]:
    """Info and stored calculator results by name; results win."""
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    return (
        dict(atoms.info)
        | {name: values for name, values in atoms.arrays.items() if "force" in name}
        | results
    )


def _cif(path: str | Path) -> _Read:
    with open_text(path) as (stream, _):
        text = stream.read()
    if not text.strip():
        raise DataError(f"{path} is empty")
    try:
        found = read_cif(text)
    except Exception as error:  # as above
        yield None, {}, f"broken CIF: {_said(error)}"
        return
    if not found:
        yield None, {}, "broken CIF: it holds no atoms"
    for atoms in found:
        partial = [
            site for site in (atoms.info.get("occupancy") or {}).values() if min(site.values()) < 0.999
        ]
        yield (
            atoms,
            {},
            f"{len(partial)} sites are partly occupied: give an ordered cell" if partial else None,
        )


def _poscar(path: str | Path) -> _Read:
    with open_text(path) as (stream, _):
        text = stream.read()
    if not text.strip():
        raise DataError(f"{path} is empty")
    try:
        atoms = ase.io.read(io.StringIO(text), format="vasp")
    except Exception as error:  # as above
        yield None, {}, f"broken POSCAR: {_said(error)}"
        return
    atoms.set_constraint()
    yield atoms, {}, None


def _sdf(path: str | Path) -> _Read:
    with open_text(path) as (stream, _):
        block: list[str] = []
        for line in stream:
            if line.startswith("$$$$"):
                yield _molecule("".join(block))
                block = []
            else:
                block.append(line)
        if any(line.strip() for line in block):
            yield _molecule("".join(block))


def _molecule(text: str) -> tuple[ase.Atoms | None, dict[str, Any], str | None]:
    with silence_rdkit():
        molecule = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
    if molecule is None or molecule.GetNumAtoms() == 0:
        return None, {}, "broken SDF entry: RDKit cannot parse it"
    if not molecule.GetConformer().Is3D() and molecule.GetNumAtoms() > 3:
        return None, {}, "a two-dimensional drawing, not a structure: embed it, or give SMILES"
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    if "*" in symbols:
        return None, {}, "unknown element '*'"
    return ase.Atoms(symbols, molecule.GetConformer().GetPositions()), {}, None


def _database(path: str | Path) -> _Read:
    if not Path(path).exists():
        raise DataError(f"cannot read {path}: no such file")
    try:
        with ase.db.connect(path) as database:
            for row in database.select():
                values = dict(row.key_value_pairs) | dict(row.data)
                values |= {
                    name: row.get(name)
                    for name in ("energy", "forces", "stress")
                    if row.get(name) is not None
                }
                yield row.toatoms(), values, None
    except GeneratorExit:
        raise
    except Exception as error:  # SQLite's, JSON's and ASE's own
        raise DataError(f"{path} cannot be read as an ASE database: {error}") from error
