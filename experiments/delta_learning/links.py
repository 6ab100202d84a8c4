"""The links of a chain: constants, a kernel of molecules, a kernel of atoms, small networks."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from experiments.coulomb_krr.local import choose, some
from experiments.delta_learning.systems import System
from mlmat.analysis.calibration import coverage_at
from mlmat.learners import additive_correction, bootstrap_network, kernel_ridge, local_kernels
from mlmat.learners.delta import WithBaseline, delta_learner
from mlmat.learners.kernel_grid import search_grid
from mlmat.learners.kernels import kernel
from mlmat.typing import Learner

REGULARISATIONS = (1e-9, 1e-7, 1e-5, 1e-3, 1e-2, 0.1, 1.0)

ATOM_WIDTHS = (2.0, 4.0, 8.0, 16.0, 32.0)
ATOM_REGULARISATIONS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
"""For kernels of atoms."""

DECAYS = (0.001, 0.01, 0.1, 1.0)
"""Weight decay of the networks, chosen by out-of-bag error."""

Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def additive(
    x: np.ndarray, y: np.ndarray, values: np.ndarray, fit: np.ndarray, strength: float
) -> np.ndarray:
    """Corrected values ``[m]`` of all molecules, with constants fitted to some.

    Args:
        x: ``[m, K]`` counts.
        y: ``[m]`` target.
        values: ``[m]`` what is to be corrected.
        fit: molecules to fit.
        strength: regularisation.
    """
    learner = delta_learner(Learner(additive_correction.fit, additive_correction.predict))
    state = learner.fit(WithBaseline(x[fit], values[fit]), y[fit], regularisation=strength)
    return learner.predict(state, WithBaseline(x, values))


def kernel_link(
    system: System, values: np.ndarray, partial_values: np.ndarray, parts: Parts
) -> tuple[np.ndarray, dict[str, float]]:
    """Predictions ``[test]`` and the chosen σ and λ of a Laplacian kernel of molecules.

    Args:
        system: the data.
        values: ``[m]`` what is corrected, fitted to the whole training part.
        partial_values: ``[m]`` the same without the molecules that judge.
        parts: training molecules; those that fit and judge the grid; test molecules.
    """
    train, fit, check, test = parts
    rest = (system.y - partial_values)[:, None]
    chosen, _ = search_grid(
        system.matrices[fit], rest[fit], system.matrices[check], rest[check],
        profile="laplacian", metric="l1", widths=system.widths, regularisations=REGULARISATIONS,
    )  # fmt: skip
    width, regularisation = chosen[0].width, chosen[0].regularisation
    function = kernel("laplacian", "l1", width)
    learner = delta_learner(
        Learner(
            partial(kernel_ridge.fit, kernel=function, regularisation=regularisation),
            partial(kernel_ridge.predict_stream, kernel=function),
        )
    )
    state = learner.fit(WithBaseline(system.matrices[train], values[train]), system.y[train])
    predicted = learner.predict(state, WithBaseline(system.matrices[test], values[test]))
    return predicted, {"width": width, "regularisation": regularisation}


def atoms_link(
    system: System, values: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Predictions ``[test]`` of a Gaussian kernel of FCHL19 vectors, summed over pairs of atoms.

    It fits the constants of elements itself. σ and λ: `experiments.coulomb_krr.local.choose`.

    Args:
        system: the data, with its atoms.
        values: ``[m]`` baseline.
        train: molecules, in random order.
        test: molecules.
    """
    known, asked = some(system.atoms, train), some(system.atoms, test)
    rest = (system.y - values)[train]
    width, regularisation, _ = choose(known, rest, np.arange(len(train)), ATOM_WIDTHS, ATOM_REGULARISATIONS)
    function = kernel("gaussian", "l2", width)
    matrix = local_kernels.local_gram(function, known)
    state = local_kernels.fit(matrix, known, rest[:, None], regularisation=regularisation, overwrite=True)
    # The weight of a molecule is that of its first atom.
    weights = state.weights[np.cumsum(known.n_atoms) - known.n_atoms]
    towards = local_kernels.local_gram(function, asked, known)
    found = local_kernels.predict_molecules(state, towards, asked, weights)[:, 0]
    return values[test] + found, {"width": width, "regularisation": regularisation}


def network_link(
    system: System,
    values: np.ndarray,
    x: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    seed: int,
    members: int,
) -> tuple[np.ndarray, float, dict[str, float]]:
    """Predictions ``[test]``, the chosen decay, and the error bars of bootstrapped networks.

    Args:
        system: the data.
        values: ``[m]`` what is corrected; an input, too.
        x: ``[m, K]`` other inputs.
        train: molecules.
        test: molecules.
        seed: of samples and first weights.
        members: networks.
    """
    x = np.concatenate([x, values[:, None]], axis=1)
    rest = (system.y - values)[train]
    best: tuple[float, Any, float] = (np.inf, None, 0.0)
    for decay in DECAYS:
        state = bootstrap_network.fit(x[train], rest, decay=decay, seed=seed, members=members)
        found, _ = bootstrap_network.out_of_bag(state, x[train])
        error = float(np.nanmean(np.abs(found - rest)))
        if error < best[0]:
            best = error, state, decay
    _, state, decay = best
    bars = {}
    for label, noise in (("of networks alone", False), ("with out-of-bag noise", True)):
        mean, std = (
            np.asarray(a, float) for a in bootstrap_network.predict_with_std(state, x[test], noise=noise)
        )
        shares = coverage_at(values[test] + mean, std, system.y[test], levels=(0.6826895, 0.9544997))
        bars[f"error bar {label}"] = float(std.mean())
        bars[f"inside 1 error bar {label}"], bars[f"inside 2 error bars {label}"] = map(float, shares)
    return values[test] + mean, decay, bars
