"""The peers of `kernels.py`: ``python kernels_peers.py qmllib|dscribe MOLECULES.npz``.

Runs in an environment without mlmat. Lengths are divided by a bohr here, since both peers take
them as they come.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

BOHR = 0.529177210544
TRIANGLE = np.triu_indices(23)
REGULARISATION = 1e-6


def by_qmllib(numbers: list[np.ndarray], positions: list[np.ndarray]) -> dict[str, Callable]:
    """Its fastest function for each task."""
    from qmllib import kernels
    from qmllib.representations import generate_coulomb_matrix
    from qmllib.solvers import cho_solve

    def coulomb() -> np.ndarray:
        pairs = zip(numbers, positions, strict=True)
        return np.stack([generate_coulomb_matrix(z, r, size=23, sorting="row-norm") for z, r in pairs])

    def solve(matrix: np.ndarray) -> np.ndarray:
        matrix[np.diag_indices_from(matrix)] += REGULARISATION
        return cho_solve(matrix, y[:, 0])[:, None]

    x = coulomb()
    y = np.random.default_rng(0).normal(size=(len(x), 1))
    matrix = kernels.laplacian_kernel_symmetric(x, 2000.0)
    return {
        "sorted Coulomb matrices": coulomb,
        "Laplacian kernel of a set": lambda: kernels.laplacian_kernel_symmetric(x, 2000.0),
        "Laplacian kernel of two sets": lambda: kernels.laplacian_kernel(x, x, 2000.0),
        "Gaussian kernel of a set": lambda: kernels.gaussian_kernel_symmetric(x, 200.0),
        "Gaussian kernel of two sets": lambda: kernels.gaussian_kernel(x, x, 200.0),
        "solve": lambda: solve(matrix.copy()),
        "molecules to weights": lambda: solve(kernels.laplacian_kernel_symmetric(coulomb(), 2000.0)),
    }


def by_dscribe(numbers: list[np.ndarray], positions: list[np.ndarray]) -> dict[str, Callable]:
    """Coulomb matrices only."""
    import ase
    from dscribe.descriptors import CoulombMatrix

    structures = [ase.Atoms(z, r) for z, r in zip(numbers, positions, strict=True)]
    matrices = CoulombMatrix(n_atoms_max=23, permutation="sorted_l2")
    return {"sorted Coulomb matrices": lambda: matrices.create(structures)}


def sample_of(name: str, task: str, result: np.ndarray) -> list[float]:
    """The same 20 × 20 numbers for each contender."""
    if task == "sorted Coulomb matrices":
        matrices = np.zeros((20, 23, 23))
        if name == "dscribe":
            matrices = result[:20].reshape(20, 23, 23)
        else:
            # qmllib lists the lower triangle.
            rows, columns = np.tril_indices(23)
            matrices[:, columns, rows] = result[:20]
        result = matrices[:, TRIANGLE[0], TRIANGLE[1]]
    return result[:20, :20].ravel().tolist()


def main() -> None:
    """Do tasks by name, one a line."""
    name, path = sys.argv[1:]
    data = dict(np.load(path))
    counts = (data["numbers"] > 0).sum(axis=1)
    numbers = [z[:n] for z, n in zip(data["numbers"], counts, strict=True)]
    positions = [r[:n] / BOHR for r, n in zip(data["positions"], counts, strict=True)]
    tasks = {"qmllib": by_qmllib, "dscribe": by_dscribe}[name](numbers, positions)
    print(json.dumps({"versions": {name: version(name)}}), flush=True)
    for line in sys.stdin:
        task = line.strip()
        wall, cpu = time.perf_counter(), time.process_time()
        result = tasks[task]()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            json.dumps({"wall": wall, "cpu": cpu, "sample": sample_of(name, task, np.asarray(result))}),
            flush=True,
        )


if __name__ == "__main__":
    main()
