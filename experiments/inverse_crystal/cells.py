"""One cell of the protocol: a table, a target, a budget, a searcher, a seed → hits looked up in the table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.inverse_crystal.tables import Halves, Table
from mlmat.design.crystals.climb import CrystalPredictor
from mlmat.design.crystals.members import LIKENESS, likeness, mutate, predict_names
from mlmat.design.crystals.problem import crystal_problem, table_oracle
from mlmat.design.crystals.realise import atoms_of, implausible
from mlmat.design.crystals.space import CrystalSpace
from mlmat.design.objective import Objective, scaled_objective
from mlmat.design.searcher import Candidate, Search, get_searcher, predict_with, submit
from mlmat.design.searchers.descent import make_chunk, make_restart
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.searchers.gradient import GradientConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.verification import verify_designs
from mlmat.design.wants import parse_wants
from mlmat.files import write_json
from mlmat.typing import Problem

KNOWN = 64
"""Best crystals of the training half, whose substitutions are the baseline of that name."""


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        system: name of the table.
        split: how it was halved.
        neutral: whether only crystals of balanced oxidation states may be designed.
        target: name.
        budget: predictor evaluations; 0: all members of the space.
        searcher: name.
        seed: of the search.
        designs: submitted; the denominator of every share.
    """

    system: str
    split: str
    neutral: bool
    target: str
    budget: int
    searcher: str
    seed: int
    designs: int

    @property
    def arm(self) -> str:
        """Space that is searched: ``"perovskites, random half"``."""
        split = {"random": "random half", "families": "unseen elements B"}[self.split]
        return f"{self.system}, {split}{', neutral' if self.neutral else ''}"

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return "-".join(map(str, astuple(self)[:-1]))


@dataclass(frozen=True)
class Result:
    """What came out of a cell.

    Attributes:
        hits: submissions whose looked-up values lie where they are wanted.
        submitted: at most the designs asked for.
        possible: hits there are in the whole space.
        members: of the space.
        error: mean absolute error of the predictor on the submissions, first want, in its unit.
        neutral: submissions whose common oxidation states can balance.
        plausible: submissions with sane distances and volume.
        found: different members that were predicted.
        spent: evaluations.
        seconds: wall time of the search.
    """

    hits: int
    submitted: int
    possible: int
    members: int
    error: float
    neutral: int
    plausible: int
    found: int
    spent: int
    seconds: float


class Arena(NamedTuple):
    """What the cells of one target share.

    Attributes:
        space: held-out crystals.
        predictor: climbable.
        objective: what is wanted.
        problem: with predictions looked up, since all members were predicted once.
        truth: name → property → value of the table.
        known: best crystals of the training half, as members.
        descents: compiled chunks and restarts by number of starts.
    """

    space: CrystalSpace
    predictor: CrystalPredictor
    objective: Objective
    problem: Problem
    truth: dict[str, dict[str, float]]
    known: list[tuple[int, ...]]
    descents: dict[int, Any]


def make_arena(
    table: Table, parts: Halves, predictor: CrystalPredictor, wants: tuple[str, ...], neutral: bool
) -> Arena:
    """Everything before the search."""
    space = table.space(parts.held_out, neutral)
    objective = scaled_objective(parse_wants(wants, predictor.properties), predictor)
    rows = range(len(table.names))
    truth = {
        table.names[row]: {name: float(column[row]) for name, column in table.values.items()} for row in rows
    }
    names = [space.name(row) for row in space.rows.tolist()]
    mean, std = predict_names(space, 0, predictor, names)
    place = {name: k for k, name in enumerate(names)}

    def looked_up(_: Any, asked: list[str]) -> tuple[np.ndarray, np.ndarray]:
        chosen = [place[name] for name in asked]
        return mean[chosen], std[chosen]

    inside = parts.train
    learnt = np.stack([column[inside] for column in table.values.values()], axis=1)
    merit = objective.merit(predictor.properties, learnt, np.zeros_like(learnt), table.names[inside].tolist())
    best = inside[np.argsort(merit, kind="stable")[:KNOWN]]
    # Members of the training half, written in the numbers of the held-out one: the fillings are the same.
    known = [tuple(row) for row in table.space(best).rows.tolist()]
    problem = crystal_problem(objective, space, predictor, partial(table_oracle, truth), looked_up)
    return Arena(space, predictor, objective, problem, truth, known, {})


def substitutions(arena: Arena, seed: int) -> Iterator[str]:
    """Held-out crystals nearest to one or two random substitutions of good known ones; endless."""
    rng, near = np.random.default_rng(seed), likeness(arena.space)
    while True:
        member = arena.known[rng.integers(len(arena.known))]
        for _ in range(int(rng.integers(1, 3))):
            member = mutate(rng, member, near)
        member = arena.space.canonical(member)
        if not arena.space.contains(member):
            logits = [-part[f] / LIKENESS for part, f in zip(near, member, strict=True)]
            member = arena.space.nearest(logits, lambda member: False)
        yield arena.space.name(member)


def options(cell: Cell, arena: Arena) -> tuple[str, dict[str, Any]]:
    """Searcher and its settings for a budget."""
    breeding = GeneticConfig(population=max(16, min(96, cell.budget // 12)), children=16, lineage=0)
    if cell.searcher == "substitution":
        return "screening", {"stream": substitutions(arena, cell.seed)}
    if cell.searcher == "genetic":
        return "genetic", {"config": breeding}
    if cell.searcher == "informed":
        return "informed", {"config": InformedConfig(breeding, 1, chosen=24, waves=3, bred=8)}
    if cell.searcher == "gradient":
        config = GradientConfig(
            steps=12, chunk=2, learning_rate=0.5, harvest=0.3, climb="ensemble",
            parallel=8 if cell.budget >= 500 else 2,
        )  # fmt: skip
        made = make_chunk(arena.problem, config), make_restart(arena.problem, config)
        chunk, restart = arena.descents.setdefault(config.parallel, made)
        return "gradient", {"config": config, "chunk": chunk, "restart": restart}
    return cell.searcher, {}


def run_cell(cell: Cell, arena: Arena, folder: Path) -> Result:
    """Run a cell, or read it if it was run before."""
    path = folder / "cells" / f"{cell.name}.json"
    if path.exists():
        return Result(**json.loads(path.read_text(encoding="utf-8"))["result"])
    path.parent.mkdir(parents=True, exist_ok=True)
    began, members = time.perf_counter(), arena.problem.members
    if cell.searcher == "exhaustive":
        every = [Candidate(arena.space.name(row)) for row in arena.space.rows.tolist()]
        found = predict_with(members.predict, arena.predictor, arena.objective, every)
        search = Search(found, len(found), np.zeros(0), {}, members)
    else:
        name, more = options(cell, arena)
        search = get_searcher(name)(
            arena.problem, arena.predictor, arena.objective, cell.budget, cell.seed, **more
        )
    chosen = submit(arena.predictor, search, arena.objective, cell.designs)
    seconds = time.perf_counter() - began
    verdicts = verify_designs(arena.problem, chosen)
    hits = [arena.objective.hit(verdict.values) for verdict in verdicts]
    want = arena.objective.wants[0].name
    column = arena.predictor.index(want)
    errors = [abs(c.mean[column] - v.values[want]) for c, v in zip(chosen, verdicts, strict=True)]
    structures = [atoms_of(arena.space, arena.predictor, c.name) for c in chosen]
    charges = [arena.space.charges(arena.space.parse(c.name)) for c in chosen]
    result = Result(
        hits=sum(hits),
        submitted=len(chosen),
        possible=possible(arena),
        members=len(arena.space.rows),
        error=float(np.mean(errors)),
        neutral=sum(charge is not None for charge in charges),
        plausible=sum(not implausible(atoms) for atoms in structures),
        found=len(search.pool),
        spent=search.spent,
        seconds=seconds,
    )
    designs = [
        [c.name, c.mean[column], v.values[want], bool(hit)]
        for c, v, hit in zip(chosen, verdicts, hits, strict=True)
    ]
    write_json(path, {"cell": asdict(cell), "result": asdict(result), "designs": designs})
    return result


def possible(arena: Arena) -> int:
    """Hits in the whole space."""
    names = [arena.space.name(row) for row in arena.space.rows.tolist()]
    return sum(arena.objective.hit(arena.truth[name]) for name in names)


def read_cells(folder: Path) -> dict[Cell, Result]:
    """All cells that are finished in a folder."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "cells").glob("*.json")]
    found = {Cell(**row["cell"]): Result(**row["result"]) for row in rows}
    return dict(sorted(found.items(), key=lambda pair: astuple(pair[0])))
