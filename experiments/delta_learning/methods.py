"""Ways to the target: with a baseline or without, and what is learned on top of it.

A method is a chain of corrections, each fitted to what the ones before leave. Hyperparameters are
chosen inside the training part: the last quarter of it judges, then all of it is fitted.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from experiments.delta_learning.systems import System
from mlmat.analysis.calibration import coverage_at
from mlmat.learners import additive_correction, bootstrap_network, kernel_ridge
from mlmat.learners.delta import WithBaseline, delta_learner
from mlmat.learners.kernel_grid import search_grid
from mlmat.learners.kernels import kernel
from mlmat.metrics import mae, rmse
from mlmat.typing import Learner

WIDTHS = (500, 1000, 2000, 4000, 8000, 16000)
REGULARISATIONS = (1e-9, 1e-7, 1e-5, 1e-3, 1e-2, 0.1, 1.0)
BOND_REGULARISATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)
DECAYS = (0.001, 0.01, 0.1, 1.0)
"""Weight decay of the networks, chosen by out-of-bag error."""

CHECK = 4
"""One in so many training molecules judges hyperparameters."""


class Method(NamedTuple):
    """Attributes say what is used: a baseline or none, constants, and what learns the rest."""

    baseline: bool
    constants: str | None = None
    learner: str | None = None


METHODS = {
    "no baseline: elements": Method(False, "elements"),
    "no baseline: elements + kernel": Method(False, "elements", "kernel"),
    "baseline": Method(True),
    "baseline + elements": Method(True, "elements"),
    "baseline + elements + bonds and pairs": Method(True, "counts"),
    "baseline + elements + kernel": Method(True, "elements", "kernel"),
    "baseline + elements + bonds and pairs + kernel": Method(True, "counts", "kernel"),
    "baseline + bootstrapped networks": Method(True, None, "network"),
}


def measure(
    system: System, method: Method, train: np.ndarray, test: np.ndarray, seed: int, members: int
) -> dict[str, Any]:
    """Fit on `train`, predict `test` once.

    Args:
        system: the data.
        method: the chain.
        train: molecules, in random order.
        test: molecules.
        seed: of the networks.
        members: networks.

    Returns:
        Errors in kcal/mol, hyperparameters, counts, seconds; of networks also the size and the
        coverage of their error bars.
    """
    began = time.perf_counter()
    split = len(train) - len(train) // CHECK
    fit, check = train[:split], train[split:]
    settings: dict[str, float] = {}
    values = system.baseline if method.baseline else np.zeros_like(system.y)
    # The same chain twice: without the molecules that judge, for the choices, and with all of them.
    partial_values = values
    if method.constants:
        # Elements first and unregularised: between levels their constants can be a thousand hartree.
        partial_values = _constants(system.elements, system.y, values, fit, 0.0)
        values = _constants(system.elements, system.y, values, train, 0.0)
    if method.constants == "counts":
        found = [_constants(system.counts, system.y, partial_values, fit, k) for k in BOND_REGULARISATIONS]
        best = int(np.argmin([mae(tried[check], system.y[check]) for tried in found]))
        settings["regularisation of constants"] = BOND_REGULARISATIONS[best]
        partial_values = found[best]
        values = _constants(system.counts, system.y, values, train, BOND_REGULARISATIONS[best])
    bars = {}
    if method.learner == "kernel":
        chosen, _ = search_grid(
            system.matrices[fit], (system.y - partial_values)[fit, None],
            system.matrices[check], (system.y - partial_values)[check, None],
            profile="laplacian", metric="l1", widths=WIDTHS, regularisations=REGULARISATIONS,
        )  # fmt: skip
        width, regularisation = chosen[0].width, chosen[0].regularisation
        settings |= {"width": width, "regularisation": regularisation}
        function = kernel("laplacian", "l1", width)
        learner = delta_learner(
            Learner(
                partial(kernel_ridge.fit, kernel=function, regularisation=regularisation),
                partial(kernel_ridge.predict_stream, kernel=function),
            )
        )
        state = learner.fit(WithBaseline(system.matrices[train], values[train]), system.y[train])
        predicted = learner.predict(state, WithBaseline(system.matrices[test], values[test]))
    elif method.learner == "network":
        predicted, decay, bars = _networks(system, values, train, test, seed, members)
        settings["decay"] = decay
    else:
        predicted = values[test]
    return {
        "mae": mae(predicted, system.y[test]),
        "rmse": rmse(predicted, system.y[test]),
        **bars,
        "settings": settings,
        "n_train": len(train),
        "n_test": len(test),
        "seconds": time.perf_counter() - began,
    }


def _constants(
    x: np.ndarray, y: np.ndarray, values: np.ndarray, fit: np.ndarray, strength: float
) -> np.ndarray:
    """Corrected values ``[m]`` of all molecules, with constants fitted to some."""
    learner = delta_learner(Learner(additive_correction.fit, additive_correction.predict))
    state = learner.fit(WithBaseline(x[fit], values[fit]), y[fit], regularisation=strength)
    return learner.predict(state, WithBaseline(x, values))


def _networks(
    system: System, values: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int, members: int
) -> tuple[np.ndarray, float, dict[str, float]]:
    """Predictions, the chosen decay, and the error bars: inputs are counts and the baseline itself."""
    x = np.concatenate([system.counts, values[:, None]], axis=1)
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
