"""The baseline of all baselines: random members of the space until the budget is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.design.searcher import BATCH, Candidate, Search, predict_candidates, read_candidates
from mlmat.design.searchers.search_log import append_round, generator, open_log

STALE = 20_000
"""Draws in a row without a new molecule after which a space counts as exhausted."""


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
    members = problem.members
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
    return Search(pool, len(pool), np.array(history), dict(lost), members)
