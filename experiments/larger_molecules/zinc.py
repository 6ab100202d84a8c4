"""Training molecules of a given size: ZINC-like ones, and for the smallest size the embedded set.

ZINC-250k as selected in R. Gómez-Bombarelli et al., ACS Cent. Sci. 4, 268 (2018), from
J. J. Irwin et al., J. Chem. Inf. Model. 52, 1757 (2012). Properties are computed here by
RDKit (`mlmat.oracles.rdkit`), so that truth is exact for any molecule.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mlmat.data import small_organics
from mlmat.data.lookup import data_folders
from mlmat.errors import DataError, MlmatError
from mlmat.graphs.chemistry import canonical_smiles, graph_from_molecule, molecule_from_graph, parse_smiles

FILES = (
    "molecules/zinc/zinc250k_labelled_28887.csv.xz",
    "molecules/zinc/zinc250k_smiles_188128.csv.gz",
)
"""Inside the data folder: CSV with a column ``smiles``."""

ATOMS = frozenset("CNOFScnos")
FOREIGN = re.compile(r"[+.]|-\]|-\d\]|Cl|Br|I|P|p|B|Si|Se|se")
"""Charges, parts and elements outside the space, as they are written in SMILES."""

SMALLEST = 0.6
"""Share of the capacity that the smallest molecules have, as in noise starts."""


def data_file(path: str) -> Path:
    """A file of the data folder.

    Raises:
        DataError: it is in none of the folders.
    """
    for folder in data_folders():
        if (folder / path).is_file():
            return folder / path
    raise DataError(f"{path} is not here: name the folder that holds it in MLMAT_DATA")


def column(path: Path, name: str) -> list[str]:
    """One column of a compressed CSV file."""
    opened = {".xz": lzma.open, ".gz": gzip.open}[path.suffix]
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        return [row[name] for row in csv.DictReader(stream)]


def written_size(smiles: str) -> int | None:
    """Heavy atoms as counted in the text; None where elements or charges do not belong to the space.

    No molecule is built: most of a large table can be passed over in a second.
    """
    return None if FOREIGN.search(smiles) else sum(letter in ATOMS for letter in smiles)


def member(smiles: str) -> str | None:
    """Canonical SMILES of a molecule that a soft graph can hold (elements, charges, valences), else None."""
    try:
        molecule = parse_smiles(smiles)
        molecule_from_graph(*graph_from_molecule(molecule))
    except MlmatError:
        return None
    return canonical_smiles(molecule)


def of_size(table: Iterable[str], capacity: int) -> Iterator[str]:
    """Distinct members of 0.6 to 1 times `capacity` heavy atoms, in the order of the table."""
    low = math.ceil(SMALLEST * capacity)
    found = set()
    for text in table:
        size = written_size(text)
        if size is None or not low <= size <= capacity:
            continue
        smiles = member(text)
        if smiles is not None and smiles not in found:
            found.add(smiles)
            yield smiles


def training_molecules(capacity: int, count: int, seed: int) -> list[str]:
    """Random molecules of 0.6 to 1 times `capacity` heavy atoms.

    Up to 10 heavy atoms they come from the embedded set, since ZINC has next to none.

    Raises:
        DataError: the files are not here, or hold fewer than `count`.
    """
    if capacity <= 10:
        table = small_organics.load()["smiles"].tolist()
    else:
        table = [smiles for path in FILES for smiles in column(data_file(path), "smiles")]
    order = np.random.default_rng((seed, capacity)).permutation(len(table))
    chosen = [
        smiles for smiles, _ in zip(of_size((table[i] for i in order), capacity), range(count), strict=False)
    ]
    if len(chosen) < count:
        raise DataError(
            f"only {len(chosen)} molecules fit {capacity} heavy atoms: ask for fewer than {count}"
        )
    return chosen
