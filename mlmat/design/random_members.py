"""The baseline of all baselines: random members of the space until the budget is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mlmat.data.small_organics.sample import random_member
from mlmat.design.members import members_of
from mlmat.design.realise import Realised
from mlmat.design.search_log import append_round, generator, open_log
from mlmat.design.searcher import BATCH, Candidate, Search, predict_candidates, read_candidates
from mlmat.graphs.chemistry import canonical_smiles

STALE = 20_000
"""Draws in a row without a new molecule after which a space counts as exhausted."""

SHARPNESS = 8.0
"""Of the decoding of noise starts."""

STARTS = 64
"""Noise starts decoded together where members must respect constraints."""


def draw_size(rng: np.random.Generator, capacity: int) -> int:
    """Heavy atoms, drawn as for noise starts: the largest three times as likely as the smallest."""
    sizes = np.arange(math.ceil(0.6 * capacity), capacity + 1)
    weights = np.linspace(1.0, 3.0, len(sizes))
    return int(rng.choice(sizes, p=weights / weights.sum()))


def member_source(
    problem: Any, capacity: int, allowed: Callable[[str], bool] | None
) -> Callable[[np.random.Generator, Counter], Iterator[str]]:
    """How random members of the space are drawn: ``source(rng, lost) → endless iterator``.

    Constraints may leave next to nothing of what `random_member` draws. With `allowed`,
    members are noise starts of the problem instead, rounded: those respect the constraints
    by construction. No predictor is asked; repeats are possible; the reasons why a draw
    was no member are counted in `lost`.

    Args:
        problem: the contract's five functions.
        capacity: most heavy atoms.
        allowed: whether a canonical SMILES may be submitted.
    """
    noise = jax.jit(jax.vmap(lambda key: problem.decode(problem.init(key), SHARPNESS, key)))

    def rounded(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
        while True:
            keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), STARTS)
            materials = jax.tree.map(np.asarray, noise(keys))
            for start in range(STARTS):
                outcome = problem.realise(jax.tree.map(lambda leaf, i=start: leaf[i], materials))
                if not isinstance(outcome, Realised):
                    lost[outcome] += 1
                elif not allowed(outcome.smiles):
                    lost["not allowed"] += 1
                else:
                    yield outcome.smiles

    def grown(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
        while True:
            yield canonical_smiles(random_member(rng, draw_size(rng, capacity)))

    return grown if allowed is None else rounded


def distinct(
    stream: Iterator[str], seen: Collection[str], count: int, lost: Counter, stale: int = STALE
) -> list[str]:
    """The next `count` names of a stream that are not in `seen`; fewer if it runs dry."""
    found: dict[str, None] = {}
    misses = 0
    for smiles in stream:
        if smiles in seen or smiles in found:
            lost["found before"] += 1
            misses += 1
            if misses >= stale:
                break
            continue
        misses = 0
        found[smiles] = None
        if len(found) == count:
            break
    return list(found)


def summary(candidates: Collection[Candidate], count: int = 128) -> tuple[float, float, float]:
    """Best, median and worst merit of the `count` best."""
    merits = np.sort([candidate.merit for candidate in candidates])[:count]
    return float(merits[0]), float(np.median(merits)), float(merits[-1])


def search(
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
    """Draw members until the budget is spent; arguments as in `mlmat.design.searcher.Searcher`."""
    rows = open_log(state_file, {"searcher": "random", "budget": budget, "seed": seed})
    rng = generator(rows[-1]["rng"] if rows else None, seed)
    pool = [candidate for row in rows for candidate in read_candidates(row["found"])]
    lost = Counter(rows[-1]["lost"] if rows else {})
    history = [row["summary"] for row in rows]
    seen = {candidate.name for candidate in pool} | set(known)
    members = members_of(problem)
    source = members.source(problem, predictor, allowed)
    while len(pool) < budget:
        # A new iterator each round: its state is the generator's alone, which the log keeps.
        fresh = distinct(source(rng, lost), seen, min(BATCH, budget - len(pool)), lost)
        if not fresh:
            break
        rows = [Candidate(name, len(history)) for name in fresh]
        found = predict_candidates(predictor, objective, rows, members)
        pool += found
        seen.update(fresh)
        history.append(summary(pool))
        row = {"found": found, "lost": lost, "rng": rng.bit_generator.state, "summary": history[-1]}
        append_round(state_file, row)
        report(len(pool), len(pool))
    return Search(pool, len(pool), np.array(history), dict(lost))
