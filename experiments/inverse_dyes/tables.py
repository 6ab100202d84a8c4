"""Two tables of measured absorption maxima, parted between the predictor to search and its judge.

* J. F. Joung et al., Sci. Data 7, 295 (2020), 20,236 rows of dye and solvent;
* C.-W. Ju et al., J. Chem. Inf. Model. 61, 1053 (2021), 4,386 rows.

The wavelength of a dye is its mean over solvents. The predictor gets the dyes of the first
table that a soft graph can hold, the judge all others of both: it has seen no molecule that
the predictor was trained or tested on.
"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from experiments.larger_molecules.zinc import data_file, member
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles, silence_rdkit

DESIGN_FILE = "molecules/emitters/chromophores_joung2020.csv.xz"
JUDGE_FILE = "molecules/emitters/chemfluor_ju2021.csv.xz"
COLUMNS = {
    DESIGN_FILE: ("Chromophore", "Absorption max (nm)"),
    JUDGE_FILE: ("SMILES", "Absorption/nm"),
}
"""Names of the columns of molecule and wavelength."""

PLAUSIBLE = (200.0, 1200.0)
"""Absorption maxima outside are errors of entry, nm."""

CAPACITY = 30
"""Most heavy atoms of a dye to design."""


class Dyes(NamedTuple):
    """Distinct molecules with their wavelengths.

    Attributes:
        smiles: canonical, without stereo marks, sorted.
        wavelength: ``[N]`` mean absorption maximum over solvents, nm.
    """

    smiles: list[str]
    wavelength: np.ndarray


def any_canonical(smiles: str) -> str | None:
    """Canonical SMILES of any molecule, charged or of other elements; None if RDKit cannot read it."""
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or "." in smiles:
        return None
    Chem.RemoveStereochemistry(molecule)
    return canonical_smiles(molecule)


def read_dyes(file: str) -> Dyes:
    """All dyes of a table, averaged over solvents.

    Raises:
        DataError: the file is not here.
    """
    name, value = COLUMNS[file]
    found: dict[str, list[float]] = {}
    with lzma.open(data_file(file), "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row[name] and row[value] and PLAUSIBLE[0] <= float(row[value]) <= PLAUSIBLE[1]:
                found.setdefault(row[name], []).append(float(row[value]))
    merged: dict[str, list[float]] = {}
    for text, values in found.items():
        if (smiles := any_canonical(text)) is not None:
            merged.setdefault(smiles, []).extend(values)
    names = sorted(merged)
    return Dyes(names, np.array([np.mean(merged[smiles]) for smiles in names]))


def fits(smiles: str, capacity: int = CAPACITY) -> bool:
    """Whether a soft graph can hold a molecule: elements, charges, valences and size."""
    found = member(smiles)
    return found is not None and 3 <= parse_smiles(found).GetNumAtoms() <= capacity


def without(dyes: Dyes, others: Collection[str]) -> Dyes:
    """The dyes that are not among `others`."""
    rows = [i for i, smiles in enumerate(dyes.smiles) if smiles not in others]
    return Dyes([dyes.smiles[i] for i in rows], dyes.wavelength[rows])


def design_dyes(dyes: Dyes) -> Dyes:
    """The dyes that a soft graph can hold."""
    return without(dyes, {smiles for smiles in dyes.smiles if not fits(smiles)})


def judge_dyes(tables: Sequence[Dyes], designed_with: Dyes) -> Dyes:
    """All dyes but those that are designed with; a dye of several tables has its value in the first."""
    values: dict[str, float] = {}
    for table in reversed(tables):
        values |= dict(zip(table.smiles, table.wavelength.tolist(), strict=True))
    names = sorted(values.keys() - set(designed_with.smiles))
    return Dyes(names, np.array([values[name] for name in names]))
