"""Brute-force screening: predict every molecule of a stream and keep the best, in constant memory.

The stream is any iterable of SMILES, a file of them included; by default random members of
the space. Only the best are kept, and only what was seen lately is remembered, so that a
stream of billions fits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.design.searcher import BATCH, Candidate, Search, best_of, predict_candidates, read_candidates
from mlmat.design.searchers.random_members import STALE, summary
from mlmat.design.searchers.search_log import append_round, open_log
from mlmat.files import sha256

KEEP = 2048
"""Best molecules that are kept."""

MEMORY = 100_000
"""Molecules seen lately that are not predicted again."""


def read_smiles(path: str | Path) -> Iterator[str]:
    """First word of every line of a file, lazily; a ``.smi`` file or a list of SMILES."""
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            words = line.split()
            if words:
                yield words[0]


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
    stream: Iterable[str] | str | Path | None = None,
    keep: int = KEEP,
) -> Search:
    """Screen until the budget or the stream ends; arguments as in `mlmat.design.searcher.Searcher`.

    Beside those: `stream`, SMILES or a file of them (must give the same again on resume), and
    `keep`, how many of the best stay in the pool.

    A resumed search reads over what it has judged, without predicting it again.
    """
    space = problem.members
    settings = {"searcher": "screening", "budget": budget, "seed": seed, "keep": keep}
    if isinstance(stream, str | Path):
        settings["stream"] = sha256(stream)
        stream = read_smiles(stream)
    elif stream is None:
        stream = space.source(problem, predictor, allowed)(np.random.default_rng(seed), Counter())
    rows = open_log(state_file, settings)
    pool = best_of((c for row in rows for c in read_candidates(row["found"])), keep)
    spent, done = (rows[-1]["spent"], rows[-1]["read"]) if rows else (0, 0)
    history = [row["summary"] for row in rows]
    lost, read = Counter(), 0
    lately, order, misses = set(known), deque(), 0
    members = space.read(stream, predictor, lost)
    fresh: list[str] = []
    while True:
        smiles = next(members, None) if spent + len(fresh) < budget and misses < STALE else None
        if smiles is not None:
            read += 1
            if smiles in lately:
                lost["found before"] += 1
                misses += 1
                continue
            misses = 0
            lately.add(smiles)
            order.append(smiles)
            if len(order) > MEMORY:
                lately.discard(order.popleft())
            if allowed is not None and not allowed(smiles):
                lost["not allowed"] += 1
                continue
            if read <= done:
                continue
            fresh.append(smiles)
        if fresh and (smiles is None or len(fresh) == BATCH):
            found = predict_candidates(predictor, objective, [Candidate(s, read) for s in fresh], space)
            spent += len(found)
            pool = best_of(pool + found, keep)
            kept = [candidate for candidate in pool if candidate.name in set(fresh)]
            history.append(summary(pool))
            row = {"found": kept, "spent": spent, "read": read, "summary": history[-1]}
            append_round(state_file, row)
            report(spent, len(pool))
            fresh = []
        if smiles is None:
            return Search(pool, spent, np.array(history), dict(lost), space)
