"""Neighbour list inside jit, linear in the number of atoms, for any cell and for free clusters.

Atoms are sorted into bins, and each atom looks at the bins within reach. Bins are counted
beyond the faces of the cell, each with its own image of it, so that a cell smaller than the
cutoff gives all images of a neighbour and not only the nearest. In a direction that is not
periodic, what lies beyond the last bin is counted into it: slower then, never wrong.

Everything of a fixed size is chosen on the host (`allocate`) and may turn out too small inside
jit; the list then says what it would have needed, and the host allocates again (`grown`).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.simulate.grid import Grid, bin_number

BLOCK = 2**21
"""Candidate pairs looked at together, which bounds the memory."""


class Neighbours(NamedTuple):
    """A neighbour list; padding edges lead from the padding atom, number n, to itself.

    Attributes:
        receivers: ``[e]`` ascending.
        senders: ``[e]``.
        cells: ``[e, 3]`` cell vectors to add to the sender, whole numbers.
        count: number of real edges.
        positions: ``[n, 3]`` when the list was made.
        cell: ``[3, 3]`` when the list was made.
        closest: distance of the two nearest atoms then, Å.
        needed: ``[4]`` atoms of a bin, neighbours of an atom, edges, and 1 if the bins are too
            narrow for the cell; the largest since `allocate`.
    """

    receivers: jax.Array
    senders: jax.Array
    cells: jax.Array
    count: jax.Array
    positions: jax.Array
    cell: jax.Array
    closest: jax.Array
    needed: jax.Array


def heights(cell: jax.Array) -> jax.Array:
    """Distances ``[3]`` of opposite faces of a cell with rows as vectors."""
    return 1.0 / jnp.sqrt((jnp.linalg.inv(cell) ** 2).sum(axis=0))


def overflows(grid: Grid, neighbours: Neighbours) -> jax.Array:
    """Whether the list ever was larger than the grid holds, or its bins too narrow."""
    limits = jnp.array([grid.per_bin, grid.per_atom, grid.edges, 0])
    return (neighbours.needed > limits).any()


def rebuild(grid: Grid, positions: jax.Array, cell: jax.Array) -> Neighbours:
    """Neighbour list of a structure; pure, jit with a static grid.

    Args:
        grid: from `allocate`.
        positions: ``[n, 3]`` Å, in the cell or not.
        cell: ``[3, 3]`` complete.
    """
    n, bins, reach = positions.shape[0], np.array(grid.bins, np.int32), np.array(grid.reach)
    periodic = np.array(grid.periodic)
    inverse, height = jnp.linalg.inv(cell), heights(cell)
    fractional = positions @ inverse
    home = jnp.where(periodic, jnp.floor(fractional), 0.0)
    fractional = fractional - home
    along = (fractional - fractional.min(axis=0)) * height / grid.radius
    place = jnp.where(periodic, fractional * bins, along)
    place = jnp.clip(jnp.nan_to_num(jnp.floor(place)).astype(jnp.int32), 0, bins - 1)
    narrow = jnp.any(periodic & (height / bins * reach < grid.radius * (1 - 1e-6)))

    # Table of the atoms in each bin; the bin after the last stays empty.
    total = int(bins.prod())
    flat = bin_number(place, bins)
    order = jnp.argsort(flat, stable=True).astype(jnp.int32)
    ordered = flat[order]
    rank = jnp.arange(n) - jnp.searchsorted(ordered, ordered)
    table = jnp.full((total + 1, grid.per_bin), n, jnp.int32)
    table = table.at[ordered, rank].set(order, mode="drop")
    wrapped = jnp.concatenate([positions - home @ cell, jnp.full((1, 3), jnp.inf, positions.dtype)])
    spots = wrapped[table]

    steps = np.meshgrid(*(np.arange(-k, k + 1, dtype=np.int32) for k in reach), indexing="ij")
    offsets = np.stack(steps, axis=-1).reshape(-1, 3)
    count = len(offsets)
    before = jnp.asarray(np.triu(np.ones((grid.per_bin, grid.per_bin))), jnp.float32)
    bins_before = jnp.asarray(np.triu(np.ones((count, count)), 1), jnp.float32)

    def row(own: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, ...]:
        """Neighbours of one atom: atoms and offsets ``[per_atom]``, their number, nearest distance²."""
        index, position, bin_place = own
        target = bin_place + offsets
        image = jnp.where(periodic, target // bins, 0)
        outside = (~periodic & ((target < 0) | (target >= bins))).any(axis=1)
        target = jnp.where(outside, total, bin_number(target - image * bins, bins))
        vectors = spots[target] + (image @ cell)[:, None] - position
        squares = (vectors * vectors).sum(axis=-1)
        candidates = table[target]
        itself = (candidates == index) & (image == 0).all(axis=1)[:, None]
        near = (squares < grid.radius**2) & ~itself
        # Running counts as products with triangular matrices, which are faster than cumsum.
        hits = near.astype(jnp.float32)
        within = jnp.matmul(hits, before, precision="highest")
        first = jnp.matmul(within[:, -1], bins_before, precision="highest")
        slot = jnp.where(near, (within + first[:, None]).astype(jnp.int32) - 1, grid.per_atom)
        code = candidates * count + jnp.arange(count, dtype=jnp.int32)[:, None]
        found = jnp.zeros(grid.per_atom, jnp.int32).at[slot.reshape(-1)].set(code.reshape(-1), mode="drop")
        nearest = jnp.where(near, squares, jnp.inf).min()
        return found, hits.sum().astype(jnp.int32), nearest

    size = max(1, min(n, BLOCK // (count * grid.per_bin)))
    atoms = jnp.arange(n, dtype=jnp.int32)
    found, sizes, nearest = jax.lax.map(row, (atoms, wrapped[:n], place), batch_size=size)

    # Rows → one list sorted by receiver.
    ends = jnp.cumsum(sizes)
    slots = jnp.arange(grid.edges, dtype=jnp.int32)
    receivers = jnp.repeat(
        jnp.arange(n + 1, dtype=jnp.int32),
        jnp.append(sizes, jnp.maximum(grid.edges - ends[-1], 0)),
        total_repeat_length=grid.edges,
    )
    real = slots < ends[-1]
    receivers = jnp.where(real, receivers, n)
    owner = jnp.minimum(receivers, n - 1)
    code = found[owner, jnp.clip(slots - (ends - sizes)[owner], 0, grid.per_atom - 1)]
    senders = jnp.where(real, code // count, n)
    target = place[owner] + jnp.asarray(offsets)[code % count]
    image = jnp.where(periodic, target // bins, 0)
    cells = image - home[jnp.minimum(senders, n - 1)].astype(jnp.int32) + home[owner].astype(jnp.int32)
    cells = jnp.where(real[:, None], cells, 0)
    needed = jnp.stack([rank.max() + 1, sizes.max(), ends[-1], narrow]).astype(jnp.int32)
    return Neighbours(
        receivers, senders, cells.astype(jnp.int32), jnp.minimum(ends[-1], grid.edges).astype(jnp.int32),
        positions, cell, jnp.sqrt(nearest.min()), needed,
    )  # fmt: skip


def update(grid: Grid, neighbours: Neighbours, positions: jax.Array, cell: jax.Array) -> Neighbours:
    """The list, made anew if an atom may have come within the cutoff unseen; pure.

    A pair that is not in the list was at least cutoff + skin apart. The cell has since been
    deformed by F and atom i has moved by u_i beyond that, so it now is at least
    σ_min(F) (cutoff + skin) − 2 max‖u‖ apart, and σ_min(F) ≥ 1 − ‖F − 1‖.
    """
    deformation = jnp.linalg.inv(neighbours.cell) @ cell
    own = positions - neighbours.positions @ deformation
    furthest = jnp.sqrt((own * own).sum(axis=-1).max())
    stretch = jnp.linalg.norm(deformation - jnp.eye(3, dtype=cell.dtype))
    safe = (1.0 - stretch) * grid.radius - 2.0 * furthest >= grid.cutoff

    def anew() -> Neighbours:
        found = rebuild(grid, positions, cell)
        return found._replace(needed=jnp.maximum(found.needed, neighbours.needed))

    return jax.lax.cond(safe, lambda: neighbours, anew)


def to_graph(
    neighbours: Neighbours, species: jax.Array, positions: jax.Array, cell: jax.Array
) -> jraph.GraphsTuple:
    """The padded graph of `mlmat.graphs`: one structure, and one padding atom that owns the padding edges.

    Args:
        neighbours: of these positions, or of recent ones.
        species: ``[n]``.
        positions: ``[n, 3]`` Å.
        cell: ``[3, 3]``.
    """
    n, edges = positions.shape[0], neighbours.receivers.shape[0]
    return jraph.GraphsTuple(
        nodes={
            "species": jnp.append(species, jnp.zeros(1, species.dtype)),
            "positions": jnp.concatenate([positions, jnp.zeros((1, 3), positions.dtype)]),
        },
        edges={"shift": neighbours.cells.astype(cell.dtype) @ cell},
        receivers=neighbours.receivers,
        senders=neighbours.senders,
        globals=None,
        n_node=jnp.array([n, 1], jnp.int32),
        n_edge=jnp.stack([neighbours.count, edges - neighbours.count]).astype(jnp.int32),
    )
