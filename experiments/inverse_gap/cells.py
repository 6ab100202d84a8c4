"""One cell of the protocol: a target, a budget, a searcher, a seed → verdicts on its submissions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import numpy as np

from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.rows import design_rows
from mlmat.design.searcher import get_searcher, submit
from mlmat.design.verification import verify_designs
from mlmat.design.wants import Want
from mlmat.errors import NoDesignError
from mlmat.files import atomic_write, write_json
from mlmat.graphs.fingerprints import mean_similarity
from mlmat.oracles.rdkit import describe_smiles
from mlmat.predictor import Predictor

STORED = Path(__file__).parent / "results" / "cells.jsonl"
"""Cells of the stored run."""


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        percentile: of the training gaps that is the target.
        target: the gap itself, eV.
        budget: predictor evaluations.
        searcher: name.
        seed: of the search.
        designs: submitted; the denominator of every share.
    """

    percentile: int
    target: float
    budget: int
    searcher: str
    seed: int
    designs: int

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return f"{self.percentile}-{self.budget}-{self.searcher}-{self.seed}"


@dataclass(frozen=True)
class Result:
    """What came out of a cell.

    Attributes:
        hits: verified within 0.3 eV of the target.
        verified: submissions with a verdict.
        failures: reason → count, of the others.
        error: mean absolute error of the predictor on the verified submissions, eV; None without any.
        new: share of the hits that the predictor was not trained on; None without hits.
        similarity: mean pairwise Tanimoto similarity of the hits; None for fewer than two.
        sa_score: mean synthetic accessibility of the hits; None without hits.
        found: different members of the space that the search came across.
        spent: evaluations.
        search_seconds: processor time of the search.
        oracle_seconds: of the verdicts, summed over workers, also of those known from another cell.
    """

    hits: int
    verified: int
    failures: dict[str, int]
    error: float | None
    new: float | None
    similarity: float | None
    sa_score: float | None
    found: int
    spent: int
    search_seconds: float
    oracle_seconds: float


def run_cell(cell: Cell, predictor: Predictor, known: Sequence[str], folder: Path) -> Result:
    """Run a cell, or read it if it was run before.

    Args:
        cell: what to run.
        predictor: the ensemble that is searched.
        known: SMILES it was trained on.
        folder: of results; verdicts are shared by all cells in it.
    """
    path = folder / "cells" / f"{cell.name}.json"
    if path.exists():
        return Result(**json.loads(path.read_text())["result"])
    want = Want("gap", cell.target, cell.target)
    objective = Objective((want,))
    problem = molecule_problem(objective, predictor.capacity)
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    # Without a state file: the processor time of a search that was taken up again would be wrong.
    search = get_searcher(cell.searcher)(problem, predictor, objective, cell.budget, cell.seed)
    try:
        chosen = submit(predictor, search, objective, cell.designs)
    except NoDesignError:
        chosen = []
    seconds = time.process_time() - began
    verdicts = verify_designs(problem, chosen, folder / "verdicts.jsonl")
    rows = design_rows(chosen, verdicts, known, objective, predictor.properties, cell.searcher)
    done = [row for row in rows if row.verified]
    hits = [row for row in done if row.hit]
    failures: dict[str, int] = {}
    for row in rows:
        if not row.verified:
            failures[row.status] = failures.get(row.status, 0) + 1
    if len(rows) < cell.designs:
        failures["not submitted"] = cell.designs - len(rows)
    smiles = [row.smiles for row in hits]
    result = Result(
        hits=len(hits),
        verified=len(done),
        failures=failures,
        error=float(np.mean([abs(row.first.error) for row in done])) if done else None,
        new=sum(not row.in_training for row in hits) / len(hits) if hits else None,
        similarity=mean_similarity(smiles) if len(smiles) > 1 else None,
        sa_score=float(np.mean([describe_smiles(s).values["sa_score"] for s in smiles])) if hits else None,
        found=len(search.pool),
        spent=search.spent,
        search_seconds=seconds,
        oracle_seconds=sum(verdict.seconds for verdict in verdicts),
    )
    designs = [[row.smiles, row.status, row.first.predicted, row.first.verified] for row in rows]
    write_json(path, {"cell": asdict(cell), "result": asdict(result), "designs": designs})
    return result


def read_cells(folder: Path) -> dict[Cell, Result]:
    """All cells that are finished in a folder, in the order of `in_order`."""
    return in_order(_results(path.read_text() for path in (folder / "cells").glob("*.json")))


def stored_cells() -> dict[Cell, Result]:
    """Cells of the stored run, without their designs; none if it left no table of them."""
    if not STORED.exists():
        return {}
    return _results(STORED.read_text().splitlines())


def write_cells(results: Mapping[Cell, Result], path: Path) -> None:
    """A line for each cell, which `stored_cells` reads once it lies beside the stored results."""
    with atomic_write(path, "w") as stream:
        for cell, result in results.items():
            stream.write(json.dumps({"cell": asdict(cell), "result": asdict(result)}) + "\n")


def in_order(results: Mapping[Cell, Result]) -> dict[Cell, Result]:
    """By target, budget, searcher and seed."""
    return dict(sorted(results.items(), key=lambda pair: (*astuple(pair[0])[:4], pair[0].seed)))


def _results(texts: Iterable[str]) -> dict[Cell, Result]:
    rows = map(json.loads, texts)
    return {Cell(**row["cell"]): Result(**row["result"]) for row in rows}
