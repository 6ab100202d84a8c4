"""Scalars, vectors and second-rank tensors that turn with the structure: bases, products, linear maps.

Features are `Tensors`: for each of F channels one scalar (l = 0), one vector (l = 1: x, y, z)
and one traceless symmetric tensor (l = 2, five components). An l = 2 feature t stands for the
matrix Σ_m t_m B_m with the five orthonormal matrices `TENSORS`, and so all couplings of l ≤ 2
are traces of matrix products:

    (1, 1 → 0)  u · v                 (2, 2 → 0)  tr(S T)
    (1, 1 → 2)  B_m : u vᵀ            (1, 2 → 1), (2, 1 → 1)  T u
    (2, 2 → 2)  tr(B_m S T), made symmetric

These are the Clebsch–Gordan coefficients of real spherical harmonics, for the paths whose l add
up to an even number: then every l has the parity (−1)ˡ of the spherical harmonics, and mirror
images need no features of their own.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.nn.element_table import ElementTable
from mlmat.nn.radial import safe_norm

Tensors = tuple[jax.Array, jax.Array, jax.Array]
"""Features ``[..., 1, F]``, ``[..., 3, F]`` and ``[..., 5, F]``."""

PARTS = (slice(0, 1), slice(1, 4), slice(4, 9))
"""Rows of l = 0, 1 and 2 where the nine components stand together."""

_HALF, _SIXTH = 2**-0.5, 6**-0.5
TENSORS = np.array(
    [
        [[0, _HALF, 0], [_HALF, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 0, _HALF], [0, _HALF, 0]],
        [[-_SIXTH, 0, 0], [0, -_SIXTH, 0], [0, 0, 2 * _SIXTH]],
        [[0, 0, _HALF], [0, 0, 0], [_HALF, 0, 0]],
        [[_HALF, 0, 0], [0, -_HALF, 0], [0, 0, 0]],
    ]
)
"""``[5, 3, 3]`` orthonormal basis of traceless symmetric matrices: xy, yz, 3z² − r², xz, x² − y²."""

Path = tuple[int, int, int]
"""l of the two factors and of their product."""


def couplings() -> dict[Path, np.ndarray]:
    """Clebsch–Gordan coefficients ``[2a+1, 2b+1, 2c+1]`` of every path (a, b, c) with l ≤ 2.

    Normalised so that the product of two sets of independent components of unit variance has
    components of unit variance.
    """
    t = TENSORS
    found = {
        (0, 0, 0): np.ones((1, 1, 1)),
        (0, 1, 1): np.eye(3)[None],
        (1, 0, 1): np.eye(3)[:, None],
        (1, 1, 0): np.eye(3)[:, :, None],
        (0, 2, 2): np.eye(5)[None],
        (2, 0, 2): np.eye(5)[:, None],
        (2, 2, 0): np.eye(5)[:, :, None],
        (1, 1, 2): t.transpose(1, 2, 0),
        (1, 2, 1): t.transpose(1, 0, 2),
        (2, 1, 1): t,
        (2, 2, 2): np.einsum("aij,bjk,cki->abc", t, t, t),
    }
    return {path: c * np.sqrt(c.shape[2] / (c**2).sum()) for path, c in found.items()}


def coupling_matrix() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All paths side by side, each of which fills 2c+1 of K = 35 columns.

    Returns:
        ``[81, K]`` products of two sets of nine components → columns; ``[K]`` path of each
        column; ``[K, 9]`` 1 for the component that a column adds to.
    """
    blocks, owners, targets = [], [], []
    for number, (path, table) in enumerate(couplings().items()):
        block = np.zeros((9, 9, 2 * path[2] + 1))
        block[PARTS[path[0]], PARTS[path[1]]] = table
        blocks.append(block.reshape(81, -1))
        owners += [number] * block.shape[2]
        targets.append(np.eye(9)[PARTS[path[2]]])
    return np.concatenate(blocks, axis=1), np.array(owners), np.concatenate(targets)


def spherical_harmonics(vectors: jax.Array) -> jax.Array:
    """Real spherical harmonics of directions up to l = 2, each of mean square 1 over the sphere.

    Args:
        vectors: ``[..., 3]``; a zero vector gives 0 for l > 0, and finite gradients.

    Returns:
        ``[..., 9]``.
    """
    length = safe_norm(vectors)
    unit = vectors / jnp.where(length > 0, length, 1.0)[..., None]
    x, y, z = unit[..., 0], unit[..., 1], unit[..., 2]
    a, b = 15**0.5, 5**0.5 / 2
    second = [a * x * y, a * y * z, b * (2 * z * z - x * x - y * y), a * x * z, a / 2 * (x * x - y * y)]
    return jnp.stack([jnp.ones_like(x), *(3**0.5 * c for c in (x, y, z)), *second], axis=-1)


class LinearTensors(nn.Module):
    """A matrix for the channels of each l.

    Attributes:
        features: channels of the result.
    """

    features: int

    @nn.compact
    def __call__(self, x: Tensors) -> Tensors:
        """Mix channels; components stay as they are, so the result turns like `x`."""
        init = nn.initializers.lecun_normal()
        shape = (x[0].shape[-1], self.features)
        return tuple(part @ self.param(f"l{order}", init, shape) for order, part in enumerate(x))


class TensorProducts(nn.Module):
    """Products of an atom's features with themselves, up to three at a time, channel by channel.

        p₁ = x,    p₂ = Σ_paths u x ⊗ x,    p₃ = Σ_paths v p₂ ⊗ x,    y = w₁ p₁ + w₂ p₂ + w₃ p₃

    with weights for every path, channel and element: the many-body expansion of MACE (I. Batatia,
    D. P. Kovács, G. N. C. Simm, C. Ortner, G. Csányi, NeurIPS 2022), with repeated products of
    two in place of its coupling of three at once.

    Attributes:
        elements: number of elements.
        order: 1, 2 or 3 factors.
        symbols: of the elements, for weights that they have in common (`ElementTable`); none: each
            element has its own.
    """

    elements: int
    order: int
    symbols: tuple[str, ...] = ()

    @nn.compact
    def __call__(self, x: Tensors, species: jax.Array) -> Tensors:
        """``species [n]`` and features of n atoms → features."""
        # Channels first, components last: the coupling is then one matrix product without copies.
        x = jnp.concatenate(x, axis=1).swapaxes(1, 2)
        n, channels, _ = x.shape
        table, owners, target = (jnp.asarray(a, x.dtype) for a in coupling_matrix())
        owners = owners.astype(int)
        paths = len(couplings())

        def weights(name: str, count: int) -> jax.Array:
            init = nn.initializers.normal(count**-0.5)
            if self.symbols:
                rows = ElementTable(self.symbols, channels * count, init, name=name)(species)
                return rows.reshape(-1, channels, count)
            return self.param(name, init, (self.elements, channels, count))[species]

        total, product = x * weights("weight_1", 1), x
        for factor in range(2, self.order + 1):
            outer = (product[..., :, None] * x[..., None, :]).reshape(n * channels, 81)
            coupled = (outer @ table).reshape(n, channels, -1)
            product = (coupled * weights(f"paths_{factor}", paths)[..., owners]) @ target
            total = total + product * weights(f"weight_{factor}", 1)
        total = total.swapaxes(1, 2)
        return tuple(total[:, part] for part in PARTS)
