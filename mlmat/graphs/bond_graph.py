"""SMILES → bond graph with RDKit features: any molecule that RDKit reads.

Unlike `mlmat.graphs.sparse`, which serves the closed design space, this takes charges,
isotopes, radicals, salts, metals and aromatic bonds as they are. Hydrogens are implicit
unless the SMILES writes them as atoms of their own, as ``[2H]`` is.

Features do not depend on the order of the atoms in the SMILES: chirality is the CIP
label (R, S), and a double bond's stereo its E or Z, not RDKit's order-dependent tags.

Host code, and the slow step of prediction: so one list comprehension per property, and
properties that the text of the SMILES rules out are not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import jraph
import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from mlmat.errors import InputError, SmilesError, UnknownElementError
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


@dataclass(frozen=True)
class BondGraphEncoder:
    """SMILES → `jraph.GraphsTuple` of one graph, NumPy arrays.

    ===========================  ==============  ============================================
    field                        shape           content
    ===========================  ==============  ============================================
    nodes["species"]             ``[n]``         int32 index into `elements`
    nodes["features"]            ``[n, A]``      float32, columns `ATOM_FEATURES`
    edges                        ``[e, B]``      float32, columns `BOND_FEATURES`; bonds twice
    receivers, senders           ``[e]``         int32, sorted by receiver, then sender
    globals["fingerprint"]       ``[1, F]``      float32 log(1 + count) of hashed Morgan
                                                 environments; globals is None if F is 0
    n_node, n_edge               ``[1]``         int32
    ===========================  ==============  ============================================

    Attributes:
        elements: chemical symbols covered (``*`` is the attachment point of a repeat
            unit), their order is the index; see `elements_of`.
        fingerprint: length F of the Morgan fingerprint (D. Rogers and M. Hahn, J. Chem.
            Inf. Model. 50, 742 (2010)), 0 for none.
        radius: of the Morgan environments, in bonds.
    """

    elements: tuple[str, ...]
    fingerprint: int = 1024
    radius: int = 2

    kind: ClassVar[str] = "smiles"

    def __post_init__(self):
        object.__setattr__(self, "elements", tuple(self.elements))  # JSON brings lists
        if not self.elements or len(set(self.elements)) != len(self.elements):
            raise InputError(f"elements must be different symbols, at least one: not {self.elements}")
        if self.fingerprint < 0 or self.radius < 0:
            raise InputError("fingerprint and radius must not be negative; fingerprint=0 leaves it out")
        unknown = [symbol for symbol in self.elements if symbol not in _symbols()]
        if unknown:
            raise InputError(f"unknown element {', '.join(unknown)}: use chemical symbols such as C, Cl")

    @cached_property
    def _index(self) -> dict[int, int]:
        """Atomic number → element index."""
        symbols = _symbols()
        return {symbols.index(symbol): k for k, symbol in enumerate(self.elements)}

    def __call__(self, item: str) -> jraph.GraphsTuple:
        """Encode one SMILES.

        Raises:
            SmilesError: RDKit cannot read it, or it holds no atom.
            UnknownElementError: an element outside `elements`.
        """
        molecule = molecule_of(item)
        atoms = list(map(molecule.GetAtomWithIdx, range(molecule.GetNumAtoms())))
        numbers = list(map(Chem.Atom.GetAtomicNum, atoms))
        try:
            species = np.array([self._index[number] for number in numbers], np.int32)
        except KeyError as missing:
            raise UnknownElementError(_symbols()[missing.args[0]], self.elements) from None
        metal = not _NONMETALS.issuperset(numbers)
        edges, receivers, senders = _edges(molecule, item, dative=metal or "->" in item or "<-" in item)
        features = _atom_features(molecule, atoms, item, np.bincount(receivers, minlength=len(atoms)))
        found = None
        if self.fingerprint:
            generator = rdFingerprintGenerator.GetMorganGenerator(radius=self.radius, fpSize=self.fingerprint)
            counts = generator.GetCountFingerprintAsNumPy(molecule).astype(np.float32)
            found = {"fingerprint": np.log1p(counts)[None]}
        return jraph.GraphsTuple(
            nodes={"species": species, "features": features},
            edges=edges,
            receivers=receivers,
            senders=senders,
            globals=found,
            n_node=np.array([len(atoms)], np.int32),
            n_edge=np.array([len(receivers)], np.int32),
        )


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


def elements_of(smiles: Iterable[str]) -> tuple[str, ...]:
    """Symbols of all elements in the molecules, hydrogen only where it is written as an atom.

    Returns:
        Symbols sorted by atomic number: what `BondGraphEncoder` takes.

    Raises:
        SmilesError: a SMILES that RDKit cannot read.
    """
    numbers = {atom.GetAtomicNum() for text in smiles for atom in molecule_of(text).GetAtoms()}
    symbols = _symbols()
    return tuple(symbols[number] for number in sorted(numbers))


def _symbols() -> list[str]:
    """Symbols by atomic number; ``*`` is number 0."""
    table = Chem.GetPeriodicTable()
    return [table.GetElementSymbol(number) for number in range(119)]


def _atom_features(molecule: Chem.Mol, atoms: list[Chem.Atom], text: str, degree: np.ndarray) -> np.ndarray:
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
    for ring in molecule.GetRingInfo().AtomRings():
        size = len(ring)
        ring = list(map(ring.__getitem__, range(size)))  # RDKit's own iterator runs in Python
        features[ring, _RING] = 1
        if size in RING_SIZES:
            features[ring, _RING + 1 + RING_SIZES.index(size)] = 1
    if "[" in text:  # only a bracket atom can be a radical, an isotope or chiral
        features[:, _RADICAL] = list(map(Chem.Atom.GetNumRadicalElectrons, atoms))
        features[:, _ISOTOPE] = [atom.GetIsotope() > 0 for atom in atoms]
        if "@" in text:
            labels = [atom.HasProp("_CIPCode") and atom.GetProp("_CIPCode") for atom in atoms]
            features[:, _CHIRAL] = [label == "R" for label in labels]
            features[:, _CHIRAL + 1] = [label == "S" for label in labels]
    return features


def _edges(molecule: Chem.Mol, text: str, dative: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features ``[e, B]``, receivers and senders ``[e]`` of all bonds in both directions, sorted."""
    bonds = list(map(molecule.GetBondWithIdx, range(molecule.GetNumBonds())))
    begin = np.array(list(map(Chem.Bond.GetBeginAtomIdx, bonds)), np.int32)
    end = np.array(list(map(Chem.Bond.GetEndAtomIdx, bonds)), np.int32)
    features = np.zeros((len(bonds), len(BOND_FEATURES)), np.float32)
    order = np.array(list(map(Chem.Bond.GetBondTypeAsDouble, bonds)))
    features[:, :4] = order[:, None] == (1, 2, 3, 1.5)
    features[:, 5] = list(map(Chem.Bond.GetIsConjugated, bonds))
    features[:, 6] = list(map(Chem.Bond.IsInRing, bonds))
    if dative:  # its order counts as 1, and reading the type's name is slow
        kinds = [bond.GetBondType() in (Chem.BondType.DATIVE, Chem.BondType.DATIVEONE) for bond in bonds]
        features[kinds, 0], features[kinds, 4] = 0, 1
    if "/" in text or "\\" in text:
        for k in np.flatnonzero(order == 2).tolist():
            mark = bonds[k].GetStereo()
            features[k, 7] = mark == Chem.BondStereo.STEREOE
            features[k, 8] = mark == Chem.BondStereo.STEREOZ
    receivers, senders = np.concatenate((begin, end)), np.concatenate((end, begin))
    sorting = np.lexsort((senders, receivers))
    return features[sorting % len(bonds)] if bonds else features, receivers[sorting], senders[sorting]
