"""From submissions to shares, exact values and errors, each beside what nobody designed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.inverse_logp_qed.cells import Cell, Result
from experiments.inverse_logp_qed.tasks import Task, has_pattern
from mlmat.analysis.record import Metric
from mlmat.analysis.seeds import mean_interval
from mlmat.graphs.fingerprints import mean_similarity
from mlmat.metrics import wilson_interval
from mlmat.pretrained.make_rdkit import PROPERTIES

Group = list[tuple[Cell, Result]]

TOP = 3


class Truth(NamedTuple):
    """What is known without designing; columns are `PROPERTIES`.

    Attributes:
        smiles: of the embedded set, random members of the space.
        values: ``[N, P]`` RDKit's values of them.
        train: rows the surrogate was trained on.
        test: ``[N_test, P]`` RDKit's values of the test part.
        mean: ``[N_test, P]`` predictions for it.
        std: ``[N_test, P]`` their standard deviations.
    """

    smiles: list[str]
    values: np.ndarray
    train: np.ndarray
    test: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def columns(values: np.ndarray) -> dict[str, np.ndarray]:
    """``[N, P]`` as a dict of ``[N]`` by property."""
    return dict(zip(PROPERTIES, np.asarray(values, float).reshape(-1, len(PROPERTIES)).T, strict=True))


def exact(result: Result) -> dict[str, np.ndarray]:
    """Exact values of the submissions by property."""
    return columns([design.exact for design in result.designs])


def hit_share(cell: Cell, result: Result, task: Task) -> float:
    """Share of the submissions asked for that are hits; missing ones are misses."""
    return float(task.hits(exact(result)).sum()) / cell.designs


def base_rate(task: Task, truth: Truth) -> tuple[int, int]:
    """Hits among random members of the space that hold what must be kept, and how many those are."""
    hits = task.hits(columns(truth.values))
    if task.keep is None:
        return int(hits.sum()), len(hits)
    held = np.array([has_pattern(smiles, task.keep) for smiles in truth.smiles])
    return int((hits & held).sum()), int(held.sum())


def errors(results: Sequence[Result], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Predicted minus exact values of a property over all submissions, and the ensemble's deviations."""
    column = PROPERTIES.index(name)
    rows = [(d.mean[column] - d.exact[column], d.std[column]) for r in results for d in r.designs]
    return tuple(np.array(rows, float).reshape(-1, 2).T)


def test_errors(truth: Truth, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The same on the test part."""
    column = PROPERTIES.index(name)
    return (truth.mean - truth.test)[:, column], truth.std[:, column]


def grouped(results: Mapping[Cell, Result]) -> dict[tuple[str, int, str], Group]:
    """Cells of one task, budget and searcher, over seeds."""
    groups: dict[tuple[str, int, str], Group] = {}
    for cell, result in results.items():
        groups.setdefault((cell.task, cell.budget, cell.searcher), []).append((cell, result))
    return groups


def over_seeds(group: Group, measure: Callable[[Cell, Result], float]) -> tuple[float, float | None]:
    """Mean over seeds, and the standard error (1.96-fold: half the 95 % interval; None for one seed)."""
    mean, half = mean_interval([measure(cell, result) for cell, result in group])
    return mean, half / 1.96 if np.isfinite(half) else None


def all_metrics(results: Mapping[Cell, Result], tasks: Mapping[str, Task], truth: Truth) -> list[Metric]:
    """Everything: without design, then of every task, budget and searcher."""
    found = _without_design(tasks, truth)
    for (name, budget, searcher), group in grouped(results).items():
        common = {"variant": f"{name}, {searcher}, {budget:,} evaluations", "n_seeds": len(group)}
        found += _task_metrics(tasks[name], group, common) + _error_metrics(tasks[name], group, truth, common)
    return found


def _without_design(tasks: Mapping[str, Task], truth: Truth) -> list[Metric]:
    found = []
    for task in tasks.values():
        if not task.countable:
            continue
        hits, tried = base_rate(task, truth)
        low, high = wilson_interval(hits, tried)
        of = f"{task.name}, random members nobody chose" + (" that hold the ring" if task.keep else "")
        found.append(
            Metric("hit share", hits / tried, std=(high - low) / (2 * 1.96), variant=of, n_test=tried)
        )
    qed = np.sort(truth.values[truth.train, PROPERTIES.index("qed")])[::-1]
    for name, part, of in (
        ("exact QED, mean", qed[:128], "best 128 of the training set"),
        ("exact QED, best", qed[:1], "training set"),
        (f"exact QED, mean of the first {TOP}", qed[:TOP], f"best {TOP} of the training set"),
    ):
        found.append(Metric(name, float(part.mean()), "1", variant=of, n_test=len(part)))
    for name in PROPERTIES:
        error, std = test_errors(truth, name)
        common = {"variant": "test part", "n_test": len(error)}
        found.append(Metric(f"{name}: mean absolute error", float(np.abs(error).mean()), "1", **common))
        found.append(
            Metric(f"{name}: median |error/std|", float(np.median(np.abs(error / std))), "1", **common)
        )
    return found


def _task_metrics(task: Task, group: Group, common: dict) -> list[Metric]:
    asked = sum(cell.designs for cell, _ in group)
    found = []
    if task.countable:
        share, std = over_seeds(group, lambda cell, result: hit_share(cell, result, task))
        if std is None:  # one seed: the interval of its designs alone
            low, high = wilson_interval(round(share * asked), asked)
            std = (high - low) / (2 * 1.96)
        found.append(Metric("hit share", share, std=std, n_test=asked, **common))
        seconds = sum(r.search_seconds + r.oracle_seconds for _, r in group)
        found.append(Metric("hits per CPU-second", share * asked / seconds, "1/s", **common))
        hits = [[d for d, hit in zip(r.designs, task.hits(exact(r)), strict=True) if hit] for _, r in group]
        new = [not design.known for part in hits for design in part]
        if new:
            found.append(
                Metric("hits not in the training set", float(np.mean(new)), n_test=len(new), **common)
            )
        alike = [mean_similarity([d.smiles for d in part]) for part in hits if len(part) > 1]
        if alike:
            found.append(Metric("mean similarity of the hits", float(np.mean(alike)), "1", **common))
    elif all(len(r.designs) >= TOP for _, r in group):
        for name, measure in (
            ("exact QED, mean", lambda _, r: exact(r)["qed"].mean()),
            ("exact QED, best", lambda _, r: exact(r)["qed"].max()),
            (f"exact QED, mean of the first {TOP}", lambda _, r: exact(r)["qed"][:TOP].mean()),
            (f"exact QED, best of the first {TOP}", lambda _, r: exact(r)["qed"][:TOP].max()),
        ):
            value, std = over_seeds(group, measure)
            found.append(
                Metric(name, value, "1", std=std, n_test=sum(len(r.designs) for _, r in group), **common)
            )
    if task.keep is not None:
        held = [has_pattern(design.smiles, task.keep) for _, r in group for design in r.designs]
        if held:
            found.append(
                Metric("designs that hold the ring", float(np.mean(held)), n_test=len(held), **common)
            )
    return found


def _error_metrics(task: Task, group: Group, truth: Truth, common: dict) -> list[Metric]:
    found = []
    for want in task.parsed:
        error, std = errors([result for _, result in group], want.name)
        if not len(error):
            continue
        size, tested = float(np.abs(error).mean()), float(np.abs(test_errors(truth, want.name)[0]).mean())
        more = {"n_test": len(error), **common}
        found.append(Metric(f"{want.name}: mean absolute error", size, "1", **more))
        found.append(Metric(f"{want.name}: that error over the test error", size / tested, "1", **more))
        found.append(Metric(f"{want.name}: predicted less exact, mean", float(error.mean()), "1", **more))
        found.append(
            Metric(f"{want.name}: median |error/std|", float(np.median(np.abs(error / std))), "1", **more)
        )
    return found
