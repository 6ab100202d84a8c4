"""The problem "an organic molecule with these properties", in the terms of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.frame import make_frame
from mlmat.design.molecules.members import MOLECULES
from mlmat.design.molecules.realise import realise
from mlmat.design.molecules.space import decode_variables, init_variables, sample_variables
from mlmat.design.objective import Objective
from mlmat.design.wants import Want
from mlmat.graphs.chemistry import ELEMENTS
from mlmat.oracles.pool import judge
from mlmat.oracles.verdict import Verdict
from mlmat.oracles.xtb import label_smiles
from mlmat.predictor import Predictor
from mlmat.typing import Problem, SoftGraph

FORBIDDEN_BONDS = (("O", "O"), ("O", "S"), ("N", "S"), ("N", "F"), ("O", "F"), ("F", "S"), ("F", "F"))
"""Bonds that the stability filter rejects outside aromatic rings; the loss keeps away from them."""

PAIR_WEIGHT = 0.5
ROUND_WEIGHT = 0.2


def forbidden_table() -> np.ndarray:
    """``[T, T]`` symmetric table with ones at the pairs of `FORBIDDEN_BONDS`."""
    table = np.zeros((len(ELEMENTS), len(ELEMENTS)), np.float32)
    for one, two in FORBIDDEN_BONDS:
        i, j = ELEMENTS.index(one), ELEMENTS.index(two)
        table[i, j] = table[j, i] = 1
    return table


def penalties(graph: SoftGraph) -> jax.Array:
    """Penalties of the space: `PAIR_WEIGHT` · Σ b_ij p_iᵀ F p_j + `ROUND_WEIGHT` · Σ sin²(π b_ij).

    Sums go over pairs i < j, F marks the forbidden pairs; the second term pulls bond
    orders to integers. Zero for a real molecule without a forbidden bond.
    """
    pairs = jnp.einsum("ij,it,tu,ju->", graph.bonds, graph.types, jnp.asarray(forbidden_table()), graph.types)
    uneven = (jnp.sin(jnp.pi * graph.bonds) ** 2).sum()
    return PAIR_WEIGHT * pairs / 2 + ROUND_WEIGHT * uneven / 2


def molecule_loss(
    objective: Objective, predictor: Predictor, graph: SoftGraph
) -> tuple[jax.Array, jax.Array]:
    """Loss of the objective and the penalties of the space.

    Returns:
        The loss and the predicted values of the wants ``[W]`` (auxiliary).
    """
    loss, values = objective.loss(predictor, graph)
    return loss + penalties(graph), values


def verify_smiles(smiles: Sequence[str], workers: int | None = None) -> Iterator[tuple[int, Verdict]]:
    """GFN2-xTB verdicts of designs, by the protocol that made the training labels."""
    return judge(label_smiles, smiles, workers=workers, time_limit=60)


def molecule_problem(
    wanted: Objective | Want, capacity: int, constraints: Constraints | None = None, **more: Any
) -> Problem:
    """Inverse design of a molecule of up to `capacity` heavy atoms.

    Args:
        wanted: an objective, or a single want.
        capacity: the predictor's capacity.
        constraints: what every design must obey. Searchers that do not draw from the
            problem get its `allows` as their ``allowed``.
        more: fields of `Constraints` instead, e.g. ``keep="c1ccccc1"``.

    Raises:
        CapacityError, InputError: constraints that no molecule meets, see `make_frame`.
    """
    objective = Objective((wanted,)) if isinstance(wanted, Want) else wanted
    frame = make_frame(constraints or Constraints(**more), capacity)
    return Problem(
        init=partial(init_variables, capacity=capacity, frame=frame),
        decode=lambda x, sharpness, key: decode_variables(x, sharpness),
        loss=partial(molecule_loss, objective),
        realise=partial(realise, frame=frame),
        verify=verify_smiles,
        members=MOLECULES,
        sample=sample_variables,
    )
