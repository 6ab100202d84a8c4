"""Crystals whose properties are tabulated, and which part of them a predictor may learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlmat.data.registry import load
from mlmat.data.splits import random_split
from mlmat.design.crystals.fillings import Filling
from mlmat.design.crystals.prototypes import PROTOTYPES
from mlmat.design.crystals.space import CrystalSpace, make_space

SHARE = 0.5
"""Of the table, which a predictor learns from; a tenth of that for validation."""


@dataclass(frozen=True, eq=False)
class Table:
    """Crystals of one prototype with values from density functional theory.

    Attributes:
        dataset: name in the registry.
        prototype: name.
        fillings: of each group.
        names: ``[N]`` of the crystals.
        values: property → ``[N]``.
        units: of the properties.
        scales: ``[N]`` lattice constants in Å where they are known, else None.
        families: ``[N]`` what is held out as a whole: the element B.
    """

    dataset: str
    prototype: str
    fillings: tuple[tuple[str | Filling, ...], ...]
    names: np.ndarray
    values: dict[str, np.ndarray]
    units: tuple[str, ...]
    scales: np.ndarray | None
    families: np.ndarray

    def space(self, rows: np.ndarray, neutral: bool = False) -> CrystalSpace:
        """The crystals of some rows as a design space; only those that can be neutral, if asked."""
        prototype = PROTOTYPES[self.prototype]
        names = self.names[rows].tolist()
        if neutral:
            free = make_space(prototype, self.fillings, neutral=False, listed=names)
            names = [n for n, row in zip(names, free.rows.tolist(), strict=True) if free.charges(row)]
        return make_space(prototype, self.fillings, neutral=neutral, listed=names)


def perovskites() -> Table:
    """The cubic perovskites ABX3 that have a formation energy (16,040 of 18,928)."""
    data = load("perovskites")
    rows = np.flatnonzero(np.isfinite(data["formation_energy"]) & np.isfinite(data["band_gap"]))
    cations = tuple(sorted(set(data["a_site"].tolist())))
    anions = {
        "O3": ("O", "O", "O"), "O2N": ("O", "O", "N"), "O2F": ("O", "O", "F"), "O2S": ("O", "O", "S"),
        "ON2": ("O", "N", "N"), "N3": ("N", "N", "N"), "OFN": ("O", "F", "N"),
    }  # fmt: skip
    by_numbers = {tuple(sorted(NUMBERS[s] for s in sites)): name for name, sites in anions.items()}
    numbers = data["numbers"].reshape(-1, 5)[rows]
    ends = [by_numbers[tuple(sorted(line[2:].tolist()))] for line in numbers]
    sites = zip(data["a_site"][rows].tolist(), data["b_site"][rows].tolist(), ends, strict=True)
    return Table(
        "perovskites",
        "perovskite",
        (cations, cations, tuple(anions.values())),
        np.array(["/".join(parts) for parts in sites]),
        {name: np.asarray(data[name], float)[rows] for name in ("formation_energy", "band_gap")},
        ("eV", "eV"),
        data["cell"][rows, 0, 0],
        data["b_site"][rows],
    )


NUMBERS = {"N": 7, "O": 8, "F": 9, "S": 16}


def elpasolites() -> Table:
    """The elpasolites ABC2D6; of the 34 that are there twice (A and B exchanged), the first."""
    data = load("elpasolites")
    a, b, c, d = (data[f"{label}_site"].tolist() for label in "abcd")
    elements = tuple(sorted(set(a) | set(b) | set(c) | set(d)))
    places = {}
    for row, (one, other, third, fourth) in enumerate(zip(a, b, c, d, strict=True)):
        one, other = sorted((one, other))
        places.setdefault(f"{one}/{other}/{third}2/{fourth}6", row)
    rows = np.array(list(places.values()))
    return Table(
        "elpasolites",
        "elpasolite",
        (elements,) * 4,
        np.array(list(places)),
        {"formation_energy": np.asarray(data["formation_energy"], float)[rows]},
        ("eV",),
        None,
        data["d_site"][rows],
    )


TABLES: dict[str, Callable[[], Table]] = {"perovskites": perovskites, "elpasolites": elpasolites}


@dataclass(frozen=True, eq=False)
class Halves:
    """Rows of a table: what a predictor learns from, and what designs are looked up in."""

    train: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray


def halves(table: Table, split: str, seed: int = 0) -> Halves:
    """Half of the rows at random, or of whole families (``split="families"``)."""
    count = len(table.names)
    if split == "families":
        order = np.random.default_rng(seed).permutation(sorted(set(table.families.tolist())))
        inside = np.isin(table.families, order[: round(SHARE * len(order))])
        learnt, held_out = np.flatnonzero(inside), np.flatnonzero(~inside)
        learnt = np.random.default_rng(seed + 1).permutation(learnt)
        cut = round(0.9 * len(learnt))
        return Halves(np.sort(learnt[:cut]), np.sort(learnt[cut:]), held_out)
    parts = random_split(count, (0.9 * SHARE, 0.1 * SHARE, 1 - SHARE), seed)
    return Halves(*parts)
