"""One cell: a task, a budget, a searcher, a seed → submissions with predicted and exact values."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from experiments.inverse_logp_qed.tasks import Task
from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import scaled_objective
from mlmat.design.searcher import get_searcher, submit
from mlmat.errors import NoDesignError
from mlmat.files import write_json
from mlmat.oracles.rdkit import describe_smiles


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        task: name of the task.
        budget: predictor evaluations.
        searcher: name.
        seed: of the search.
        designs: submissions asked for; the denominator of every share.
    """

    task: str
    budget: int
    searcher: str
    seed: int
    designs: int

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return f"{self.task}-{self.budget}-{self.searcher}-{self.seed}-{self.designs}"


class Design(NamedTuple):
    """One submission; values in the order of the predictor's properties.

    Attributes:
        smiles: canonical SMILES.
        mean: predicted means.
        std: their standard deviations over the ensemble.
        exact: RDKit's values.
        known: whether the predictor was trained on it.
    """

    smiles: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    exact: tuple[float, ...]
    known: bool


class Result(NamedTuple):
    """What came out of a cell.

    Attributes:
        designs: in the order of trust; fewer than asked for if the search found fewer.
        found: different molecules that the search came across.
        spent: evaluations.
        search_seconds: processor time of the search.
        oracle_seconds: of RDKit's values.
    """

    designs: tuple[Design, ...]
    found: int
    spent: int
    search_seconds: float
    oracle_seconds: float


def read_cell(path: Path) -> Result:
    """The stored result of a cell."""
    stored = json.loads(path.read_text(encoding="utf-8"))["result"]
    rows = [
        Design(smiles, tuple(mean), tuple(std), tuple(exact), known)
        for smiles, mean, std, exact, known in stored.pop("designs")
    ]
    return Result(tuple(rows), **stored)


def run_cell(cell: Cell, task: Task, predictor: Any, known: Collection[str], folder: Path) -> Result:
    """Run a cell, or read it if it was run before.

    Args:
        cell: what to run.
        task: the task of this name.
        predictor: the ensemble that is searched.
        known: SMILES it was trained on.
        folder: of the cells' files.
    """
    path = folder / f"{cell.name}.json"
    if path.exists():
        return read_cell(path)
    objective = scaled_objective(task.parsed, predictor)
    constraints = Constraints(keep=task.keep)
    problem = molecule_problem(objective, predictor.capacity, constraints)
    state = folder / f"{cell.name}.state"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    search = get_searcher(cell.searcher)(
        problem,
        predictor,
        objective,
        cell.budget,
        cell.seed,
        allowed=constraints.allows if task.keep else None,
        state_file=state,
    )
    try:
        chosen = submit(predictor, search, objective, cell.designs)
    except NoDesignError:
        chosen = []
    searched = time.process_time()
    exact = [describe_smiles(design.smiles).values for design in chosen]
    judged = time.process_time()
    rows = tuple(
        Design(d.smiles, d.mean, d.std, tuple(values[p] for p in predictor.properties), d.smiles in known)
        for d, values in zip(chosen, exact, strict=True)
    )
    result = Result(rows, len(search.pool), search.spent, searched - began, judged - searched)
    write_json(path, {"cell": asdict(cell), "result": result._asdict()})
    for left in folder.glob(f"{cell.name}.state*"):
        left.unlink()
    for part in ("gradient", "genetic"):
        state.with_suffix(f".{part}").unlink(missing_ok=True)
    return result
