"""The mlmat side of `kernels.py`, and SciPy's solve: ``python kernels_mlmat.py MOLECULES.npz``."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import jax
import numpy as np
import scipy.linalg

from mlmat.descriptors import coulomb_matrix as cm
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import cross, gram
from mlmat.learners.kernels import kernel

LAPLACIAN, GAUSSIAN = ("laplacian", "l1", 2000.0), ("gaussian", "l2", 200.0)
REGULARISATION = 1e-6


@jax.jit
def describe(numbers: jax.Array, positions: jax.Array) -> jax.Array:
    """Sorted Coulomb matrices ``[m, 276]``."""
    return cm.upper_triangle(cm.sort_rows(cm.coulomb_matrix(numbers, positions)))


def main() -> None:
    """Do tasks by name, one a line; the arrays of a task are made before its clock starts."""
    data = dict(np.load(sys.argv[1]))
    numbers, positions = data["numbers"], data["positions"]

    def coulomb() -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(describe(numbers, positions))

    x = coulomb()
    y = np.random.default_rng(0).normal(size=(len(x), 1))
    laplacian, gaussian = kernel(*LAPLACIAN), kernel(*GAUSSIAN)
    matrix = gram(laplacian, x)

    def ours(given: np.ndarray) -> np.ndarray:
        return solve(factorise(given, REGULARISATION, overwrite=True), y)

    def scipys(given: np.ndarray) -> np.ndarray:
        given[np.diag_indices_from(given)] += REGULARISATION
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(given, overwrite_a=True), y)

    tasks = {
        "sorted Coulomb matrices": coulomb,
        "Laplacian kernel of a set": lambda: gram(laplacian, x),
        "Laplacian kernel of two sets": lambda: cross(laplacian, x, x),
        "Gaussian kernel of a set": lambda: gram(gaussian, x),
        "Gaussian kernel of two sets": lambda: cross(gaussian, x, x),
        "molecules to weights": lambda: ours(gram(laplacian, coulomb())),
    }
    print(json.dumps({"versions": {name: version(name) for name in ("jax", "numpy", "scipy")}}), flush=True)
    for line in sys.stdin:
        task = line.strip()
        if task.startswith("solve"):
            # Each gets a matrix it may overwrite.
            given = matrix.copy()
            function = {"solve": lambda m=given: ours(m), "solve, SciPy": lambda m=given: scipys(m)}[task]
        else:
            function = tasks[task]
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        sample = np.asarray(result)[:20, :20].ravel().tolist()
        print(json.dumps({"wall": wall, "cpu": cpu, "sample": sample}), flush=True)


if __name__ == "__main__":
    main()
