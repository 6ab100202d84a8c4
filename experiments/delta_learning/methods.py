"""Ways to the target: with a baseline or without, and what is learned on top of it.

A method is a chain of corrections, each fitted to what the ones before leave. Hyperparameters are
chosen inside the training part: the last quarter of it (of its first `CHOOSERS` molecules) judges,
then all of it is fitted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from experiments.delta_learning.links import additive, atoms_link, kernel_link, network_link
from experiments.delta_learning.systems import System
from mlmat.metrics import mae, rmse

BOND_REGULARISATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)

CHECK = 4
"""One in so many training molecules judges hyperparameters."""

CHOOSERS = 2000
"""Most molecules that choose them."""


class Method(NamedTuple):
    """Attributes say what is used: a baseline or none, constants, what learns the rest, other baselines."""

    baseline: bool
    constants: str | None = None
    learner: str | None = None
    levels: bool = False


METHODS = {
    "no baseline: elements": Method(False, "elements"),
    "no baseline: elements + kernel": Method(False, "elements", "kernel"),
    "baseline": Method(True),
    "baseline + elements": Method(True, "elements"),
    "baseline + elements + bonds and pairs": Method(True, "counts"),
    "baseline + elements + kernel": Method(True, "elements", "kernel"),
    "baseline + elements + bonds and pairs + kernel": Method(True, "counts", "kernel"),
    "baseline + bootstrapped networks": Method(True, None, "network"),
    "several baselines + linear": Method(True, "counts", None, True),
    "several baselines + bootstrapped networks": Method(True, "elements", "network", True),
    "baseline + elements + kernel of atoms": Method(True, "elements", "atoms"),
}


def shown(name: str, system: System) -> str:
    """The name of a method in tables: of an intensive target, constants are not those of elements."""
    if not system.intensive:
        return name
    return name.replace("elements + bonds and pairs", "linear in counts").replace("elements", "one constant")


def methods_of(system: System, few: bool) -> Iterator[tuple[str, Method]]:
    """What can be tried on a system.

    Args:
        system: the data.
        few: whether it has a few hundred molecules, as networks of five neurons are meant for.
    """
    for name, method in METHODS.items():
        if method == METHODS["baseline"] and not system.same_zero:
            continue
        if method.learner == "network" and not method.levels and not few:
            continue
        if (method.levels and system.levels is None) or (method.learner == "atoms" and not system.geometry):
            continue
        yield name, method


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
        Errors in the unit of the system, hyperparameters, counts, seconds; of networks also the size
        and the coverage of their error bars; of isomers the share of pairs in the right order.
    """
    began = time.perf_counter()
    choosers = train[:CHOOSERS]
    split = len(choosers) - len(choosers) // CHECK
    fit, check = choosers[:split], choosers[split:]
    settings: dict[str, float] = {}
    values = system.baseline if method.baseline else np.zeros_like(system.y)
    # The same chain twice: without the molecules that judge, for the choices, and with all of them.
    partial_values, x, partial_x = values, system.counts, system.counts
    if method.constants:
        # Elements first and unregularised: between levels their constants can be a thousand hartree.
        partial_values = additive(system.elements, system.y, values, fit, 0.0)
        values = additive(system.elements, system.y, values, train, 0.0)
    if method.levels:
        partial_x, x = (
            np.concatenate([system.counts, differences(system, part)], 1) for part in (fit, train)
        )
    if method.constants == "counts":
        found = [additive(partial_x, system.y, partial_values, fit, k) for k in BOND_REGULARISATIONS]
        best = int(np.argmin([mae(tried[check], system.y[check]) for tried in found]))
        settings["regularisation of constants"] = BOND_REGULARISATIONS[best]
        partial_values = found[best]
        values = additive(x, system.y, values, train, BOND_REGULARISATIONS[best])
    bars: dict[str, float] = {}
    if method.learner == "kernel":
        predicted, found = kernel_link(system, values, partial_values, (train, fit, check, test))
        settings |= found
    elif method.learner == "atoms":
        predicted, found = atoms_link(system, system.baseline, train, test)
        settings |= found
    elif method.learner == "network":
        # The network sees what linear methods see, and the baseline itself.
        predicted, settings["decay"], bars = network_link(system, values, x, train, test, seed, members)
    else:
        predicted = values[test]
    if system.isomers:
        bars["pairs in the right order"] = right_order(predicted, system.y[test])
    return {
        "mae": mae(predicted, system.y[test]),
        "rmse": rmse(predicted, system.y[test]),
        **bars,
        "settings": settings,
        "n_train": len(train),
        "n_test": len(test),
        "seconds": time.perf_counter() - began,
    }


def differences(system: System, fit: np.ndarray) -> np.ndarray:
    """Other cheap methods less the baseline, ``[m, L]``, constants of elements taken off.

    Args:
        system: the data; its `levels` are there.
        fit: molecules that the constants are fitted to.
    """
    raw = [level - system.baseline for level in system.levels.T]
    zeros = np.zeros_like(system.y)
    return np.stack([one - additive(system.elements, one, zeros, fit, 0.0) for one in raw], axis=1)


def right_order(predicted: np.ndarray, y: np.ndarray) -> float:
    """Share of pairs of items whose order is predicted; ties of the target are left out."""
    rows, columns = np.triu_indices(len(y), 1)
    wanted = np.sign(y[rows] - y[columns])
    return float((np.sign(predicted[rows] - predicted[columns]) == wanted)[wanted != 0].mean())
