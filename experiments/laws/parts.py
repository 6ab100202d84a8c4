"""What the parts of a trained DTNN say: the probe's chemical potential, and rings by stability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ase
import numpy as np
from rdkit import Chem

from mlmat.analysis.atomic_energies import rank_rings
from mlmat.analysis.chemical_probe import draw_probe
from mlmat.analysis.record import Metric
from mlmat.errors import InputError
from mlmat.files import write_json
from mlmat.metrics import spearman
from mlmat.oracles.conformers import start_geometry
from mlmat.predictor import Predictor

MOLECULES = {"benzene": "c1ccccc1", "toluene": "Cc1ccccc1", "phenol": "Oc1ccccc1"}
PROBES = ("C", "O")
AROMATIC = "c1ccccc1"


def geometry(smiles: str) -> ase.Atoms:
    """Lowest force-field conformer.

    Raises:
        InputError: none can be embedded.
    """
    found = start_geometry(Chem.MolFromSmiles(smiles))
    if found is None:
        raise InputError(f"{smiles} has no conformer: choose another molecule")
    explicit, positions = found
    return ase.Atoms([atom.GetSymbol() for atom in explicit.GetAtoms()], positions)


def probe_metrics(predictor: Predictor, out: Path) -> list[Metric]:
    """Pictures ``probe-C.png`` …; span of the chemical potential on each surface."""
    structures = {name: geometry(smiles) for name, smiles in MOLECULES.items()}
    metrics = []
    for element in PROBES:
        ranges = draw_probe(predictor, structures, element, out / f"probe-{element}.png")
        metrics += [
            Metric(f"span of Ω of {element} on the surface", high - low, predictor.units[0], variant=name)
            for name, (low, high) in ranges.items()
        ]
    return metrics


def ring_metrics(
    predictor: Predictor, items: Sequence[ase.Atoms], smiles: Sequence[str], out: Path
) -> list[Metric]:
    """Rings of six carbon atoms by the sum of their contributions: are aromatic ones on top?

    Only molecules with one such ring count, so that the SMILES says which kind it is.
    """
    ranked = rank_rings(predictor, items)
    number = np.bincount([ring.molecule for ring in ranked], minlength=len(items))
    ranked = [ring for ring in ranked if number[ring.molecule] == 1]
    pattern = Chem.MolFromSmarts(AROMATIC)
    parsed = [Chem.MolFromSmiles(str(smiles[ring.molecule])) for ring in ranked]
    usable = [(r, m.HasSubstructMatch(pattern)) for r, m in zip(ranked, parsed, strict=True) if m is not None]
    write_json(
        out / "rings.json",
        [
            {"smiles": str(smiles[ring.molecule]), "energy": ring.energy, "aromatic": aromatic}
            for ring, aromatic in usable
        ],
    )
    energies = np.array([ring.energy for ring, _ in usable])
    aromatic = np.array([flag for _, flag in usable], bool)
    if not aromatic.any() or aromatic.all():
        return []
    count, unit = len(usable), predictor.units[0]
    return [
        Metric("energy of a carbon ring, mean", energies[aromatic].mean(), unit, variant="aromatic",
               n_test=int(aromatic.sum())),
        Metric("energy of a carbon ring, mean", energies[~aromatic].mean(), unit, variant="other",
               n_test=int((~aromatic).sum())),
        Metric("rank correlation of ring stability and aromaticity", spearman(-energies, aromatic), "1",
               n_test=count),
    ]  # fmt: skip
