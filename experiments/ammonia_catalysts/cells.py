"""One cell of the comparison: a target, a budget, a searcher, a seed → hits among its submissions."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.ammonia_catalysts.predictor import PROPERTY
from experiments.ammonia_catalysts.space import AlloySpace, design_problem
from mlmat.design.gradient import GradientConfig
from mlmat.design.objective import Objective, scaled_objective
from mlmat.design.searcher import get_searcher, submit
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


def wanted(target: float, predictor: Any) -> Objective:
    """An adsorption energy, as `Objective`; members of one alloy share their places."""
    want = Want(PROPERTY, target, target, tolerance=TOLERANCE)
    return scaled_objective((want,), predictor)


def search(space: AlloySpace, predictor: Any, objective: Objective, cell: Cell) -> Any:
    """Run the cell's searcher within its budget."""
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
    objective = wanted(cell.target, predictor)
    found = search(space, predictor, objective, cell)
    seconds = time.perf_counter() - began
    problem = design_problem(space, objective)
    designs = submit(predictor, found, objective, cell.designs, problem.members)
    verdicts = verify_designs(problem, designs)
    truth = np.array([verdict.values[PROPERTY] for verdict in verdicts])
    mean = np.array([design.mean[0] for design in designs])
    result = Result(
        hits=sum(objective.hit({PROPERTY: value}) for value in truth),
        error=float(np.abs(mean - truth).mean()),
        merit=float(np.mean([design.merit for design in designs])),
        spent=found.spent,
        seconds=seconds,
        designs=[
            (design.name, design.mean[0], design.std[0], float(value))
            for design, value in zip(designs, truth, strict=True)
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(result))
    return result
