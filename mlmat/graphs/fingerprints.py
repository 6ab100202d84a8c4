"""Fingerprints (RDKit): the host encoders of baselines and similarities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

RADIUS = 2


def morgan_counts(smiles: Sequence[str], size: int = 2048, radius: int = RADIUS) -> np.ndarray:
    """Counts of circular environments, folded to `size`.

    D. Rogers and M. Hahn, J. Chem. Inf. Model. 50, 742 (2010).

    Returns:
        ``[N, size]`` float32.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=size)
    return np.stack([generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(s)) for s in smiles]).astype(
        np.float32
    )


def path_counts(smiles: Sequence[str], size: int = 2048, longest: int = 7) -> np.ndarray:
    """Counts of paths and branched fragments of up to `longest` bonds, folded to `size`.

    RDKit's own fingerprint, after Daylight's.

    Returns:
        ``[N, size]`` float32.
    """
    generator = rdFingerprintGenerator.GetRDKitFPGenerator(maxPath=longest, fpSize=size)
    return np.stack([generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(s)) for s in smiles]).astype(
        np.float32
    )


def nearest_similarity(queries: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Tanimoto similarity of counts to the nearest reference molecule, ``[len(queries)]``."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS)
    known = [generator.GetSparseCountFingerprint(Chem.MolFromSmiles(s)) for s in references]
    fingerprints = [generator.GetSparseCountFingerprint(Chem.MolFromSmiles(s)) for s in queries]
    return np.array([max(DataStructs.BulkTanimotoSimilarity(f, known)) for f in fingerprints])


def mean_similarity(smiles: Sequence[str]) -> float:
    """Mean Tanimoto similarity of counts over all pairs of molecules: 1 less the diversity of the set."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS)
    prints = [generator.GetSparseCountFingerprint(Chem.MolFromSmiles(s)) for s in smiles]
    pairs = [DataStructs.BulkTanimotoSimilarity(prints[k], prints[:k]) for k in range(1, len(prints))]
    return float(np.mean(np.concatenate(pairs)))
