"""Adsorption energies on slabs: what is at hand, and what must not be in two parts of a split."""

from __future__ import annotations

from dataclasses import dataclass

import ase
import numpy as np

from mlmat.data.alloy_slabs import PROTOTYPES, alloy_slab, sites
from mlmat.data.registry import load
from mlmat.data.structures import structures
from mlmat.errors import InputError

PAPER = "Kim et al., Chem. Mater. 32, 709 (2020), arXiv 1812.02949: its own 2,699 slabs, another split"
PAPER_MAE = 0.23


@dataclass(frozen=True)
class SlabSet:
    """Where slabs come from.

    Attributes:
        dataset: name in the registry.
        adsorbates: rows of these only; empty: all.
        built: whether positions are built from labels (`mlmat.data.alloy_slabs`), unrelaxed.
        family: array whose values must not be in two parts.
        like_paper: whether adsorbates are those of the paper, so that its error may stand beside.
        rows: at most so many, drawn at random.
    """

    dataset: str
    adsorbates: tuple[str, ...] = ()
    built: bool = False
    family: str = "family"
    like_paper: bool = False
    rows: int | None = None


SETS = {
    "hydroxyl": SlabSet("adsorption_tinnet_oh"),
    "carbon monoxide": SlabSet("adsorption_agra_hea", family="surface_id"),
    "nitrogen": SlabSet("adsorption_mamun", ("H", "N", "NH"), built=True, like_paper=True, rows=3_856),
    "all nitrogen": SlabSet("adsorption_mamun", ("H", "N", "NH"), built=True, like_paper=True),
    "eleven adsorbates": SlabSet("adsorption_mamun", built=True),
}
"""Name → set; "carbon monoxide" has CHO and COOH, too. "nitrogen" leaves 2,699 slabs to train on, as many as
the paper had."""


@dataclass(frozen=True)
class Slabs:
    """Slabs with adsorption energies.

    Attributes:
        items: structures.
        values: ``[n]`` eV.
        families: what must not be in two parts of a split.
        left_out: rows whose site the ordered surface does not have.
    """

    items: list[ase.Atoms]
    values: np.ndarray
    families: list[str]
    left_out: int


def slabs(name: str, limit: int | None = None) -> Slabs:
    """The slabs of a set.

    Args:
        name: one of `SETS`.
        limit: at most so many rows, drawn at random.

    Raises:
        InputError: no such set.
        DataError: the data are not here.
    """
    if name not in SETS:
        raise InputError(f"unknown set {name!r}: choose {', '.join(SETS)}")
    described = SETS[name]
    data = load(described.dataset)
    keep = np.ones(len(data), bool)
    if described.adsorbates:
        keep &= np.isin(data["adsorbate"], described.adsorbates)
    wanted = int(keep.sum())
    known = {prototype: sites(prototype) for prototype in PROTOTYPES} if described.built else {}
    if described.built:
        pairs = zip(data["prototype"].tolist(), data["site"].tolist(), strict=True)
        keep &= np.array([site in known[prototype] for prototype, site in pairs])
    rows = np.flatnonzero(keep)
    left_out = wanted - len(rows)
    most = min(count for count in (limit, described.rows, len(rows)) if count is not None)
    if most < len(rows):
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    if described.built:
        columns = [data[column][rows].tolist() for column in ("a", "b", "prototype", "site", "adsorbate")]
        items = [alloy_slab(*row, known[row[2]]) for row in zip(*columns, strict=True)]
    else:
        items = structures(data, rows)
    families = [str(value) for value in data[described.family][rows].tolist()]
    return Slabs(items, np.asarray(data["adsorption_energy"][rows], float), families, left_out)
