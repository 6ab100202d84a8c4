"""What a model says each atom contributes, and six-membered carbon rings ranked by it.

Contributions of atoms are a gauge, not an observable: training fixes their sum alone. Two
networks of equal error may share an energy out differently, so compare rankings and differences
between like atoms, and compare them between networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import numpy as np
from ase.neighborlist import natural_cutoffs, neighbor_list
from rdkit import Chem

from mlmat.errors import InputError
from mlmat.graphs.packing import pack, unpack
from mlmat.graphs.segment import graph_of_node
from mlmat.nn.module import map_members
from mlmat.predictor import Predictor
from mlmat.predictor.predict import BATCH, budget_of

BOND = 1.25
"""Atoms closer than this times the sum of their covalent radii are bonded."""


class Ring(NamedTuple):
    """A six-membered ring of carbon atoms.

    Attributes:
        molecule: index of its structure.
        atoms: the six indices.
        energy: sum of their contributions, in the predictor's unit.
    """

    molecule: int
    atoms: tuple[int, ...]
    energy: float


def check_atomwise(predictor: Predictor, method: str) -> None:
    """Refuse a predictor whose network does not offer `method` on its atoms.

    Raises:
        InputError: says which network does.
    """
    if not hasattr(predictor.model, method):
        raise InputError(
            f"{type(predictor.model).__name__} does not say what its atoms contribute: use a predictor of "
            "DTNN (python -m experiments.dtnn.run makes one)"
        )


@jax.jit
def _atomwise(predictor: Predictor, batch: Any) -> jax.Array:
    """Contributions ``[n, P]`` without the reference of the element, mean over members."""

    def of_member(variables: Any) -> jax.Array:
        return predictor.model.apply(variables, batch, method="atomwise")

    each = map_members(of_member, predictor.variables).mean(axis=0) * predictor.scale
    share = 1.0 / jnp.maximum(batch.n_node, 1)[graph_of_node(batch)][:, None]
    if predictor.model.pooling == "mean":
        each = each * share
    return each + predictor.mean * share


def atomic_energies(predictor: Predictor, structures: Sequence[ase.Atoms]) -> list[np.ndarray]:
    """Contribution of every atom; those of a structure sum up to its prediction.

    Args:
        predictor: of a DTNN.
        structures: molecules.

    Returns:
        ``[n, P]`` of each structure, in physical units.

    Raises:
        InputError: a network that has no contributions of atoms.
    """
    check_atomwise(predictor, "atomwise")
    reference = predictor.reference
    without, found = replace(predictor, reference=None), []
    for first in range(0, len(structures), BATCH):
        graphs = [predictor.encoder(atoms) for atoms in structures[first : first + BATCH]]
        for batch in pack(graphs, budget_of(graphs, BATCH)):
            nodes = {"e": np.asarray(_atomwise(without, batch)), "species": batch.nodes["species"]}
            for graph in unpack(batch._replace(nodes=nodes)):
                each = np.asarray(graph.nodes["e"], float)
                if reference is not None:
                    each = each + np.asarray(reference, float)[graph.nodes["species"]]
                found.append(each)
    return found


def carbon_rings(atoms: ase.Atoms) -> list[tuple[int, ...]]:
    """Six-membered rings of carbon atoms only, found from distances."""
    first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=BOND))
    skeleton = Chem.RWMol()
    for number in atoms.numbers:
        skeleton.AddAtom(Chem.Atom(int(number)))
    heavy = atoms.numbers > 1
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        if i < j and heavy[i] and heavy[j]:
            skeleton.AddBond(i, j, Chem.BondType.SINGLE)
    rings = Chem.GetSymmSSSR(skeleton)
    return [tuple(ring) for ring in rings if len(ring) == 6 and (atoms.numbers[list(ring)] == 6).all()]


def rank_rings(predictor: Predictor, structures: Sequence[ase.Atoms], column: int = 0) -> list[Ring]:
    """Six-membered carbon rings of all structures, the most stable (lowest) first.

    Section on local chemistry of Schütt et al., Nat. Commun. 8, 13890 (2017).

    Args:
        predictor: of an energy, by a DTNN.
        structures: molecules; those without such a ring are skipped.
        column: which property is the energy.
    """
    rings = [(k, ring) for k, atoms in enumerate(structures) for ring in carbon_rings(atoms)]
    with_ring = sorted({k for k, _ in rings})
    each = atomic_energies(predictor, [structures[k] for k in with_ring]) if rings else []
    energies = dict(zip(with_ring, each, strict=True))
    ranked = [Ring(k, ring, float(energies[k][list(ring), column].sum())) for k, ring in rings]
    return sorted(ranked, key=lambda ring: ring.energy)
