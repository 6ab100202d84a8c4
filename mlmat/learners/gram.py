"""Kernel matrices on the host, in float64, block by block on all cores.

A block is one call of the kernel on a fixed number of rows, so that it compiles once and the
working memory does not grow with the matrix. XLA runs such a loop on one core of a CPU;
several blocks run at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax
import numpy as np

from mlmat.cores import usable_cores
from mlmat.learners.kernels import ProfiledKernel
from mlmat.typing import Array

BLOCK = 1000
"""Rows and columns of a block: 8 MB in float64."""

WIDE = {"xla_cpu_prefer_vector_width": 512}
"""Options of the compiler: vectors of 512 bits where the processor has them, which it avoids by itself.
Sums of |x − y| then take 0.6 of the time (measured)."""

Kernel = Callable[[Array, Array], Array]
Result = TypeVar("Result")


def gram(kernel: Kernel, x: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Kernel of a set with itself; each pair is computed once.

    Args:
        kernel: ``k(x [n, D], y [m, D]) → [n, m]``, symmetric; also a distance.
        x: ``[N, D]``; its precision is the kernel's.
        block: rows of a block.

    Returns:
        ``[N, N]`` float64, exactly symmetric.
    """
    blocks, kernel = _blocks(x, block), compiled_wide(kernel)
    matrix = np.empty((len(x), len(x)))

    def fill(i: int, j: int) -> None:
        rows, columns = slice(i * block, (i + 1) * block), slice(j * block, (j + 1) * block)
        part = np.asarray(kernel(blocks[i], blocks[j]))
        part = part[: matrix[rows].shape[0], : matrix[columns].shape[0]]
        # Rounding differs between k(x, y) and k(y, x); the mirror image does not.
        matrix[rows, columns] = (part + part.T) / 2 if i == j else part
        matrix[columns, rows] = matrix[rows, columns].T if i == j else part.T

    deque(run_blocks(fill, [(i, j) for i in range(len(blocks)) for j in range(i + 1)]), maxlen=0)
    return matrix


def cross(kernel: Kernel, x: np.ndarray, y: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Kernel of two sets: ``[N, D]``, ``[M, D]`` → ``[N, M]`` float64."""
    left, right, kernel = _blocks(x, block), _blocks(y, block), compiled_wide(kernel)
    matrix = np.empty((len(x), len(y)))

    def fill(i: int, j: int) -> None:
        part = matrix[i * block : (i + 1) * block, j * block : (j + 1) * block]
        part[:] = np.asarray(kernel(left[i], right[j]))[: part.shape[0], : part.shape[1]]

    deque(run_blocks(fill, [(i, j) for i in range(len(left)) for j in range(len(right))]), maxlen=0)
    return matrix


def compiled_wide(kernel: Kernel) -> Kernel:
    """The same kernel for calls from the host, with `WIDE` where it is a jitted function or built on one.

    Such a function cannot be called inside another jitted one, so the kernels themselves are not made
    that way.
    """
    if jax.default_backend() != "cpu":
        return kernel
    if isinstance(kernel, ProfiledKernel):
        return kernel._replace(distances=compiled_wide(kernel.distances))
    # One wrapper or many: JAX keeps one program for a function and its options.
    return jax.jit(kernel, compiler_options=WIDE) if hasattr(kernel, "lower") else kernel


def _blocks(x: np.ndarray, block: int) -> list[np.ndarray]:
    """Rows in blocks of one size; the last is filled up with the last row."""
    x = np.asarray(x)
    if len(x) <= block:
        return [x]
    return [np.take(x, np.arange(start, start + block), 0, mode="clip") for start in range(0, len(x), block)]


def run_blocks(function: Callable[[int, int], Result], places: Sequence[tuple[int, int]]) -> Iterator[Result]:
    """Call a function of block numbers for all places, on all cores, in float64; results in order."""
    if not places:
        return

    def call(place: tuple[int, int]) -> Result:
        # The context belongs to the thread, so it is entered in each.
        with jax.enable_x64(True):
            return function(*place)

    # The first alone, so that only one thread compiles.
    yield call(places[0])
    workers = usable_cores()
    with ThreadPoolExecutor(workers) as pool:
        # A few at a time: finished blocks wait in memory until they are taken.
        waiting = deque(pool.submit(call, place) for place in places[1 : 1 + 2 * workers])
        for place in places[1 + 2 * workers :]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(call, place))
        while waiting:
            yield waiting.popleft().result()
