"""The problem "a small organic molecule with this gap", in the terms of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.realise import realise
from mlmat.design.space import decode_variables, init_variables
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


def gap_loss(want: Want, predictor: Predictor, graph: SoftGraph) -> tuple[jax.Array, jax.Array]:
    """Distance of the predicted property from the wanted range, and two penalties.

    loss = huber(d) + `PAIR_WEIGHT` · Σ b_ij p_iᵀ F p_j + `ROUND_WEIGHT` · Σ sin²(π b_ij),
    with d the distance from the range in eV, F the forbidden pairs; the last term
    pulls bond orders to integers.

    Returns:
        The loss and the predicted property (auxiliary), both scalars.
    """
    value = predictor(graph)[predictor.index(want.name)]
    distance = jnp.maximum(jnp.maximum(want.low - value, value - want.high), 0.0)
    huber = jnp.where(distance < 1.0, 0.5 * distance**2, distance - 0.5)
    pairs = jnp.einsum("ij,it,tu,ju->", graph.bonds, graph.types, jnp.asarray(forbidden_table()), graph.types)
    uneven = (jnp.sin(jnp.pi * graph.bonds) ** 2).sum()
    return huber + PAIR_WEIGHT * pairs / 2 + ROUND_WEIGHT * uneven / 2, value


def verify_smiles(smiles: Sequence[str], workers: int | None = None) -> Iterator[tuple[int, Verdict]]:
    """GFN2-xTB verdicts of designs, by the protocol that made the training labels."""
    return judge(label_smiles, smiles, workers=workers, time_limit=60)


def molecule_problem(want: Want, capacity: int) -> Problem:
    """Inverse design of a molecule of up to `capacity` heavy atoms.

    Args:
        want: property and range.
        capacity: the predictor's capacity.
    """
    return Problem(
        init=partial(init_variables, capacity=capacity),
        decode=lambda x, sharpness, key: decode_variables(x, sharpness),
        loss=partial(gap_loss, want),
        realise=realise,
        verify=verify_smiles,
    )
