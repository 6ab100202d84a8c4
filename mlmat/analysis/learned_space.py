"""The space that a network has learnt: vectors of structures, and maps of them in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.analysis.attribution import branches_of, each_atom, explained_atoms
from mlmat.errors import InputError
from mlmat.predictor import Predictor

EXAGGERATION, EXAGGERATED = 12.0, 250
"""Factor of the attraction at the start, and steps it lasts."""

MOMENTUM = (0.5, 0.8)
"""While the attraction is exaggerated, and after."""


def structure_vectors(predictor: Predictor, structures: Sequence[ase.Atoms]) -> np.ndarray:
    """Mean of the atoms' features before the readout ``[N, F]``, of the first member; of slabs both means.

    Raises:
        InputError: a predictor of SMILES, or a network that has no such features.
    """
    model = predictor.model
    if not hasattr(model, "of_means") and type(model).__name__ not in ("SchNet", "Equivariant"):
        raise InputError(
            f"{type(model).__name__} shows no vectors: use cgcnn, crystal, sgcnn, schnet or equivariant"
        )
    features = each_atom(predictor, structures, "atoms" if hasattr(model, "atoms") else "features")
    branches = map(branches_of, explained_atoms(predictor.encoder, structures))
    return np.stack(
        [
            np.concatenate([values[0, branch == part].mean(axis=0) for part in np.unique(branch)])
            for values, branch in zip(features, branches, strict=True)
        ]
    )


def principal_components(vectors: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the axes of largest variance.

    Args:
        vectors: ``[N, F]``.
        count: of axes.

    Returns:
        ``[N, count]``, and the share of the variance along each axis ``[count]``. An axis points to
        where its largest component is positive; one that does not exist is zero.
    """
    centred = np.asarray(vectors, float) - np.mean(vectors, axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    axes = axes * np.where(signs == 0, 1, signs)[:, None]
    found, shares = np.zeros((len(centred), count)), np.zeros(count)
    there = min(count, len(axes))
    found[:, :there] = centred @ axes[:there].T
    shares[:there] = (values**2 / max((values**2).sum(), 1e-300))[:there]
    return found, shares


def neighbour_probabilities(vectors: np.ndarray, perplexity: float) -> np.ndarray:
    """Symmetric probabilities P ``[N, N]`` that two vectors are neighbours; they sum to 1.

    Equations 1 and 2 of L. van der Maaten, G. Hinton, J. Mach. Learn. Res. 9, 2579 (2008):
    p_j|i ∝ exp(−β_i |x_i − x_j|²), with β_i such that the entropy of p_·|i is ln(perplexity).
    """
    x = np.asarray(vectors, float) - np.mean(vectors, axis=0)
    length = (x**2).sum(axis=1)
    squared = np.maximum(length[:, None] + length - 2 * x @ x.T, 0.0)
    np.fill_diagonal(squared, np.inf)
    squared -= squared.min(axis=1, keepdims=True)
    typical = np.median(squared[np.isfinite(squared)]) or 1.0
    low, high = np.full(len(x), 1e-6 / typical), np.full(len(x), 1e6 / typical)
    for _ in range(60):
        beta = np.sqrt(low * high)
        p = np.exp(-beta[:, None] * squared)
        p /= p.sum(axis=1, keepdims=True)
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
    return (p + p.T) / (2 * len(x))


def _student(y: jax.Array) -> jax.Array:
    squared = ((y[:, None] - y) ** 2).sum(axis=2)
    return (1 - jnp.eye(len(y))) / (1 + squared)


def divergence_gradient(y: jax.Array, p: jax.Array) -> jax.Array:
    """Gradient by y ``[N, 2]`` of the divergence of P from q_ij ∝ 1 / (1 + |y_i − y_j|²): equation 5."""
    weight = _student(y)
    force = (p - weight / weight.sum()) * weight
    return 4 * (force.sum(axis=1, keepdims=True) * y - force @ y)


def t_sne(vectors: np.ndarray, *, perplexity: float = 30.0, steps: int = 1000) -> np.ndarray:
    """Map ``[N, 2]`` in which neighbours stay neighbours (t-SNE); distances between groups mean little.

    L. van der Maaten, G. Hinton, J. Mach. Learn. Res. 9, 2579 (2008), exact: time and memory grow
    with N². It starts from the principal components, so that the same vectors give the same map.

    Args:
        vectors: ``[N, F]``, N of a few thousand at most.
        perplexity: number of neighbours that count; at most a third of N.
        steps: of gradient descent.

    Raises:
        InputError: fewer than four vectors.
    """
    count = len(vectors)
    if count < 4:
        raise InputError(f"a map needs at least 4 structures, not {count}")
    p = jnp.asarray(neighbour_probabilities(vectors, min(perplexity, count / 3)), jnp.float32)
    start, _ = principal_components(vectors)
    start = jnp.asarray(1e-4 * start / max(start[:, 0].std(), 1e-12), jnp.float32)
    rate = max(count / EXAGGERATION, 50.0) / 4

    def step(number: jax.Array, state: tuple) -> tuple:
        y, velocity, gain = state
        early = number < min(EXAGGERATED, steps // 2)
        slope = divergence_gradient(y, jnp.where(early, EXAGGERATION, 1.0) * p)
        # Jacobs' rule: faster where the direction stays, slower where it turns.
        gain = jnp.maximum(jnp.where(slope * velocity < 0, gain + 0.2, 0.8 * gain), 0.01)
        velocity = jnp.where(early, *MOMENTUM) * velocity - rate * gain * slope
        y = y + velocity
        return y - y.mean(axis=0), velocity, gain

    state = (start, jnp.zeros_like(start), jnp.ones_like(start))
    return np.asarray(jax.jit(lambda state: jax.lax.fori_loop(0, steps, step, state))(state)[0])
