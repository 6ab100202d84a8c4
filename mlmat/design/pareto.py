"""Several goals without weights: fronts of non-dominated molecules, spread by crowding.

K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Trans. Evol. Comput. 6, 182 (2002)
(NSGA-II): section III.A (non-dominated sorting) and III.B (crowding distance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mlmat.errors import InputError


def pareto_ranks(values: np.ndarray, directions: Sequence[Literal["min", "max"]]) -> np.ndarray:
    """Front of each row: 0 for those that no other row dominates, then 1, …

    A row dominates another if it is at least as good in every column and better in one.

    Args:
        values: ``[N, G]``, finite.
        directions: of each column.

    Returns:
        ``[N]`` integers.

    Raises:
        InputError: not one direction per column, or a value that is not finite.
    """
    costs = _costs(values, directions)
    ranks = np.full(len(costs), -1)
    # Only equal rows or rows further on can be dominated by a row in lexical order.
    order = np.lexsort(costs.T[::-1])
    fronts: list[np.ndarray] = []
    for row in order:
        rank = 0
        while rank < len(fronts) and _dominated(costs[row], fronts[rank]):
            rank += 1
        if rank == len(fronts):
            fronts.append(np.zeros((0, costs.shape[1])))
        fronts[rank] = np.concatenate([fronts[rank], costs[row][None]])
        ranks[row] = rank
    return ranks


def _dominated(cost: np.ndarray, front: np.ndarray) -> bool:
    return bool(((front <= cost).all(axis=1) & (front < cost).any(axis=1)).any())


def pareto_front(values: np.ndarray, directions: Sequence[Literal["min", "max"]]) -> np.ndarray:
    """Indices of the rows that no other row dominates; see `pareto_ranks`."""
    return np.flatnonzero(pareto_ranks(values, directions) == 0)


def crowding_distance(costs: np.ndarray) -> np.ndarray:
    """Perimeter of the box between a row's neighbours in each column, ranges set to one.

    Args:
        costs: ``[N, G]`` one front.

    Returns:
        ``[N]``; infinite at the ends of every column.
    """
    distance = np.zeros(len(costs))
    for column in np.asarray(costs, float).T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance


def pareto_merit(values: np.ndarray, directions: Sequence[Literal["min", "max"]]) -> np.ndarray:
    """Crowded comparison as one number, smaller is better: front + 1 / (1 + crowding distance) / 2.

    It compares rows of one call only: fronts depend on who else is there.

    Returns:
        ``[N]``; 0 for the ends of the first front.
    """
    costs = _costs(values, directions)
    ranks = pareto_ranks(values, directions)
    merit = ranks.astype(float)
    for rank in np.unique(ranks):
        rows = np.flatnonzero(ranks == rank)
        merit[rows] += 0.5 / (1 + crowding_distance(costs[rows]))
    return merit


def pareto_select(values: np.ndarray, directions: Sequence[Literal["min", "max"]], k: int) -> np.ndarray:
    """Indices of the k best rows by front, then by crowding distance (best first)."""
    return np.argsort(pareto_merit(values, directions), kind="stable")[:k]


def _costs(values: np.ndarray, directions: Sequence[str]) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[1] != len(directions) or not set(directions) <= {"min", "max"}:
        raise InputError(f'give one direction, "min" or "max", per column; not {list(directions)}')
    if not np.isfinite(values).all():
        raise InputError("a value to compare is not finite: drop its row first")
    return values * np.where(np.array(directions) == "max", -1.0, 1.0)
