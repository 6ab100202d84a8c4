"""Features of atoms and bonds as RDKit sees them, for a block of molecules at once.

They do not depend on the order of the atoms in the SMILES: chirality is the CIP label
(R, S), and a double bond's stereo its E or Z, not RDKit's order-dependent tags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem

from mlmat.errors import SmilesError
from mlmat.graphs.chemistry import silence_rdkit

DEGREES = 7
HYDROGENS = 5
HYBRIDISATIONS = ("s", "sp", "sp2", "sp3", "sp2d", "sp3d", "sp3d2")
RING_SIZES = (3, 4, 5, 6, 7, 8)

ATOM_FEATURES = (
    *(f"degree {k}" for k in range(DEGREES)),
    *(f"hydrogens {k}" for k in range(HYDROGENS)),
    *HYBRIDISATIONS,
    "formal charge",
    "valence / 4",
    "aromatic",
    "radical electrons",
    "isotope given",
    "in ring",
    *(f"in ring of {size}" for size in RING_SIZES),
    "chirality R",
    "chirality S",
)
"""Names of the columns of ``nodes["features"]``: one-hot (the last degree and hydrogen class
hold all above), 0/1 flags, and plain numbers for charge, valence and radical electrons."""

BOND_FEATURES = ("single", "double", "triple", "aromatic", "dative", "conjugated", "in ring", "E", "Z")
"""Names of the columns of ``edges``, 0/1 each; other bond types (zero, quadruple) have no flag."""

_COLUMN = {name: k for k, name in enumerate(ATOM_FEATURES)}
_HYBRIDISATION, _CHARGE, _VALENCE = _COLUMN["s"], _COLUMN["formal charge"], _COLUMN["valence / 4"]
_AROMATIC, _RADICAL, _ISOTOPE = _COLUMN["aromatic"], _COLUMN["radical electrons"], _COLUMN["isotope given"]
_RING, _CHIRAL = _COLUMN["in ring"], _COLUMN["chirality R"]

_NONMETALS = frozenset((0, 1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 52, 53, 54))
"""Atomic numbers whose bonds RDKit never turns into dative ones by itself."""


class ReadMolecule(NamedTuple):
    """A molecule with RDKit's handles of its atoms and bonds, made once."""

    text: str
    molecule: Chem.Mol
    atoms: list[Chem.Atom]
    bonds: list[Chem.Bond]
    numbers: list[int]


def molecule_of(smiles: str) -> Chem.Mol:
    """SMILES → sanitised molecule, RDKit's messages kept quiet.

    Raises:
        SmilesError: RDKit cannot read it, or it holds no atom.
    """
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(smiles) if isinstance(smiles, str) else None
    if molecule is None:
        raise SmilesError(smiles)
    if molecule.GetNumAtoms() == 0:
        raise SmilesError(smiles, "it holds no atom")
    return molecule


def read_molecule(text: str) -> ReadMolecule:
    """SMILES → molecule and handles; errors as of `molecule_of`."""
    molecule = molecule_of(text)
    atoms = list(map(molecule.GetAtomWithIdx, range(molecule.GetNumAtoms())))
    bonds = list(map(molecule.GetBondWithIdx, range(molecule.GetNumBonds())))
    return ReadMolecule(text, molecule, atoms, bonds, list(map(Chem.Atom.GetAtomicNum, atoms)))


def atom_features(block: list[ReadMolecule], first: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """``[n, A]`` of all atoms of the block; `first` is each molecule's first row."""
    atoms = [atom for one in block for atom in one.atoms]
    rows = np.arange(len(atoms))
    features = np.zeros((len(atoms), len(ATOM_FEATURES)), np.float32)
    features[rows, np.minimum(degree, DEGREES - 1)] = 1
    hydrogens = np.array(list(map(Chem.Atom.GetTotalNumHs, atoms)))
    features[rows, DEGREES + np.minimum(hydrogens, HYDROGENS - 1)] = 1
    # RDKit's enum starts with UNSPECIFIED and S and ends with OTHER: -1 and above 6 have no column.
    hybridisation = np.array(list(map(Chem.Atom.GetHybridization, atoms))) - 1
    known = (hybridisation >= 0) & (hybridisation < len(HYBRIDISATIONS))
    features[rows[known], _HYBRIDISATION + hybridisation[known]] = 1
    features[:, _CHARGE] = list(map(Chem.Atom.GetFormalCharge, atoms))
    features[:, _VALENCE] = list(map(Chem.Atom.GetTotalValence, atoms))
    features[:, _VALENCE] /= 4
    features[:, _AROMATIC] = list(map(Chem.Atom.GetIsAromatic, atoms))
    members: list[int] = []
    sizes: list[int] = []
    for one, row in zip(block, first.tolist(), strict=True):
        for ring in one.molecule.GetRingInfo().AtomRings():
            members += [row + atom for atom in ring]
            sizes += [len(ring)] * len(ring)
        if "[" in one.text:  # only a bracket atom can be a radical, an isotope or chiral
            part = features[row : row + len(one.atoms)]
            part[:, _RADICAL] = list(map(Chem.Atom.GetNumRadicalElectrons, one.atoms))
            part[:, _ISOTOPE] = np.array(list(map(Chem.Atom.GetIsotope, one.atoms))) > 0
            if "@" in one.text:
                labels = [atom.HasProp("_CIPCode") and atom.GetProp("_CIPCode") for atom in one.atoms]
                part[:, _CHIRAL] = [label == "R" for label in labels]
                part[:, _CHIRAL + 1] = [label == "S" for label in labels]
    features[members, _RING] = 1
    atom, size = np.array(members, int), np.array(sizes, int)
    small = size <= RING_SIZES[-1]
    features[atom[small], _RING + 1 + size[small] - RING_SIZES[0]] = 1
    return features


def bond_edges(block: list[ReadMolecule], first: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features ``[e, B]``, receivers and senders ``[e]`` of all bonds in both directions, sorted.

    Atoms are counted through the block, so sorting keeps each molecule's edges together.
    """
    bonds = [bond for one in block for bond in one.bonds]
    shift = np.repeat(first, [len(one.bonds) for one in block])
    begin = np.array(list(map(Chem.Bond.GetBeginAtomIdx, bonds)), int) + shift
    end = np.array(list(map(Chem.Bond.GetEndAtomIdx, bonds)), int) + shift
    features = np.zeros((len(bonds), len(BOND_FEATURES)), np.float32)
    order = np.array(list(map(Chem.Bond.GetBondTypeAsDouble, bonds)))
    features[:, :4] = order[:, None] == (1, 2, 3, 1.5)
    features[:, 5] = list(map(Chem.Bond.GetIsConjugated, bonds))
    features[:, 6] = list(map(Chem.Bond.IsInRing, bonds))
    row = 0
    for one in block:
        # Reading an enum is slow, and few molecules can have dative bonds (of order 1) or stereo ones.
        if "->" in one.text or "<-" in one.text or not _NONMETALS.issuperset(one.numbers):
            for k, bond in enumerate(one.bonds, row):
                if bond.GetBondType() in (Chem.BondType.DATIVE, Chem.BondType.DATIVEONE):
                    features[k, 0], features[k, 4] = 0, 1
        if "/" in one.text or "\\" in one.text:
            for k in (row + np.flatnonzero(order[row : row + len(one.bonds)] == 2)).tolist():
                mark = bonds[k].GetStereo()
                features[k, 7] = mark == Chem.BondStereo.STEREOE
                features[k, 8] = mark == Chem.BondStereo.STEREOZ
        row += len(one.bonds)
    receivers = np.concatenate((begin, end)).astype(np.int32)
    senders = np.concatenate((end, begin)).astype(np.int32)
    sorting = np.lexsort((senders, receivers))
    return features[sorting % max(len(bonds), 1)], receivers[sorting], senders[sorting]
