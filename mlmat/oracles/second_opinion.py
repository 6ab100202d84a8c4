"""A second opinion: do B3LYP gaps order the best designs as GFN2-xTB gaps do?

Both are differences of orbital energies of different methods, so their values differ by
electronvolts and only their order is compared, by Spearman's rank correlation. Designs
for one target have gaps in a narrow window, where even good methods disagree about the
order: read the interval, and compare designs of several targets together where possible.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlmat.errors import InputError
from mlmat.files import cut_torn_line, read_lines
from mlmat.metrics import spearman
from mlmat.oracles.pool import judge
from mlmat.oracles.pyscf import b3lyp_orbitals, require_engine
from mlmat.oracles.verdict import Verdict

LEAST = 4
"""Fewest pairs for an interval of a rank correlation: its width has n − 3 below a root."""


class SecondOpinion(NamedTuple):
    """What B3LYP says about molecules that GFN2-xTB has judged.

    Attributes:
        smiles: the molecules asked about, in the order given.
        first: ``[n]`` GFN2-xTB gaps, eV.
        verdicts: of B3LYP, in the same order; ``b3lyp_gap`` in eV.
        correlation: Spearman's, over those that succeeded; None if undefined.
        interval: its 95 % interval (Fisher's transformation, see `spearman_interval`).
        shift: median of B3LYP minus GFN2-xTB, eV; None if none succeeded.
    """

    smiles: list[str]
    first: np.ndarray
    verdicts: list[Verdict]
    correlation: float | None
    interval: tuple[float, float] | None
    shift: float | None


def spearman_interval(correlation: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval of a rank correlation by Fisher's transformation, 95 % by default.

    tanh(artanh ρ ± z s) with s² = (1 + ρ²/2) / (n − 3): D. G. Bonett, T. A. Wright,
    Psychometrika 65, 23 (2000), eq. 4. Equal orders (ρ = ±1), where it has no width, are taken
    as if one neighbouring pair were swapped; the outer end is then ±1 itself.

    Args:
        correlation: Spearman's ρ.
        count: number of pairs n.
        z: quantile of the normal distribution.

    Raises:
        InputError: fewer than `LEAST` pairs, or a correlation outside −1 to 1.
    """
    if count < LEAST or not -1 <= correlation <= 1:
        raise InputError(
            f"no interval for a rank correlation of {correlation} over {count} pairs: "
            f"it needs at least {LEAST} pairs and a value from -1 to 1"
        )
    limit = 1 - 12 / (count * (count**2 - 1))
    centre = math.copysign(min(abs(correlation), limit), correlation)
    half = z * math.sqrt((1 + centre**2 / 2) / (count - 3))
    low, high = math.tanh(math.atanh(centre) - half), math.tanh(math.atanh(centre) + half)
    return (-1.0 if correlation == -1 else low), (1.0 if correlation == 1 else high)


def second_opinion(
    smiles: Sequence[str],
    verdicts: Sequence[Verdict],
    *,
    k: int = 10,
    lines: Path | None = None,
    workers: int | None = None,
    time_limit: float = 600.0,
) -> SecondOpinion:
    """B3LYP/def2-SVP gaps of the first `k` verified designs, at their GFN2-xTB geometries.

    Args:
        smiles: designs, best first.
        verdicts: of GFN2-xTB (`mlmat.oracles.xtb.label_smiles`), in the same order; failures
            are passed over.
        k: how many designs to ask about.
        lines: JSON-lines file that verdicts are appended to; those in it are not asked again.
        workers: processes; default: one per core.
        time_limit: seconds for one molecule.

    Raises:
        InputError: verdicts without geometry or gap.
        MissingEngineError: PySCF is not installed.
    """
    asked = [(text, v.values) for text, v in zip(smiles, verdicts, strict=True) if v.ok][:k]
    for text, values in asked:
        if missing := {"numbers", "positions", "gap"} - values.keys():
            raise InputError(
                f"the verdict of {text} has no {', '.join(sorted(missing))}: give verdicts of GFN2-xTB"
            )
    found: dict[str, Verdict] = {}
    if lines is not None:
        cut_torn_line(lines)
        found = {row.pop("smiles"): Verdict(**row) for row in read_lines(lines)}
    missing = [(text, values) for text, values in asked if text not in found]
    tasks = [(values["numbers"], values["positions"]) for _, values in missing]
    if tasks:
        require_engine()
        for index, verdict in judge(b3lyp_orbitals, tasks, workers=workers, time_limit=time_limit):
            found[missing[index][0]] = verdict
            if lines is not None:
                with open(lines, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"smiles": missing[index][0], **asdict(verdict)}) + "\n")
    first = np.array([values["gap"] for _, values in asked], float)
    second = [found[text] for text, _ in asked]
    return SecondOpinion([text for text, _ in asked], first, second, *_compare(first, second))


def _compare(first: np.ndarray, second: Sequence[Verdict]):
    """Rank correlation, its interval and the median shift, over the molecules both methods did."""
    pairs = [(one, v.values["b3lyp_gap"]) for one, v in zip(first, second, strict=True) if v.ok]
    if not pairs:
        return None, None, None
    one, other = np.array(pairs).T
    shift = float(np.median(other - one))
    if len(pairs) < LEAST or len(set(one)) < 2 or len(set(other)) < 2:
        return None, None, shift
    correlation = spearman(one, other)
    return correlation, spearman_interval(correlation, len(pairs)), shift
