"""What is designed: a logP, the best drug-likeness, several properties at once, with a ring kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from mlmat.design.wants import Want, parse_wants

PYRIDINE = "c1ccncc1"
TARGETS = (-1, 1, 3)
"""logP targets: between the 1st and the 99th percentile of the training values, -1.21 and 3.08."""


@dataclass(frozen=True)
class Task:
    """One thing to design.

    Attributes:
        name: short, part of file names.
        wants: as on the command line.
        keep: SMARTS of a substructure that every design must have.
    """

    name: str
    wants: tuple[str, ...]
    keep: str | None = None

    @property
    def parsed(self) -> tuple[Want, ...]:
        """The wants."""
        return parse_wants(self.wants)

    @property
    def countable(self) -> bool:
        """Whether there are hits: not for the most of a property."""
        return all(want.hit(0.0) is not None for want in self.parsed)

    def hits(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[N]`` whether exact values, ``[N]`` each, meet every want."""
        met = [[bool(want.hit(x)) for x in values[want.name]] for want in self.parsed]
        return np.all(met, axis=0)


def make_tasks(medians: Mapping[str, float]) -> tuple[Task, ...]:
    """All tasks.

    Args:
        medians: of the training values of ``qed`` and ``sa_score``, which the task of several
            wants must beat.
    """
    single = [Task(f"logp{target:+d}", (f"logp={target}+-0.1",)) for target in TARGETS]
    several = ("logp=1+-0.1", f"sa_score=..{medians['sa_score']:.2f}", f"qed={medians['qed']:.3f}..")
    return (
        *single,
        Task("qed-max", ("qed=max",)),
        Task("several", several),
        Task("pyridine", ("logp=1+-0.1",), PYRIDINE),
    )


def has_pattern(smiles: str, smarts: str) -> bool:
    """Whether a molecule holds a substructure, asked of RDKit alone: a check on the constraints' own code."""
    return Chem.MolFromSmiles(smiles).HasSubstructMatch(Chem.MolFromSmarts(smarts))
