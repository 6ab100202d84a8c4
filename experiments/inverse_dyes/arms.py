"""Ways to propose dyes for a band, all with the same number of predictor evaluations.

``noise``    gradient descent from random starts
``dyes``     gradient descent from training dyes whose wavelength is nearest the band
``genetic``  graph genetic algorithm that begins with the training dyes nearest the band
``random``   children of training dyes that nothing has selected, and nobody chose
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from experiments.inverse_dyes.tables import CAPACITY, Dyes
from mlmat.design.molecules.breeding import breed, graph_of
from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.frame import make_frame
from mlmat.design.molecules.members import MOLECULES
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.molecules.realise import realise
from mlmat.design.molecules.space import init_variables
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, Search, predict_candidates, submit
from mlmat.design.searchers import genetic, gradient
from mlmat.design.wants import Want
from mlmat.errors import NoDesignError
from mlmat.graphs.chemistry import parse_smiles
from mlmat.graphs.stability import stability_violations
from mlmat.predictor import Predictor
from mlmat.typing import Problem

ARMS = ("noise", "dyes", "genetic", "random")

STARTS = 6
"""Training dyes that a descent begins at; each gets the same share of the starts."""


def nearest_dyes(dyes: Dyes, rows: np.ndarray, want: Want, count: int) -> list[str]:
    """The training dyes nearest the middle of a band that are members of the design space."""
    order = rows[np.argsort(np.abs(dyes.wavelength[rows] - want.centre), kind="stable")]
    found: list[str] = []
    for row in order:
        if len(found) == count:
            break
        if not stability_violations(parse_smiles(dyes.smiles[row])):
            found.append(dyes.smiles[row])
    return found


def problem_from(objective: Objective, starts: Sequence[str], capacity: int = CAPACITY) -> Problem:
    """The free problem, whose starts are drawn among several molecules with noise on them."""
    frames = [make_frame(Constraints(start=smiles), capacity) for smiles in starts]
    branches = [partial(init_variables, capacity=capacity, frame=frame) for frame in frames]

    def init(key):
        which, draw = jax.random.split(key)
        return jax.lax.switch(jax.random.randint(which, (), 0, len(branches)), branches, draw)

    free = molecule_problem(objective, capacity)
    return free._replace(init=init, realise=partial(realise, frame=make_frame(Constraints(), capacity)))


def unchosen(dyes: Dyes, rows: np.ndarray, known: set[str], count: int, seed: int) -> list[str]:
    """Children (crossovers, half of them mutated) of random training dyes: what looks like training data."""
    rng = np.random.default_rng(seed)
    parents = [dyes.smiles[i] for i in rng.permutation(rows)[: 4 * count]]
    graphs = [graph_of(smiles) for smiles in parents]
    config = genetic.GeneticConfig(pressure=1)
    return breed(rng, graphs, count, CAPACITY, known, Counter(), config=config)


def propose(
    arm: str,
    dyes: Dyes,
    rows: np.ndarray,
    predictor: Predictor,
    objective: Objective,
    budget: int,
    count: int,
    seed: int,
) -> tuple[list[Candidate], dict[str, Any]]:
    """Submissions of one arm, none of them a training dye.

    Args:
        arm: one of `ARMS`.
        dyes: the table to design with.
        rows: its training part.
        predictor: what is searched.
        objective: with the band as its only want.
        budget: evaluations; a gradient counts as three, a dye to begin with as one.
        count: submissions.
        seed: of the search.

    Returns:
        The candidates, and what happened: evaluations, molecules found, reasons of loss.
    """
    known = {dyes.smiles[i] for i in rows}
    if arm == "random":
        fresh = unchosen(dyes, rows, known, count, seed)
        found = predict_candidates(predictor, objective, [Candidate(s) for s in fresh], MOLECULES)
        return found, {"spent": len(found), "found": len(found), "lost": {}}
    if arm == "genetic":
        size = genetic.GeneticConfig().sized(budget)
        parents = nearest_dyes(dyes, rows, objective.wants[0], size)
        first = predict_candidates(predictor, objective, [Candidate(s) for s in parents], MOLECULES)
        problem = molecule_problem(objective, CAPACITY)
        left = budget - len(first)
        search = genetic.search(problem, predictor, objective, left, seed, known=known, first=first)
        search = search._replace(pool=[c for c in search.pool if c.smiles not in known])
    else:
        problem = molecule_problem(objective, CAPACITY)
        if arm == "dyes":
            problem = problem_from(objective, nearest_dyes(dyes, rows, objective.wants[0], STARTS))
        search = gradient.search(problem, predictor, objective, budget, seed, known=known)
    return _submitted(predictor, search, objective, count), {
        "spent": search.spent,
        "found": len(search.pool),
        "lost": search.lost,
    }


def _submitted(predictor: Predictor, search: Search, objective: Objective, count: int) -> list[Candidate]:
    try:
        return submit(predictor, search, objective, count)
    except NoDesignError:
        return []
