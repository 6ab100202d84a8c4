"""The judge: B3LYP/6-31G(2df,p) gaps, the level of QM9, at GFN2-xTB geometries.

QM9 relaxed with B3LYP, which costs minutes a molecule here; what the cheaper geometry and
density fitting do to a gap is measured on QM9's own molecules (`calibrate`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mlmat.design.verification import read_verdicts
from mlmat.oracles.pool import judge
from mlmat.oracles.pyscf import b3lyp_orbitals, require_engine
from mlmat.oracles.verdict import Verdict
from mlmat.oracles.xtb import label_smiles

BASIS = "6-31g(2df,p)"
"""Of QM9: R. Ramakrishnan et al., Sci. Data 1, 140022 (2014)."""

TIME_LIMIT = 900.0
"""Seconds for one molecule."""


def dft_gap(smiles: str) -> Verdict:
    """Relax with GFN2-xTB, then B3LYP at QM9's basis; ``b3lyp_gap`` and ``gap`` (GFN2) in eV."""
    relaxed = label_smiles(smiles)
    if not relaxed.ok:
        return relaxed
    verdict = b3lyp_orbitals((relaxed.values["numbers"], relaxed.values["positions"]), BASIS)
    if not verdict.ok:
        return verdict
    return replace(
        verdict,
        values=verdict.values | {"gap": relaxed.values["gap"]},
        seconds=verdict.seconds + relaxed.seconds,
    )


def judged(smiles: Sequence[str], file: Path) -> list[Verdict]:
    """Verdicts of molecules; those in `file` (JSON lines) are not asked for again.

    Raises:
        MissingEngineError: PySCF is not installed.
    """
    known = read_verdicts(file)
    missing = [text for text in dict.fromkeys(smiles) if text not in known]
    if missing:
        require_engine()
    for index, verdict in judge(dft_gap, missing, time_limit=TIME_LIMIT):
        known[missing[index]] = verdict
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"smiles": missing[index], **asdict(verdict)}) + "\n")
        print(f"     B3LYP of {missing[index]}: {verdict.status}, {verdict.seconds:.0f} s", flush=True)
    return [known[text] for text in smiles]


def calibrate(smiles: Sequence[str], gaps: np.ndarray, file: Path) -> np.ndarray:
    """This judge's gap less QM9's ``[≤ N]``, eV, of molecules whose bonding survives relaxation."""
    verdicts = judged(smiles, file)
    return np.array([v.values["b3lyp_gap"] - gap for v, gap in zip(verdicts, gaps, strict=True) if v.ok])
