"""A substructure that every design must contain: read, built as atoms and bonds, found again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem

from mlmat.errors import InputError, MlmatError
from mlmat.graphs.chemistry import ELEMENTS, VALENCES, graph_from_molecule, parse_smiles, silence_rdkit


class Core(NamedTuple):
    """The kept atoms with the bonds between them, which no step of a design changes.

    Attributes:
        types: ``[k]`` indices into `ELEMENTS`.
        bonds: ``[k, k]`` integer bond orders (one Kekulé form).
        room: ``[k]`` valence that other atoms may use; zero where the pattern fixes the hydrogens.
    """

    types: np.ndarray
    bonds: np.ndarray
    room: np.ndarray


def keep_query(text: str) -> Chem.Mol:
    """Pattern to search a molecule for.

    A text that is a SMILES means these elements and bonds, with any hydrogen replaceable
    (``CO`` is in ethanol, dimethyl ether and phenol). Anything else is read as SMARTS.

    Raises:
        InputError: neither; several parts; charges; or elements outside the space.
    """
    with silence_rdkit():
        plain = None if "*" in text or not text.strip() else Chem.MolFromSmiles(text)
        query = plain or (Chem.MolFromSmarts(text) if text.strip() else None)
    if query is None or query.GetNumAtoms() == 0:
        raise InputError(f"cannot read the substructure {text!r}: give a SMILES or SMARTS, e.g. c1ccccc1")
    if plain is not None:
        try:
            return parse_smiles(text)
        except MlmatError as error:
            raise InputError(f"the substructure cannot be kept: {error}") from None
    if len(Chem.GetMolFrags(query)) != 1:
        raise InputError(f"the substructure {text!r} has several parts: keep one connected piece")
    return query


def keep_core(text: str, start: Chem.Mol | None = None) -> tuple[Core, tuple[int, ...]]:
    """Concrete atoms and bonds of a pattern.

    Args:
        text: SMILES or SMARTS.
        start: a molecule that contains it and whose own atoms and bonds are taken.

    Returns:
        The core, and the atoms of `start` (or of the core itself) in its order.

    Raises:
        InputError: `start` lacks the pattern, or no molecule of the space can be built from it.
    """
    query = keep_query(text)
    host = _concrete(query, text) if start is None else start
    match = host.GetSubstructMatch(query)
    if not match:
        what = "the molecule to start from" if start is not None else "a molecule built from it"
        raise InputError(f"{what} does not contain the substructure {text!r}: write it as a SMILES")
    types, bonds = graph_from_molecule(host)
    types, bonds = types[list(match)], bonds[np.ix_(match, match)]
    room = np.asarray(VALENCES)[types] - bonds.sum(axis=1)
    for number, atom in enumerate(match):
        # The core alone, with a hydrogen replaced: does the pattern allow it?
        if room[number] and not _grown(host, atom).HasSubstructMatch(query):
            room[number] = 0
    return Core(types.astype(int), bonds.astype(int), room), match


def _grown(molecule: Chem.Mol, atom: int) -> Chem.Mol:
    grown = Chem.RWMol(molecule)
    if grown.GetAtomWithIdx(atom).GetTotalNumHs() == 0:
        return molecule
    grown.GetAtomWithIdx(atom).SetNoImplicit(False)
    grown.GetAtomWithIdx(atom).SetNumExplicitHs(0)
    grown.AddBond(atom, grown.AddAtom(Chem.Atom("C")), Chem.BondType.SINGLE)
    Chem.SanitizeMol(grown)
    return grown.GetMol()


def _concrete(query: Chem.Mol, text: str) -> Chem.Mol:
    """The simplest molecule of the space that a pattern describes."""
    if not query.GetAtomWithIdx(0).HasQuery():
        return query
    Chem.FastFindRings(query)
    built = Chem.RWMol()
    for atom in query.GetAtoms():
        element = Chem.Atom(atom.GetAtomicNum() or 6)
        element.SetIsAromatic(atom.GetIsAromatic())
        built.AddAtom(element)
    for bond in query.GetBonds():
        kind = bond.GetBondType()
        aromatic = bond.GetBeginAtom().GetIsAromatic() and bond.GetEndAtom().GetIsAromatic()
        if aromatic and bond.IsInRing() and bond.GetSmarts() in ("", ":", "~", "@"):
            kind = Chem.BondType.AROMATIC
        elif kind not in (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE):
            kind = Chem.BondType.SINGLE
        built.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), kind)
    try:
        with silence_rdkit():
            Chem.SanitizeMol(built)
    except Chem.MolSanitizeException as error:
        raise InputError(f"no molecule can be built from {text!r} ({error}): write it as a SMILES") from None
    if any(atom.GetSymbol() not in ELEMENTS for atom in built.GetAtoms()):
        raise InputError(f"the substructure {text!r} has elements outside {', '.join(ELEMENTS)}")
    return built.GetMol()
