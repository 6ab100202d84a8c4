"""Gradient search: many starts from noise, annealed from soft to sharp, in jitted chunks.

Between chunks the materials are rounded to real members of the space, and those that are new are
predicted by the whole ensemble: an error of one member, or of the rounding, is not what
gets submitted. A relaxed material is also a distribution of real ones: around the better starts
more members are drawn from it, for one evaluation each where a step of descent costs three.
A start that has lived its steps, or stalls, is drawn anew while the budget lasts.
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
from mlmat.design.searchers.descent import SearchState, init_search, make_chunk, make_restart, make_sampler
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

DRAWS = 100
"""Random stream of the draws around starts, apart from that of the starts."""


def tuned(budget: int) -> GradientConfig:
    """Hyperparameters for a budget: very short lives, many draws around the better half of the starts.

    Measured with gaps of 1.4 and 11.6 eV wanted, one or two seeds, as the mean distance of the best 128 from
    them, eV; beside it the same without draws but rounded at every step, and the plain
    `GradientConfig`, whose lives are long and whose molecules are few:

    ===========  ==========  ==========  ==========
    evaluations  with draws  without     plain
    ===========  ==========  ==========  ==========
    2,000        0.24, 0.51  1.60, 2.64
    10,000       0.09, 0.11  0.41, 0.39  1.94, 1.76
    50,000       0.01, 0.03  0.11, 0.12  0.86, 0.76
    ===========  ==========  ==========  ==========
    """
    return GradientConfig(
        steps=10,
        chunk=2,
        learning_rate=0.3,
        harvest=0.5,
        climb="ensemble",
        parallel=min(64, max(8, budget // 150)),
        samples=64,
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
    notes = {"settings": settings, "pool": [], "spent": 0, "history": [], "lost": {}, "losses": []}
    notes |= {"best": [float("inf")] * starts, "stale": [0] * starts}
    if state_file is not None and Path(state_file).exists():
        state, notes = load_state(state_file, state)
        if notes.get("settings") != json.loads(json.dumps(settings)):
            raise DataError(
                f"the saved search {state_file} belongs to other settings: delete it, or use those settings"
            )
    pool, spent, lost = read_candidates(notes["pool"]), notes["spent"], Counter(notes["lost"])
    history = [np.asarray(row, np.float32) for row in notes["history"]]
    best, stale, losses = np.array(notes["best"]), np.array(notes["stale"]), notes["losses"]
    seen = {candidate.name for candidate in pool} | set(known)
    chunk, restart = chunk or make_chunk(problem, config), restart or make_restart(problem, config)
    sampler = make_sampler(problem, config) if config.samples and problem.sample is not None else None
    draws = jax.random.fold_in(jax.random.key(seed), DRAWS)
    groups, saved = config.groups(predictor.members), spent

    def collect(materials: Any, ripe: np.ndarray, relaxed: np.ndarray | None = None) -> np.ndarray:
        """Round, predict and keep what is new; returns the rows that gave nothing new."""
        nonlocal spent
        host = jax.tree.map(np.asarray, materials)
        fresh, barren = harvest(problem, host, ripe, seen, lost, allowed)
        soft = {} if relaxed is None else {row: tuple(relaxed[row].tolist()) for row in fresh.values()}
        each = len(ripe) // starts
        rows = [Candidate(name, row // each, soft.get(row, ())) for name, row in fresh.items()]
        rows = rows[: budget - spent]
        pool.extend(predict_candidates(predictor, objective, rows, problem.members))
        seen.update(fresh)
        spent += len(rows)
        return barren

    while spent + config.step_cost * config.chunk * starts <= budget:
        if not config.parallel and int(state.step) >= config.steps:
            break
        state, materials, trace = chunk(predictor, state)
        spent += GRADIENT_COST * int(trace.gradients.sum())
        values, age = np.asarray(trace.values), np.asarray(state.age).reshape(-1)
        history += list(values[..., 0])

        last, ripe = np.asarray(trace.loss)[-1], age >= config.harvest * config.steps
        barren = collect(materials, ripe, values[-1])
        losses += last[ripe].tolist()
        if sampler is not None and ripe.any():
            good = ripe & (last <= np.quantile(losses, config.share))
            around = sampler(state, jax.random.fold_in(draws, int(state.step)))
            collect(around, np.repeat(good, config.samples))

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
            notes |= {"history": [row.tolist() for row in history], "losses": losses}
            save_state(state_file, state, notes | {"best": best.tolist(), "stale": stale.tolist()})
        report(spent, len(pool))
    trace = lives(np.array(history).reshape(-1, starts), config)
    return Search(pool, spent, trace, dict(lost), problem.members)


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
