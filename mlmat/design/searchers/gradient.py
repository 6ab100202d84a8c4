"""Gradient search: many starts from noise, annealed from soft to sharp, in jitted chunks.

Between chunks the materials are rounded to real members of the space, and those that are new are
predicted by the whole ensemble: an error of one member, or of the rounding, is not what
gets submitted. A start that has lived its steps, or stalls, is drawn anew while the
budget lasts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mlmat.design.searcher import Candidate, Search, predict_candidates, read_candidates
from mlmat.design.searchers.descent import SearchState, init_search, make_chunk, make_restart
from mlmat.design.searchers.optimisers import GRADIENT_COST, GradientConfig, optax_optimiser
from mlmat.errors import DataError
from mlmat.training.checkpoint import load_state, save_state

__all__ = [
    "GRADIENT_COST",
    "GradientConfig",
    "SearchState",
    "harvest",
    "init_search",
    "make_chunk",
    "optax_optimiser",
    "search",
    "tuned",
]


SAVES = 100
"""Most states that a search writes: so much of it, one part, is lost by an interruption."""


def tuned(budget: int) -> GradientConfig:
    """Hyperparameters for a budget: very short, fast lives on the whole ensemble, harvested at every step.

    Measured with gaps of 1.4 and 11.6 eV wanted, two seeds (10,000: one), as the mean distance of the
    best 128 from them, eV; beside it lives twice as long that are harvested at every second step, and
    the plain `GradientConfig`, whose lives are long and whose molecules are few:

    ===========  ==========  ==========  ==========
    evaluations  10 steps    20 steps    100 steps
    ===========  ==========  ==========  ==========
    2,000        1.60, 2.64  2.04, 2.30
    10,000       0.41, 0.39  0.48, 0.81  1.94, 1.76
    50,000       0.11, 0.12  0.10, 0.18  0.86, 0.76
    ===========  ==========  ==========  ==========
    """
    return GradientConfig(
        steps=10,
        chunk=1,
        learning_rate=0.3,
        harvest=0.3,
        climb="ensemble",
        parallel=min(64, max(8, budget // 150)),
    )


def harvest(
    problem: Any,
    materials: Any,
    ripe: np.ndarray,
    seen: Collection[str],
    lost: Counter,
    allowed: Callable[[str], bool] | None = None,
) -> tuple[dict[str, int], np.ndarray]:
    """Round relaxed materials to real members of the space.

    Args:
        problem: whose `realise` is asked.
        materials: ``[starts, ...]`` on the host.
        ripe: ``[starts]`` which to round.
        seen: names that do not count as new.
        lost: counter of the reasons why there is no new molecule, updated in place.
        allowed: whether a member of this name may be submitted.

    Returns:
        New names → number of its start, and which starts gave nothing new ``[starts]``.
    """
    found: dict[str, int] = {}
    barren = np.zeros(len(ripe), bool)
    nearest = problem.members.nearest

    def taken(name: str) -> bool:
        return name in seen or name in found or (allowed is not None and not allowed(name))

    for start in np.flatnonzero(ripe):
        material = jax.tree.map(lambda leaf, i=start: leaf[i], materials)
        outcome = problem.realise(material) if nearest is None else nearest(material, taken)
        if isinstance(outcome, str):
            reason = outcome
        elif outcome.name in seen or outcome.name in found:
            reason = "found before"
        elif allowed is not None and not allowed(outcome.name):
            reason = "not allowed"
        else:
            found[outcome.name] = int(start)
            continue
        lost[reason] += 1
        barren[start] = True
    return found, barren


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
    config: GradientConfig | None = None,
    chunk: Callable | None = None,
    restart: Callable | None = None,
) -> Search:
    """Descend until the budget is spent; arguments as in `mlmat.design.searcher.Searcher`.

    Beside those: `config`, the hyperparameters (default: `tuned`), and `chunk` and `restart`, compiled
    from `make_chunk` and `make_restart`, to share them between searches.

    Raises:
        InputError: the budget does not pay for one start per member.
    """
    config = config or tuned(budget)
    starts = config.starts(budget, predictor.members)
    state = init_search(problem, config, starts, predictor.members, jax.random.key(seed))
    settings = {"searcher": "gradient", "budget": budget, "seed": seed, **asdict(config)}
    notes = {"settings": settings, "pool": [], "spent": 0, "history": [], "lost": {}}
    notes |= {"best": [float("inf")] * starts, "stale": [0] * starts}
    if state_file is not None and Path(state_file).exists():
        state, notes = load_state(state_file, state)
        if notes.get("settings") != json.loads(json.dumps(settings)):
            raise DataError(
                f"the saved search {state_file} belongs to other settings: delete it, or use those settings"
            )
    pool, spent, lost = read_candidates(notes["pool"]), notes["spent"], Counter(notes["lost"])
    history = [np.asarray(row, np.float32) for row in notes["history"]]
    best, stale = np.array(notes["best"]), np.array(notes["stale"])
    seen = {candidate.name for candidate in pool} | set(known)
    chunk, restart = chunk or make_chunk(problem, config), restart or make_restart(problem, config)
    groups, members, saved = config.groups(predictor.members), problem.members, spent
    while spent + config.step_cost * config.chunk * starts <= budget:
        if not config.parallel and int(state.step) >= config.steps:
            break
        state, materials, trace = chunk(predictor, state)
        spent += GRADIENT_COST * int(trace.gradients.sum())
        values, age = np.asarray(trace.values), np.asarray(state.age).reshape(-1)
        history += list(values[..., 0])

        host = jax.tree.map(np.asarray, materials)
        fresh, barren = harvest(problem, host, age >= config.harvest * config.steps, seen, lost, allowed)
        relaxed = {start: tuple(values[-1, start].tolist()) for start in fresh.values()}
        rows = [Candidate(name, start, relaxed[start]) for name, start in fresh.items()][: budget - spent]
        pool += predict_candidates(predictor, objective, rows, members)
        seen.update(fresh)
        spent += len(rows)

        last = np.asarray(trace.loss)[-1]
        stale = np.where(last < best, 0, stale + 1)
        best = np.minimum(best, last)
        old = age >= config.steps
        if config.patience:
            old |= (stale >= config.patience) | barren
        if config.parallel and old.any():
            state = restart(state, old.reshape(groups, -1))
            best, stale = np.where(old, np.inf, best), np.where(old, 0, stale)
        # All that was found is written each time, so with short lives every chunk would be too often.
        if state_file is not None and spent >= saved + budget // SAVES:
            saved, notes = spent, {"settings": settings, "pool": pool, "spent": spent, "lost": lost}
            notes |= {"history": [row.tolist() for row in history]}
            save_state(state_file, state, notes | {"best": best.tolist(), "stale": stale.tolist()})
        report(spent, len(pool))
    return Search(pool, spent, lives(np.array(history).reshape(-1, starts), config), dict(lost), members)


def lives(history: np.ndarray, config: GradientConfig) -> np.ndarray:
    """What was predicted in each step of each life ``[steps, lives]``; NaN in steps that one did not have.

    Args:
        history: ``[n, starts]``, life after life of the same places.
        config: of the search; with `patience` lives differ in length, and places are returned as they are.
    """
    if not config.parallel or config.patience:
        return history
    filled = np.pad(history, ((0, -len(history) % config.steps), (0, 0)), constant_values=np.nan)
    return filled.reshape(-1, config.steps, history.shape[1]).swapaxes(0, 1).reshape(config.steps, -1)
