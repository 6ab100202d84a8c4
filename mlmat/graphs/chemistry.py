"""Molecules of the design space as strings, molecules and integer graphs: elements, valences, Kekulé forms.

One set of rules serves the enumeration of the embedded data, the realisation of
designs and every baseline, so that all of them search the same space:

* neutral, closed-shell, connected molecules of C, N, O, F and S,
* fixed valences (4, 3, 2, 1, 2), hydrogens implicit,
* integer bond orders 1 to 3,
* nothing that `mlmat.graphs.stability` rejects.

Stereochemistry is not part of the graph.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem, RDLogger

from mlmat.errors import InputError, SmilesError, UnknownElementError, ValenceError

ELEMENTS = ("C", "N", "O", "F", "S")
"""Heavy elements of the space, in the order of the type axis of a `SoftGraph`."""

VALENCES = (4, 3, 2, 1, 2)
"""Number of bonds of each element, hydrogens included."""

MAX_BOND_ORDER = 3


def parse_smiles(smiles: str) -> Chem.Mol:
    """SMILES → sanitised molecule of the space's elements, without stereo marks.

    Raises:
        SmilesError: RDKit cannot read the string, or it is charged, radical,
            isotopic or made of several parts.
        UnknownElementError: an element outside `ELEMENTS` (and hydrogen).
    """
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(smiles) if smiles.strip() else None
    if molecule is None:
        raise SmilesError(smiles)
    Chem.RemoveStereochemistry(molecule)
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() not in ELEMENTS:
            raise UnknownElementError(atom.GetSymbol(), ELEMENTS)
        if atom.GetFormalCharge() or atom.GetNumRadicalElectrons() or atom.GetIsotope():
            raise SmilesError(
                smiles, "only neutral closed-shell molecules without isotope labels are covered"
            )
    if len(Chem.GetMolFrags(molecule)) != 1:
        raise SmilesError(smiles, "it must be one connected molecule")
    return molecule


def silence_rdkit() -> RDLogger:
    """Context in which RDKit prints nothing (its reasons go into our errors)."""
    from rdkit.rdBase import BlockLogs

    return BlockLogs()


def molecule_from_graph(types: np.ndarray, bonds: np.ndarray) -> Chem.Mol:
    """Integer graph → sanitised molecule with implicit hydrogens.

    Args:
        types: ``[n]`` indices into `ELEMENTS`.
        bonds: ``[n, n]`` symmetric integer bond orders 0 to 3, zero diagonal.

    Returns:
        A connected, sanitised RDKit molecule.

    Raises:
        ValenceError: an atom has more bonds than its valence.
        InputError: no atoms, several fragments, or a bond order above 3.
    """
    types = np.asarray(types)
    bonds = np.asarray(bonds)
    if len(types) == 0:
        raise InputError("a graph needs at least one atom")
    if bonds.max(initial=0) > MAX_BOND_ORDER or bonds.min(initial=0) < 0:
        raise InputError(f"bond orders must lie between 0 and {MAX_BOND_ORDER}")
    excess = bonds.sum(axis=1) - np.asarray(VALENCES)[types]
    if (excess > 0).any():
        atom = int(excess.argmax())
        raise ValenceError(
            f"atom {atom} ({ELEMENTS[types[atom]]}) has {int(bonds[atom].sum())} bonds, "
            f"its valence is {VALENCES[types[atom]]}"
        )
    molecule = Chem.RWMol()
    for kind in types:
        molecule.AddAtom(Chem.Atom(ELEMENTS[kind]))
    orders = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
    first, second = np.nonzero(np.triu(bonds, 1))
    for i, j, order in zip(first.tolist(), second.tolist(), bonds[first, second].tolist(), strict=True):
        molecule.AddBond(i, j, orders[int(order)])
    if len(Chem.GetMolFrags(molecule)) != 1:
        raise InputError("the graph falls into several fragments")
    Chem.SanitizeMol(molecule)
    return molecule.GetMol()


def graph_from_molecule(molecule: Chem.Mol) -> tuple[np.ndarray, np.ndarray]:
    """Molecule → integer graph (one Kekulé form), inverse of `molecule_from_graph`.

    Returns:
        ``types [n]`` (int8 indices into `ELEMENTS`) and ``bonds [n, n]`` (int8).

    Raises:
        UnknownElementError: an element outside `ELEMENTS`.
    """
    kekule = Chem.Mol(molecule)
    Chem.Kekulize(kekule, clearAromaticFlags=True)
    n = kekule.GetNumAtoms()
    symbols = [atom.GetSymbol() for atom in kekule.GetAtoms()]
    for symbol in symbols:
        if symbol not in ELEMENTS:
            raise UnknownElementError(symbol, ELEMENTS)
    types = np.array([ELEMENTS.index(symbol) for symbol in symbols], np.int8)
    bonds = np.zeros((n, n), np.int8)
    for bond in kekule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        bonds[i, j] = bonds[j, i] = int(bond.GetBondTypeAsDouble())
    return types, bonds


def kekule_forms(molecule: Chem.Mol, limit: int = 8) -> list[np.ndarray]:
    """All bond-order matrices of an aromatic molecule, up to `limit`.

    Every form describes the same molecule, so a predictor on integer bonds must
    give all of them one value.

    Returns:
        List of ``[n, n]`` int8 matrices in the atom order of `molecule`; the
        first is RDKit's own choice.
    """
    first = graph_from_molecule(molecule)[1]
    aromatic = [bond for bond in molecule.GetBonds() if bond.GetIsAromatic()]
    if not aromatic:
        return [first]
    edges = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in aromatic]
    # An aromatic system's double bonds are a perfect matching of the atoms that have one.
    partners = {atom for i, j in edges if first[i, j] == 2 for atom in (i, j)}
    forms = [first]

    def extend(open_atoms: frozenset[int], chosen: tuple[tuple[int, int], ...]) -> None:
        if len(forms) >= limit:
            return
        if not open_atoms:
            bonds = first.copy()
            for i, j in edges:
                bonds[i, j] = bonds[j, i] = 2 if (i, j) in chosen else 1
            if not any((bonds == known).all() for known in forms):
                forms.append(bonds)
            return
        atom = min(open_atoms)
        for i, j in edges:
            if atom in (i, j) and {i, j} <= open_atoms:
                extend(open_atoms - {i, j}, (*chosen, (i, j)))

    extend(frozenset(partners), ())
    return forms


def canonical_smiles(molecule: Chem.Mol) -> str:
    """Canonical SMILES without stereo marks: the identity of a molecule here."""
    return Chem.MolToSmiles(molecule, isomericSmiles=False)


def skeleton(molecule: Chem.Mol) -> str:
    """Heavy-atom skeleton: the molecule with bond orders and elements erased.

    Murcko scaffolds put every acyclic molecule into one group; the skeleton
    separates them, so it is what splits go by.

    Returns:
        Canonical SMILES of the graph of wildcard atoms and single bonds.
    """
    n = molecule.GetNumAtoms()
    bare = Chem.RWMol()
    for _ in range(n):
        bare.AddAtom(Chem.Atom(0))
    for bond in molecule.GetBonds():
        bare.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    return Chem.MolToSmiles(bare)
