"""From a relaxed molecule to a real one: round, respect valences, repair, filter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem

from mlmat.design.molecules.constraints import bad_rings
from mlmat.design.molecules.frame import Frame
from mlmat.design.molecules.keep import Core
from mlmat.graphs.chemistry import ELEMENTS, VALENCES, canonical_smiles, molecule_from_graph, silence_rdkit
from mlmat.graphs.stability import located_violations
from mlmat.typing import SoftGraph

REPAIRS = 12
"""How many single edits may turn an unstable rounding of ten atoms into a member of the space."""


class Realised(NamedTuple):
    """A discrete molecule and how far rounding had to go.

    Attributes:
        smiles: canonical SMILES.
        repairs: number of single edits after rounding.
    """

    smiles: str
    repairs: int

    @property
    def name(self) -> str:
        """What the molecule is called in its space."""
        return self.smiles


def round_graph(graph: SoftGraph, core: Core | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Nearest integer graph within valence: elements by argmax, bonds largest first.

    The bonds that exceed one half are taken in falling order, each as far as both
    atoms' valences reach, but every bond of the spanning tree (order ≥ 1) is kept.

    Args:
        graph: one relaxed molecule.
        core: kept atoms, the first of the graph; between them nothing is rounded.

    Returns:
        ``types [n]`` and ``bonds [n, n]``, integers, without padding.
    """
    k = 0 if core is None else len(core.types)
    atoms = np.asarray(graph.mask) > 0
    types = np.asarray(graph.types)[atoms].argmax(axis=1)
    relaxed = np.asarray(graph.bonds)[atoms][:, atoms]
    bonds = (np.triu(relaxed, 1) >= 1 - 1e-4).astype(int)
    bonds += bonds.T
    if k:
        types[:k], bonds[:k, :k] = core.types, core.bonds
    valences = np.asarray(VALENCES)
    for atom in np.flatnonzero(bonds.sum(axis=1) > valences[types]):
        if atom >= k:
            types[atom] = 0  # too many bonds for its element: only carbon holds four
    while (bonds.sum(axis=1) > valences[types]).any():  # a ring bond of order one beyond carbon's four
        atom = int((bonds.sum(axis=1) - valences[types]).argmax())
        weakest = min(
            (j for j in np.flatnonzero(bonds[atom]) if max(atom, j) >= k and _in_ring(bonds, atom, j)),
            key=lambda j: relaxed[atom, j],
            default=None,
        )
        if weakest is None:  # nothing can be opened: what follows rejects it
            break
        bonds[atom, weakest] = bonds[weakest, atom] = 0
    rest = np.triu(relaxed - bonds, 1)
    rest[:k, :k] = 0
    for flat in np.argsort(-rest, axis=None):
        i, j = divmod(int(flat), len(types))
        if rest[i, j] < 0.5:
            break
        free = valences[types] - bonds.sum(axis=1)
        extra = min(round(float(rest[i, j])), free[i], free[j], 3 - bonds[i, j])
        bonds[i, j] += extra
        bonds[j, i] += extra
    return types, bonds


def _in_ring(bonds: np.ndarray, i: int, j: int) -> bool:
    """Whether the graph stays connected without the bond i-j."""
    cut = bonds > 0
    cut[i, j] = cut[j, i] = False
    reached = np.zeros(len(cut), bool)
    reached[i] = True
    for _ in range(len(cut)):
        reached |= cut[reached].any(axis=0)
    return bool(reached[j])


def realise(graph: SoftGraph, frame: Frame | None = None) -> Realised | str:
    """Relaxed molecule → member of the space that obeys, or the reason why there is none.

    Rounding may give an unstable motif or a ring that is not allowed. Up to `REPAIRS`
    single edits inside the offending atoms follow: a heteroatom becomes carbon, a multiple
    bond loses one order, a ring bond is opened; kept atoms and their bonds stay. What comes
    out is predicted again, so a repair never passes for what the gradient found.

    Args:
        graph: one relaxed molecule.
        frame: constraints it was drawn under; None: no constraints.
    """
    core = None if frame is None else frame.core
    k = 0 if core is None else len(core.types)
    types, bonds = round_graph(graph, core)
    rng = np.random.default_rng(int(types.sum()) * 1009 + int(bonds.sum()))
    reason = "no edit left"
    with silence_rdkit():
        for repairs in range(max(REPAIRS, len(types)) + 1):
            try:
                molecule = molecule_from_graph(types, bonds)
            except (ValueError, Chem.MolSanitizeException) as error:
                return f"not a molecule: {error}"
            reasons, where = _faults(molecule, frame)
            if not reasons:
                return Realised(canonical_smiles(molecule), repairs)
            reason = reasons[0]
            edits = _edits(types, bonds, where, k)
            if not edits:
                break
            types, bonds = edits[rng.integers(len(edits))]
    return reason


def _faults(molecule: Chem.Mol, frame: Frame | None) -> tuple[list[str], set[int]]:
    """What is wrong with a molecule, and the atoms where it may be mended."""
    reasons, where = located_violations(molecule)
    if frame is not None and (broken := frame.constraints.violations(molecule)):
        reasons += broken
        rings = bad_rings(molecule, frame.constraints.rings)
        # Without a bad ring it is the substructure that no longer matches: anything near may be why.
        where |= {i for ring in rings for i in ring} if rings else set(range(molecule.GetNumAtoms()))
    return reasons, where


def _edits(
    types: np.ndarray, bonds: np.ndarray, where: set[int], k: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """All single edits inside the atoms `where`, beyond the first k, that simplify the molecule."""
    edits = []
    for atom in where:
        if atom >= k and ELEMENTS[types[atom]] != "C":
            changed = types.copy()
            changed[atom] = 0
            edits.append((changed, bonds))
    for i in where:
        for j in where:
            if i >= j or j < k:
                continue
            if bonds[i, j] > 1 or (bonds[i, j] == 1 and _in_ring(bonds, i, j)):
                lowered = bonds.copy()
                lowered[i, j] = lowered[j, i] = bonds[i, j] - 1
                edits.append((types, lowered))
    return edits
