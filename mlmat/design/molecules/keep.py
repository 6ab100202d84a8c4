"""A substructure that every design must contain: read, built as atoms and bonds, found again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem

from mlmat.errors import InputError, MlmatError
from mlmat.graphs.chemistry import ELEMENTS, graph_from_molecule, parse_smiles, silence_rdkit


class Core(NamedTuple):
    """The kept atoms with the bonds between them, which no step of a design changes.

    Attributes:
        types: ``[k]`` indices into `ELEMENTS`.
        bonds: ``[k, k]`` integer bond orders (one Kekulé form).
        room: ``[k]`` valence that atoms hung on it may use; less where the pattern counts hydrogens.
    """

    types: np.ndarray
    bonds: np.ndarray
    room: np.ndarray


def keep_query(text: str) -> Chem.Mol:
    """Pattern to search a molecule for.

    A SMILES without brackets means these elements and bonds, with any hydrogen replaceable
    (``CO`` is in ethanol, dimethyl ether and phenol). Anything else is read as SMARTS, where
    ``[NH2]`` has two hydrogens and ``C`` is not aromatic.

    Raises:
        InputError: neither; several parts; charges; or elements outside the space.
    """
    with silence_rdkit():
        plain = _smiles(text) if not set("[*") & set(text) else None
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


def _smiles(text: str) -> Chem.Mol | None:
    return Chem.MolFromSmiles(text) if text.strip() else None


def keep_core(text: str, start: Chem.Mol | None = None) -> tuple[Core, tuple[int, ...]]:
    """Concrete atoms and bonds of a pattern.

    Args:
        text: SMILES or SMARTS.
        start: a molecule that contains it and whose own atoms and bonds are taken.

    Returns:
        The core, and the atoms of `start` in its order. With a start, the room is what is
        left beyond all bonds of the start; without one, beyond the bonds of the core.

    Raises:
        InputError: `start` lacks the pattern, or no molecule of the space can be built from it.
    """
    query = keep_query(text)
    if start is not None and not start.HasSubstructMatch(query):
        raise InputError(f"the molecule to start from does not contain the substructure {text!r}")
    host = _concrete(query, text) if start is None else start
    match = host.GetSubstructMatch(query)
    types, bonds = graph_from_molecule(host)
    room = np.array([_replaceable(host, atom, query, match) for atom in match])
    inner = bonds[np.ix_(match, match)].astype(int)
    if start is None:
        room += bonds[list(match)].sum(axis=1) - inner.sum(axis=1)
    return Core(types[list(match)].astype(int), inner, room), match


def _replaceable(host: Chem.Mol, atom: int, query: Chem.Mol, match: tuple[int, ...]) -> int:
    """How many hydrogens of an atom can be replaced before the pattern no longer matches there."""
    free = host.GetAtomWithIdx(atom).GetTotalNumHs()
    fits = (
        count
        for count in range(free, 0, -1)
        if match in _grown(host, atom, count).GetSubstructMatches(query, uniquify=False, maxMatches=10_000)
    )
    return next(fits, 0)


def _grown(molecule: Chem.Mol, atom: int, count: int) -> Chem.Mol:
    """The molecule with `count` hydrogens of an atom replaced by methyl groups."""
    grown = Chem.RWMol(molecule)
    parent = grown.GetAtomWithIdx(atom)
    parent.SetNumExplicitHs(max(0, parent.GetNumExplicitHs() - count))
    for _ in range(count):
        grown.AddBond(atom, grown.AddAtom(Chem.Atom("C")), Chem.BondType.SINGLE)
    Chem.SanitizeMol(grown)
    return grown.GetMol()


def _concrete(query: Chem.Mol, text: str) -> Chem.Mol:
    """The simplest molecule of the space that a pattern describes.

    Raises:
        InputError: none is found.
    """
    if not query.GetAtomWithIdx(0).HasQuery():
        return query
    with silence_rdkit():
        try:
            plain = _smiles(text)
            whole = plain is not None and "~" not in text
            if whole and not any(atom.GetNumRadicalElectrons() for atom in plain.GetAtoms()):
                built = _fitted(plain, query)
            else:
                built = _fitted(_built(query), query)
        except Chem.MolSanitizeException as error:
            raise InputError(f"no molecule can be built from {text!r}: write it as a SMILES") from error
    if any(atom.GetSymbol() not in ELEMENTS or atom.GetFormalCharge() for atom in built.GetAtoms()):
        raise InputError(f"the substructure {text!r} is not neutral and of {', '.join(ELEMENTS)} alone")
    if not built.HasSubstructMatch(query):
        raise InputError(f"no molecule could be built that contains {text!r}: write it as a SMILES")
    return built


def _fitted(molecule: Chem.Mol, query: Chem.Mol) -> Chem.Mol:
    """Elements changed and methyl groups added until every atom fits its own part of the pattern."""
    for number, wanted in enumerate(query.GetAtoms()):
        for element in (molecule.GetAtomWithIdx(number).GetSymbol(), *ELEMENTS):
            changed = Chem.RWMol(molecule)
            changed.GetAtomWithIdx(number).SetAtomicNum(Chem.Atom(element).GetAtomicNum())
            try:
                Chem.SanitizeMol(changed)
            except Chem.MolSanitizeException:
                continue
            free = changed.GetAtomWithIdx(number).GetTotalNumHs()
            grown = (_grown(changed.GetMol(), number, count) for count in range(free + 1))
            fit = next((m for m in grown if wanted.Match(m.GetAtomWithIdx(number))), None)
            if fit is not None:
                molecule = fit
                break
    return molecule


def _built(query: Chem.Mol) -> Chem.Mol:
    """Atoms and bonds of a SMARTS taken at their word, sanitised."""
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
    Chem.SanitizeMol(built)
    return built.GetMol()
