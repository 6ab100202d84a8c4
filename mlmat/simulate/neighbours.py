"""Neighbour list inside jit, linear in the number of atoms, for any cell and for free clusters.

Atoms are sorted into bins, and each atom looks at the bins within reach. Bins are counted
beyond the faces of the cell, each with its own image of it, so that a cell smaller than the
cutoff gives all images of a neighbour and not only the nearest. In a direction that is not
periodic, what lies beyond the last bin is counted into it: slower then, never wrong.

Everything of a fixed size is chosen on the host (`allocate`) and may turn out too small inside
jit; the list then says what it would have needed, and the host allocates again (`grown`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.simulate.grid import Grid, bin_number

BLOCK = 2**23
"""Candidate pairs looked at together, which bounds the memory."""

WORD = 32
"""Candidates of a bin share a machine word, one bit each."""


class Neighbours(NamedTuple):
    """A neighbour list; padding edges lead from the padding atom, number n, to itself.

    Attributes:
        receivers: ``[e]`` ascending.
        senders: ``[e]``.
        shift: ``[e, 3]`` Å to add to the sender, whole vectors of `cell`.
        count: number of real edges.
        positions: ``[n, 3]`` when the list was made.
        cell: ``[3, 3]`` when the list was made.
        closest: distance of the two nearest atoms then, Å; infinite if none are neighbours.
        needed: ``[3]`` atoms of a bin, edges, and 1 if the bins are too narrow for the cell; the
            largest since `allocate`.
    """

    receivers: jax.Array
    senders: jax.Array
    shift: jax.Array
    count: jax.Array
    positions: jax.Array
    cell: jax.Array
    closest: jax.Array
    needed: jax.Array


def inverse(cell: jax.Array) -> jax.Array:
    """Inverse of a 3 × 3 matrix by cross products: far less to compile and run than a factorisation."""
    a, b, c = cell
    columns = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=1)
    return columns / jnp.dot(a, columns[:, 0])


def overflows(grid: Grid, neighbours: Neighbours) -> jax.Array:
    """Whether the list ever was larger than the grid holds, or its bins too narrow."""
    return (neighbours.needed > np.array([grid.per_bin, grid.edges, 0], np.int32)).any()


def rebuild(grid: Grid, positions: jax.Array, cell: jax.Array) -> Neighbours:
    """Neighbour list of a structure; pure, jit with a static grid.

    Args:
        grid: from `mlmat.simulate.grid.allocate`.
        positions: ``[n, 3]`` Å, in the cell or not.
        cell: ``[3, 3]`` complete.
    """
    n, bins, reach = positions.shape[0], np.array(grid.bins, np.int32), np.array(grid.reach)
    periodic, total = np.array(grid.periodic), int(np.prod(grid.bins))
    back = inverse(cell)
    height = 1.0 / jnp.sqrt((back * back).sum(axis=0))
    fractional = (positions[:, :, None] * back).sum(axis=1)
    home = jnp.where(periodic, jnp.floor(fractional), 0.0)
    along = (fractional - fractional.min(axis=0)) * height / grid.radius
    place = jnp.where(periodic, (fractional - home) * bins, along)
    place = jnp.clip(jnp.nan_to_num(jnp.floor(place)).astype(jnp.int32), 0, bins - 1)
    narrow = jnp.any(periodic & (height / bins * reach < grid.radius * (1 - 1e-6)))
    wrapped = positions - (home[:, :, None] * cell).sum(axis=1)

    # Table of the atoms of each bin; the bin after the last stays empty.
    flat = bin_number(place, bins)
    order = jnp.argsort(flat).astype(jnp.int32)
    ordered = flat[order]
    sizes = jnp.zeros(total, jnp.int32).at[flat].add(1)
    rank = jnp.arange(n, dtype=jnp.int32) - (jnp.cumsum(sizes) - sizes)[ordered]
    table = jnp.full((total + 1, grid.per_bin), n, jnp.int32)
    table = table.at[ordered, rank].set(order, mode="drop")
    far = jnp.full((1, 3), jnp.inf, positions.dtype)
    spots = jnp.concatenate([wrapped, far])[table]
    # Barriers here and below: else XLA computes what is gathered anew for each one that gathers it.
    spots, table, place, home = jax.lax.optimization_barrier((spots, table, place, home))

    steps = np.meshgrid(*(np.arange(-k, k + 1, dtype=np.int32) for k in reach), indexing="ij")
    offsets = np.stack(steps, axis=-1).reshape(-1, 3)
    words = grid.per_bin // WORD
    width, bits = len(offsets) * words, np.arange(WORD, dtype=np.uint32)

    def look(own: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        """Bits of the candidates that are neighbours, ``[b, width]``."""
        index, position, bin_place = own
        target = bin_place[:, None] + offsets
        image = jnp.where(periodic, target // bins, 0)
        outside = (~periodic & ((target < 0) | (target >= bins))).any(axis=-1)
        target = jnp.where(outside, total, bin_number(target - image * bins, bins))
        moved = (image.astype(cell.dtype)[..., None] * cell).sum(axis=-2) - position[:, None]
        central = (image == 0).all(axis=-1)
        target, moved, central = jax.lax.optimization_barrier((target, moved, central))
        x, y, z = (spots[..., axis][target] + moved[..., axis, None] for axis in range(3))
        itself = (table[target] == index[:, None, None]) & central[..., None]
        near = (x * x + y * y + z * z < grid.radius**2) & ~itself
        packed = jnp.where(near.reshape(*near.shape[:2], words, WORD), jnp.uint32(1) << bits, 0)
        return packed.sum(axis=-1, dtype=jnp.uint32).reshape(-1, width)

    hits = _in_blocks(look, (jnp.arange(n, dtype=jnp.int32), wrapped, place), width * WORD)

    # Bits → one list sorted by receiver: edge e is bit number e − start of its word.
    counts = jax.lax.population_count(hits).astype(jnp.int32)
    before = jnp.cumsum(counts, axis=1) - counts
    own = counts.sum(axis=1)
    ends = jnp.cumsum(own)
    start = (before + (ends - own)[:, None]).reshape(-1)
    found = ends[-1]
    slot = jnp.arange(grid.edges, dtype=jnp.int32)
    real = slot < found
    # The word of an edge is the last one that starts at or before it and is not empty.
    marks = jnp.where(counts.reshape(-1) > 0, start, grid.edges)
    word = jnp.zeros(grid.edges, jnp.int32).at[marks].max(jnp.arange(n * width, dtype=jnp.int32), mode="drop")
    # It is less than a word away, so five doublings reach it.
    for step in (1, 2, 4, 8, 16):
        word = jnp.maximum(word, jnp.pad(word[:-step], (step, 0)))
    word = jax.lax.optimization_barrier(word)
    bit = _nth_bit(hits.reshape(-1)[word], slot - start[word])
    receivers, column, bit = jax.lax.optimization_barrier((word // width, word % width, bit))
    offset = jnp.asarray(offsets)[column // words]
    target = place[receivers] + offset
    image = jnp.where(periodic, target // bins, 0)
    sender = table[bin_number(target - image * bins, bins), column % words * WORD + bit]
    sender, image = jax.lax.optimization_barrier((sender, image))
    cells = image.astype(cell.dtype) - home[jnp.minimum(sender, n - 1)] + home[receivers]
    shift = jnp.where(real[:, None], (cells[:, :, None] * cell).sum(axis=1), 0.0)
    vectors = positions[jnp.minimum(sender, n - 1)] + shift - positions[receivers]
    squares = jnp.where(real, (vectors * vectors).sum(axis=1), jnp.inf)
    return Neighbours(
        receivers=jnp.where(real, receivers, n),
        senders=jnp.where(real, sender, n),
        shift=shift,
        count=jnp.minimum(found, grid.edges),
        positions=positions,
        cell=cell,
        closest=jnp.sqrt(squares.min()),
        needed=jnp.stack([rank.max() + 1, found, narrow.astype(jnp.int32)]).astype(jnp.int32),
    )


def _in_blocks(function: Any, arrays: tuple[jax.Array, ...], pairs: int) -> Any:
    """``function`` of arrays ``[n, ...]``, in blocks of atoms if they have too many candidate pairs."""
    n = arrays[0].shape[0]
    size = max(1, BLOCK // pairs)
    if n <= size:
        return function(arrays)
    blocks = -(-n // size)
    # The last atom stands in for those that the last block lacks.
    index = np.minimum(np.arange(blocks * size), n - 1).reshape(blocks, size)
    found = jax.lax.map(function, tuple(array[index] for array in arrays))
    return jax.tree.map(lambda leaf: leaf.reshape(blocks * size, *leaf.shape[2:])[:n], found)


def _nth_bit(words: jax.Array, number: jax.Array) -> jax.Array:
    """Place of the bit number 0, 1, … that is set in each word, by halving the word."""
    place = jnp.zeros(words.shape, jnp.int32)
    for half in (16, 8, 4, 2, 1):
        low = words & jnp.uint32(2**half - 1)
        count = jax.lax.population_count(low).astype(jnp.int32)
        beyond = number >= count
        number = jnp.where(beyond, number - count, number)
        words = jnp.where(beyond, words >> jnp.uint32(half), low)
        place = place + jnp.where(beyond, half, 0)
    return place


def update(grid: Grid, neighbours: Neighbours, positions: jax.Array, cell: jax.Array) -> Neighbours:
    """The list, made anew if an atom may have come within the cutoff unseen; pure.

    A pair that is not in the list was at least cutoff + skin apart. The cell has since been
    deformed by F and atom i has moved by u_i beyond that, so it now is at least
    σ_min(F) (cutoff + skin) − 2 max‖u‖ apart, and σ_min(F) ≥ 1 − ‖F − 1‖.
    """
    deformation = _deformation(neighbours, cell)
    own = positions - (neighbours.positions[:, :, None] * deformation).sum(axis=1)
    furthest = jnp.sqrt((own * own).sum(axis=-1).max())
    stretch = jnp.sqrt(((deformation - jnp.eye(3, dtype=cell.dtype)) ** 2).sum())
    safe = (1.0 - stretch) * grid.radius - 2.0 * furthest >= grid.cutoff

    def anew() -> Neighbours:
        found = rebuild(grid, positions, cell)
        return found._replace(needed=jnp.maximum(found.needed, neighbours.needed))

    return jax.lax.cond(safe, lambda: neighbours, anew)


def _deformation(neighbours: Neighbours, cell: jax.Array) -> jax.Array:
    """F that turns the cell of the list into another, ``[3, 3]``."""
    return (inverse(neighbours.cell)[:, :, None] * cell).sum(axis=1)


def to_graph(
    neighbours: Neighbours, species: jax.Array, positions: jax.Array, cell: jax.Array | None = None
) -> jraph.GraphsTuple:
    """The padded graph of `mlmat.graphs`: one structure, and one padding atom that owns the padding edges.

    Args:
        neighbours: of these positions, or of recent ones.
        species: ``[n]``.
        positions: ``[n, 3]`` Å.
        cell: ``[3, 3]``; None: that of the list.
    """
    n, edges = positions.shape[0], neighbours.receivers.shape[0]
    shift = neighbours.shift
    if cell is not None:
        # Not a matrix product: those are slow on a CPU for three columns.
        shift = (shift[:, :, None] * _deformation(neighbours, cell)).sum(axis=1)
    return jraph.GraphsTuple(
        nodes={
            "species": jnp.append(species, jnp.zeros(1, species.dtype)),
            "positions": jnp.concatenate([positions, jnp.zeros((1, 3), positions.dtype)]),
        },
        edges={"shift": shift},
        receivers=neighbours.receivers,
        senders=neighbours.senders,
        globals=None,
        n_node=jnp.array([n, 1], jnp.int32),
        n_edge=jnp.stack([neighbours.count, edges - neighbours.count]).astype(jnp.int32),
    )
