"""From a molecular graph to one three-dimensional start geometry, always the same way.

The protocol, identical for labelling and for verification:

1. `EMBEDDINGS` conformers by ETKDGv3 from the fixed seed `SEED`;
2. each minimised with MMFF94s (UFF where MMFF has no parameters);
3. the one of lowest force-field energy goes on to the quantum-chemical relaxation.

Stereo centres are not specified in the graph, so the conformers also sample them.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

EMBEDDINGS = 8
SEED = 2026
FORCE_FIELD_STEPS = 1000

MAX_STRETCH = 1.30
"""A bond of the graph counts as broken beyond this multiple of the covalent radii's sum."""

MIN_CONTACT = 1.15
"""An unbonded pair counts as a new bond below this multiple of the covalent radii's sum."""


def start_geometry(molecule: Chem.Mol, seed: int = SEED) -> tuple[Chem.Mol, np.ndarray] | None:
    """Lowest force-field conformer of a molecule.

    Args:
        molecule: sanitised molecule with implicit hydrogens.
        seed: of the distance-geometry embedding; change it only to measure
            conformer noise.

    Returns:
        The molecule with explicit hydrogens and its positions ``[atoms, 3]`` in Å,
        or None when no conformer can be embedded.
    """
    explicit = Chem.AddHs(molecule)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.numThreads = 1
    conformers = list(rdDistGeom.EmbedMultipleConfs(explicit, EMBEDDINGS, parameters))
    if not conformers:
        parameters.useRandomCoords = True
        conformers = list(rdDistGeom.EmbedMultipleConfs(explicit, EMBEDDINGS, parameters))
    if not conformers:
        return None
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(explicit):
        outcome = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(
            explicit, maxIters=FORCE_FIELD_STEPS, mmffVariant="MMFF94s"
        )
    else:
        outcome = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(explicit, maxIters=FORCE_FIELD_STEPS)
    best = conformers[int(np.argmin([energy for _, energy in outcome]))]
    return explicit, explicit.GetConformer(best).GetPositions()


def same_bonding(molecule: Chem.Mol, positions: np.ndarray) -> bool:
    """Whether a geometry still has the bonds of its graph, no more and no fewer.

    Args:
        molecule: with explicit hydrogens.
        positions: ``[atoms, 3]`` in Å.
    """
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRcovalent(a.GetAtomicNum()) for a in molecule.GetAtoms()])
    ratio = np.linalg.norm(positions[:, None] - positions, axis=-1) / (radii[:, None] + radii)
    bonded = Chem.GetAdjacencyMatrix(molecule).astype(bool)
    apart = ~bonded & ~np.eye(len(radii), dtype=bool)
    return bool((ratio[bonded] < MAX_STRETCH).all() and (ratio[apart] > MIN_CONTACT).all())
