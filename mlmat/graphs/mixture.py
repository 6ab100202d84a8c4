"""Atoms that are mixtures of elements: what a network takes of them in place of one element.

A graph may carry ``nodes["mixture"] [n, E]``, shares of the elements on each site that sum to one,
beside (or instead of) ``nodes["species"] [n]``. Every network whose first layer is a table of elements
then takes the mixture of rows. At a corner of the simplex that is the row itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from mlmat.typing import Array

MIXTURE = "mixture"


def rows_of(nodes: Mapping[str, Array], table: Array) -> Array:
    """Row of each atom's element ``[n, F]``, or the mixture of rows.

    Args:
        nodes: of a graph.
        table: ``[E, F]`` one row for each element of the encoder.
    """
    table = jnp.asarray(table)
    if MIXTURE in nodes:
        # Full precision, so that a corner gives the row and not one rounded to fewer bits.
        return jnp.matmul(nodes[MIXTURE].astype(table.dtype), table, precision=jax.lax.Precision.HIGHEST)
    return table[nodes["species"]]


def shares(nodes: Mapping[str, Array], elements: int) -> Array:
    """``[n, elements]`` shares of the elements on each site; one-hot where there is no mixture."""
    return nodes[MIXTURE] if MIXTURE in nodes else jax.nn.one_hot(nodes["species"], elements)
