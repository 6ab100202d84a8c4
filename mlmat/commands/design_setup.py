"""What `mlmat design` searches with: predictors, what they were trained on, constraints, oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlmat.commands.design_options import DesignOptions
from mlmat.commands.runs import progress_bar
from mlmat.errors import InputError, TargetError

TIME_LIMIT = 60.0
"""Seconds for one molecule at the oracle."""


class Knowledge(NamedTuple):
    """What the predictor was trained on.

    Attributes:
        smiles: training molecules; empty if unknown.
        values: property → values of the training molecules, where they are at hand.
        data: data set → checksum.
        errors: property → validation error (MAE).
    """

    smiles: list[str]
    values: dict[str, np.ndarray]
    data: dict[str, str]
    errors: dict[str, float]


class Setup(NamedTuple):
    """All that a search needs.

    Attributes:
        predictor: an ensemble, or several as one.
        knowledge: about its training.
        objective: what is wanted.
        problem: init, decode, loss, realise, verify.
        constraints: what every design must obey.
        oracle: name of the judge.
    """

    predictor: Any
    knowledge: Knowledge
    objective: Any
    problem: Any
    constraints: Any
    oracle: str


def set_up(options: DesignOptions, out: Path) -> Setup:
    """Everything before the search; trains a predictor if that was asked for.

    Raises:
        InputError, TargetError: wants that no predictor or oracle knows, impossible constraints.
    """
    from mlmat.design.molecules.problem import molecule_problem
    from mlmat.design.objective import SIMILARITY, scaled_objective
    from mlmat.design.wants import check_range, parse_wants

    names = [want.name for want in parse_wants(options.want) if want.name != SIMILARITY]
    predictor, knowledge = _predictors(options, out, names)
    wants = parse_wants(options.want, (*predictor.properties, SIMILARITY))
    for want in wants:
        values = knowledge.values.get(want.name, ())
        if len(values):
            check_range(want, float(np.min(values)), float(np.max(values)))
    objective = scaled_objective(
        wants, predictor, options.caution, options.start, options.pareto, options.diversity
    )
    constraints = parse_constraints(options)
    problem = molecule_problem(objective, predictor.capacity, constraints)
    judge, oracle = _oracle(options, names)
    problem = problem._replace(verify=partial(judge, workers=options.workers))
    return Setup(predictor, knowledge, objective, problem, constraints, oracle)


def parse_constraints(options: DesignOptions) -> Any:
    """Constraints from their texts.

    Raises:
        InputError: a text that cannot be read, or constraints that contradict each other.
    """
    from mlmat.design.molecules.constraints import Constraints, parse_elements, parse_rings, parse_span

    given: dict[str, Any] = {"keep": options.keep, "start": options.start}
    if options.elements is not None:
        given["elements"] = parse_elements(options.elements)
    if options.size is not None:
        given["sizes"] = parse_span(options.size, "size")
    if options.rings is not None:
        given["rings"] = parse_rings(options.rings)
    return Constraints(**given)


def _oracle(options: DesignOptions, names: Sequence[str]) -> tuple[Callable[..., Iterator], str]:
    """The judge of all wanted properties, and what it is called."""
    from mlmat.oracles import rdkit, xtb
    from mlmat.oracles.pool import judge
    from mlmat.oracles.together import Together
    from mlmat.oracles.user import load_oracle

    parts: list[Callable] = []
    titles: list[str] = []
    if options.oracle is not None:
        parts, titles = [load_oracle(options.oracle, names[0])], [options.oracle]
    else:
        quantum = [name for name in names if name in xtb.UNITS]
        strange = [name for name in names if name not in (*xtb.UNITS, *rdkit.UNITS)]
        if strange:
            raise InputError(
                f"no oracle that ships with mlmat knows {', '.join(strange)}: "
                "give your own, --oracle MODULE:FUNCTION"
            )
        if quantum:
            parts, titles = [xtb.label_smiles], ["GFN2-xTB"]
        if len(quantum) < len(names):
            titles.append("RDKit")
    # RDKit's properties cost milliseconds and are shown for every design.
    together = Together((*parts, rdkit.describe_smiles))

    def verify(smiles: Sequence[str], workers: int | None = None) -> Iterator:
        return judge(together, smiles, workers=workers, time_limit=TIME_LIMIT)

    return verify, " and ".join(titles)


def _predictors(options: DesignOptions, out: Path, names: Sequence[str]) -> tuple[Any, Knowledge]:
    """The predictor of the wanted properties, joined by the shipped one of RDKit's if it is needed."""
    from mlmat.design.objective import SIMILARITY
    from mlmat.design.wants import parse_wants
    from mlmat.predictor import SHIPPED_RDKIT, load_predictor, read_header
    from mlmat.predictor.joint import join

    ours = load_predictor(SHIPPED_RDKIT)
    if options.data is None and options.predictor is None and set(names) <= set(ours.properties):
        return ours, _knowledge(SHIPPED_RDKIT)
    predictor, knowledge = _main_predictor(options, out, names)
    if set(names) <= set(predictor.properties):
        return predictor, knowledge
    parse_wants(options.want, (*predictor.properties, *ours.properties, SIMILARITY))
    if set(predictor.properties) & set(ours.properties):
        known = ", ".join(predictor.properties)
        raise TargetError(f"the predictor given knows {known}: want these, or train one on the others")
    errors = knowledge.errors | read_header(SHIPPED_RDKIT)["notes"].get("validation_mae", {})
    return join(predictor, ours), knowledge._replace(errors=errors)


def _main_predictor(options: DesignOptions, out: Path, names: Sequence[str]) -> tuple[Any, Knowledge]:
    """The predictor given, trained here, or shipped."""
    from mlmat.data.tables import read_table
    from mlmat.predictor import SHIPPED, load_predictor, read_header
    from mlmat.pretrained.make import train_gap_predictor, train_on
    from mlmat.training.config import TrainingConfig

    trained = out / "trained.mlmat"
    training = TrainingConfig(epochs=options.epochs)
    with progress_bar() as progress:

        def report(row: dict[str, float]) -> None:
            if not progress.tasks:
                progress.add_task("training", total=options.epochs)
            progress.update(progress.tasks[0].id, completed=row["epoch"])

        if options.data is not None:
            tables = [read_table(options.data, target=name) for name in names]
            smiles, targets = tables[0][0], np.stack([values for _, values in tables], axis=1)
            if not trained.exists():
                train_on(smiles, targets, tuple(names), trained, training, report)
            errors = read_header(trained)["notes"]["validation_mae"]
            values = dict(zip(names, targets.T, strict=True))
            return load_predictor(trained), Knowledge(smiles, values, {str(options.data): ""}, errors)
        if options.train and not trained.exists():
            train_gap_predictor(trained, training, report)
    path = trained if options.train else options.predictor or SHIPPED
    return load_predictor(path), _knowledge(path)


def _knowledge(path: Path) -> Knowledge:
    """What a predictor file says of its training; the molecules, if it learnt the embedded set."""
    from mlmat.data import small_organics
    from mlmat.predictor import read_header
    from mlmat.pretrained.make import gap_split

    notes = read_header(path)["notes"]
    errors = notes.get("validation_mae", {})
    if notes.get("data", {}).get("sha256") != small_organics.provenance()["gfn2_sha256"]:
        return Knowledge([], {}, {}, errors)
    data, rows = small_organics.load(), gap_split().train
    values = {name: data[name][rows] for name in data.arrays if data[name].ndim == 1 and name != "smiles"}
    return Knowledge(
        data["smiles"][rows].tolist(), values, {"small_organics": notes["data"]["sha256"]}, errors
    )
