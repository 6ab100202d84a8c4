"""What every searcher has in common: candidates, the outcome of a search, and the final choice.

The currency is one evaluation: one real or relaxed molecule (or crystal) put through the
predictor once. A gradient of one start counts as three. A search never spends more than its
budget, and predicting a real member is part of it, so what `submit` ranks is already paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlmat.design.members import Members
from mlmat.errors import InputError, NoDesignError

BATCHES = 8, 32, 64
"""Real members in one compiled prediction: a batch is padded to the next of these shapes."""

BATCH = BATCHES[-1]

SEARCHERS = {
    "gradient": "mlmat.design.searchers.gradient",
    "genetic": "mlmat.design.searchers.genetic",
    "random": "mlmat.design.searchers.random_members",
    "screening": "mlmat.design.searchers.screening",
    "hybrid": "mlmat.design.searchers.hybrid",
    "informed": "mlmat.design.searchers.informed",
}
"""Searchers by name: the module whose function `search` it is."""


def batch_of(count: int) -> int:
    """Shape of the compiled predictions of so many members."""
    return next((batch for batch in BATCHES if count <= batch), BATCH)


class Candidate(NamedTuple):
    """A real member of the space (a molecule, a crystal) that a search proposes.

    Attributes:
        name: its name in the space: the canonical SMILES of a molecule.
        start: number of the start, draw or generation it comes from.
        relaxed: relaxed predictions of the wants when it was rounded; empty if it never was soft.
        mean: ``[P]`` ensemble mean of the real member, in the order of the predictor's
            properties; empty before it is predicted.
        std: ``[P]`` standard deviation, likewise.
        merit: smaller is better, 0 when every want is met without doubt; None before prediction.
    """

    name: str
    start: int = -1
    relaxed: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    merit: float | None = None

    @property
    def smiles(self) -> str:
        """The name, for those who design molecules."""
        return self.name


class Search(NamedTuple):
    """Outcome of a search before the final choice.

    Attributes:
        pool: distinct members of the space, in the order found.
        spent: evaluations, at most the budget.
        history: what the searcher reports of its way, ``[steps, ...]``: relaxed first want of
            every start (gradient, and the descent of the hybrid), or the best, median and worst
            merit kept (others).
        lost: reason → number of proposals that gave no new member of the space.
        members: of the space that was searched.
    """

    pool: list[Candidate]
    spent: int
    history: np.ndarray
    lost: dict[str, int]
    members: Members


class Searcher(Protocol):
    """One contract for all searchers."""

    def __call__(
        self,
        problem: Any,
        predictor: Any,
        objective: Any,
        budget: int,
        seed: int,
        *,
        known: Collection[str] = (),
        allowed: Callable[[str], bool] | None = None,
        state_file: Path | None = None,
        report: Callable[[int, int], None] = lambda spent, found: None,
    ) -> Search:
        """Search within `budget` evaluations; the same seed gives the same pool.

        Args:
            problem: see `mlmat.typing.Problem`.
            predictor: the ensemble; any pytree with the methods of `mlmat.predictor.Predictor`.
            objective: what is wanted; `mlmat.design.objective.Objective`.
            budget: evaluations.
            seed: of everything random.
            known: names of members that are not proposed again.
            allowed: whether a member of this name may be submitted; None: every member may.
            state_file: saved while the search runs, and resumed from if it exists.
            report: called now and then with (evaluations spent, members found).
        """


def get_searcher(name: str) -> Searcher:
    """The searcher of this name.

    Raises:
        InputError: no such searcher.
    """
    if name not in SEARCHERS:
        raise InputError(f"unknown searcher {name!r}: choose one of {', '.join(SEARCHERS)}")
    return import_module(SEARCHERS[name]).search


def predict_candidates(
    predictor: Any, objective: Any, candidates: Sequence[Candidate], members: Members
) -> list[Candidate]:
    """Predict real members and fill in their means, deviations and merits (one evaluation each).

    Args:
        predictor: the ensemble.
        objective: what is wanted.
        candidates: what to predict.
        members: of the space.

    Raises:
        SmilesError, UnknownElementError, CapacityError: see `from_smiles`.
    """
    return predict_with(members.predict, predictor, objective, candidates)


def predict_with(
    predict: Callable, predictor: Any, objective: Any, candidates: Sequence[Candidate]
) -> list[Candidate]:
    """`predict_candidates` by the ``predict`` of a space's members."""
    if not candidates:
        return []
    names = [candidate.name for candidate in candidates]
    found = predict(predictor, names)
    mean, std = (np.asarray(part, float) for part in found)
    merit = objective.merit(predictor.properties, mean, std, names)
    rows = zip(candidates, mean.tolist(), std.tolist(), np.asarray(merit, float).tolist(), strict=True)
    return [c._replace(mean=tuple(m), std=tuple(s), merit=value) for c, m, s, value in rows]


def read_candidates(rows: Iterable[Sequence]) -> list[Candidate]:
    """Candidates from the lists that JSON makes of them."""
    return [Candidate(*(tuple(x) if isinstance(x, list) else x for x in row)) for row in rows]


def best_of(candidates: Iterable[Candidate], count: int) -> list[Candidate]:
    """The `count` of smallest merit, best first; ties go by name, so that order never matters."""
    return sorted(candidates, key=lambda c: (c.merit, c.name))[:count]


def submit(predictor: Any, search: Search, objective: Any, k: int) -> list[Candidate]:
    """The k best members of a search: predicted as real ones, ranked by merit.

    What the search has predicted is not predicted again, so `predictor` and `objective` must
    be those of the search.

    Raises:
        NoDesignError: the pool is empty.
    """
    if not search.pool:
        lost = ", ".join(f"{count} {reason}" for reason, count in search.lost.items())
        raise NoDesignError(
            "nothing valid came out of the search: raise --budget or change --seed"
            + (f" (lost: {lost})" if lost else "")
        )
    distinct = list({candidate.name: candidate for candidate in search.pool}.values())
    fresh = predict_candidates(predictor, objective, [c for c in distinct if c.merit is None], search.members)
    # In the order of their names, so that ties never depend on the order of finding.
    pool = sorted([c for c in distinct if c.merit is not None] + fresh, key=lambda c: c.name)
    mean, std = (np.array([getattr(c, part) for c in pool], float) for part in ("mean", "std"))
    best = objective.best(predictor.properties, mean, std, [c.name for c in pool], k, search.members.family)
    return [pool[i] for i in best]
