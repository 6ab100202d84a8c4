"""One cell of the comparison: a target, a budget, a searcher, a seed → hits among its submissions."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.ammonia_catalysts.predictor import PROPERTY
from experiments.ammonia_catalysts.space import AlloySpace, design_problem
from mlmat.design.objective import Objective, scaled_objective
from mlmat.design.searcher import Search, get_searcher, submit
from mlmat.design.searchers.gradient import GradientConfig
from mlmat.design.verification import verify_designs
from mlmat.design.wants import Want
from mlmat.files import write_json

TOLERANCE = 0.2
"""eV; half of the width of the window that counts as a hit."""

SEARCHERS = ("gradient", "informed", "genetic", "random", "brute force")


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        target: wanted adsorption energy, eV.
        budget: predictor evaluations; 0: all members of the space.
        searcher: one of `SEARCHERS`.
        seed: of the split, the training and the search.
        designs: submitted; the denominator of every share.
    """

    target: float
    budget: int
    searcher: str
    seed: int
    designs: int

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return f"{self.seed}-{self.target:+.1f}-{self.budget}-{self.searcher.replace(' ', '_')}"


@dataclass(frozen=True)
class Result:
    """What came out of a cell.

    Attributes:
        hits: submissions whose energy in the table is in the window.
        error: mean absolute error of the predictor on the submissions, eV.
        merit: mean of the submissions.
        spent: evaluations.
        seconds: of the search.
        designs: name, predicted energy, its deviation and the table's energy (eV), the best first.
    """

    hits: int
    error: float
    merit: float
    spent: int
    seconds: float
    designs: list[tuple[str, float, float, float]]


def gradient_config(budget: int) -> GradientConfig:
    """Short lives of few starts, whose materials are realised after every step.

    Chosen among six settings by the mean merit of the submissions in the space of the training rows
    (−0.5 eV, one seed): 0.31 with 250 evaluations, where the others gave 0.35 to 0.45, and 0.095 with
    1,000 (0.104 to 0.133).
    """
    if budget < 500:
        steps, rate, harvest, parallel = 20, 0.3, 0.2, 4
    else:
        steps, rate, harvest, parallel = 6, 0.8, 0.3, 8
    return GradientConfig(
        steps=steps, chunk=1, learning_rate=rate, harvest=harvest, climb="ensemble", parallel=parallel
    )


def wanted(predictor: Any) -> Objective:
    """An adsorption energy of zero, as `Objective`; members of one alloy share their places."""
    return scaled_objective((Want(PROPERTY, 0.0, 0.0, tolerance=TOLERANCE),), predictor)


def relative(predictor: Any, target: float) -> Any:
    """The predictor whose energies count from the target: so all targets share the compiled programs."""
    return replace(predictor, mean=predictor.mean - target)


def search(space: AlloySpace, predictor: Any, objective: Objective, cell: Cell) -> Search:
    """Run the cell's searcher within its budget.

    Args:
        space: of the members.
        predictor: see `relative`.
        objective: what is wanted.
        cell: what is run.
    """
    problem = design_problem(space, objective)
    budget = cell.budget or len(space.names)
    arguments = (problem, predictor, objective, budget, cell.seed)
    if cell.searcher == "brute force":
        return get_searcher("screening")(*arguments, stream=space.names)
    if cell.searcher == "gradient":
        return get_searcher("gradient")(*arguments, config=gradient_config(budget))
    return get_searcher(cell.searcher)(*arguments)


def run_cell(space: AlloySpace, predictor: Any, cell: Cell, path: Path) -> Result:
    """Search, submit, look up; read if it was run before."""
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        return Result(**content | {"designs": [tuple(row) for row in content["designs"]]})
    began = time.perf_counter()
    predictor = relative(predictor, cell.target)
    objective = wanted(predictor)
    found = search(space, predictor, objective, cell)
    seconds = time.perf_counter() - began
    problem = design_problem(space, objective)
    designs = submit(predictor, found, objective, cell.designs)
    verdicts = verify_designs(problem, designs)
    truth = np.array([verdict.values[PROPERTY] for verdict in verdicts])
    mean = np.array([design.mean[0] for design in designs]) + cell.target
    result = Result(
        hits=sum(objective.hit({PROPERTY: value - cell.target}) for value in truth),
        error=float(np.abs(mean - truth).mean()),
        merit=float(np.mean([design.merit for design in designs])),
        spent=found.spent,
        seconds=seconds,
        designs=[
            (design.name, float(energy), design.std[0], float(value))
            for design, energy, value in zip(designs, mean, truth, strict=True)
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(result))
    return result
