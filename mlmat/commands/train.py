"""`mlmat train`: a user's own data → a predictor, its scores beside baselines, a report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlmat.commands.runs import command_line, console, prepare, prepare_process, progress_bar
from mlmat.commands.train_options import TrainOptions
from mlmat.errors import InputError
from mlmat.training.config import LossConfig

MOST_ROWS = 14_000
"""Rows of a kernel matrix that SciPy's OpenBLAS factorises; with 20,000 it was seen to crash."""

FOLDED = ("kfold", "leave-out")
"""Splits of several trainings."""


class Fit(NamedTuple):
    """One split, one training, one evaluation.

    Attributes:
        name: ``"seed 0"`` or ``"fold 1"``.
        seed: of the weights and the order.
        parts: train, validation, test rows.
        trained: what `fit_task` gave.
        evaluation: scores on the test rows.
        leaks: items in more than one part.
        seconds: wall time.
    """

    name: str
    seed: int
    parts: Any
    trained: Any
    evaluation: Any
    leaks: list
    seconds: float


def run(options: TrainOptions) -> int:
    """Run the command; returns the exit code."""
    began = time.perf_counter()
    if options.resume is None:
        _check(options)
    options, out = prepare(options, "train")
    console.print(f"[bold]mlmat train[/] {options.data or options.file} → {out}")
    prepare_process()
    with console.status("reading"):
        data, task, init = _task(options)
    if options.split == "auto":
        published = data.parts is not None and "test" in data.parts
        options = replace(options, split="published" if published else "random")
    _say(data)
    fits = []
    for name, seed, parts in _splits(options, data, task):
        console.print(
            f"[bold]{name}[/]: {len(parts.train):,} to train, {len(parts.validation):,} to validate, "
            f"{len(parts.test):,} to test"
        )
        fits.append(_fit(options, out, data, task, init, name, seed, parts))
    from mlmat.commands.train_outputs import write_outputs

    write_outputs(
        options,
        out,
        data,
        task,
        fits,
        command_line(options, "train", () if options.data else ("file",)),
        began,
    )
    return 0


def _check(options: TrainOptions) -> None:
    """What can be said before a folder is made or a file is read."""
    if options.data is not None:
        if options.file is not None or options.unit:
            raise InputError("--data names a set with its own units: leave the file and --unit out")
    elif options.file is None:
        raise InputError("name the file to learn from: mlmat train FILE --target NAME --unit UNIT")
    if not options.target and options.data is None:
        raise InputError("name what is to be learnt: --target NAME (a column, or a key of extxyz frames)")
    if options.task == "regression" and not options.unit and options.data is None:
        raise InputError("name the unit of the target: --unit eV (or nm, ...; 1 for a pure number)")
    if options.seeds < 1 or (options.seeds > 1 and options.split.startswith(FOLDED)):
        raise InputError("--seeds must be at least 1, and goes with one split: use folds or seeds, not both")
    if not 1 <= options.baseline_rows <= MOST_ROWS:
        raise InputError(f"--baseline-rows must be 1 to {MOST_ROWS}: larger kernels crash in OpenBLAS")
    if options.freeze and options.init is None:
        raise InputError("--freeze keeps parts of the network given by --init: name that file, too")
    if min(options.fractions) <= 0 or abs(sum(options.fractions) - 1) > 1e-6:
        raise InputError("--fractions are three positive numbers that add up to 1, such as 0.8 0.1 0.1")


def _task(options: TrainOptions):
    """The data, the task, and the predictor to go on from."""
    from mlmat.data.own import read_own_data
    from mlmat.data.own.registered import registered_data

    if options.data is not None:
        data = registered_data(options.data, options.target, options.data_dir)
        return _checked(options, data)
    group = _column(options)
    units = options.unit[0] if len(options.unit) == 1 else (options.unit or "1")
    data = read_own_data(
        options.file,
        targets=options.target,
        units=units,
        smiles_column=options.smiles,
        id_column=options.id,
        group_column=group,
        structures=options.structures,
        task=options.task,
    )
    return _checked(options, data)


def _column(options: TrainOptions) -> str | None:
    """The column of labels that a split needs; families of structures follow from the structures."""
    from mlmat.data.families import FAMILIES
    from mlmat.data.folds import label_of
    from mlmat.data.own.read import TABLES
    from mlmat.data.own.text import suffix_of

    label = label_of(options.split)
    table = suffix_of(options.file) in TABLES and options.structures is None
    return None if label in FAMILIES and not table else label


def _checked(options: TrainOptions, data: Any):
    """The data with their task and the predictor to go on from, which must take them."""
    from mlmat.predictor import load_predictor
    from mlmat.recipes.task import task_of

    init = None if options.init is None else load_predictor(options.init)
    if init is not None and init.encoder.kind != data.kind:
        raise InputError(f"{options.init} takes {init.encoder.kind}, and {options.source} holds {data.kind}")
    return data, task_of(data), init


def _say(data: Any) -> None:
    """What was read, guessed and left out."""
    from mlmat.data.own.contents import frequent_reasons

    kinds = {"smiles": "molecules", "structure": "structures"}
    console.print(f"{len(data):,} {kinds[data.kind]}, {len(set(data.identity)):,} of them different")
    for note in data.notes:
        console.print(f"  {note}", style="yellow" if note.startswith("warning") else "dim", highlight=False)
    if data.skips:
        console.print(f"  {len(data.skips):,} rows left out: {frequent_reasons(data.skips)}", style="yellow")


def _splits(options: TrainOptions, data: Any, task: Any) -> Iterator[tuple[str, int, Any]]:
    """Name, seed and parts of every training."""
    from mlmat.data.families import FAMILIES, family_labels
    from mlmat.data.folds import label_of, split_by_name
    from mlmat.data.structures import split_by_parts

    smiles = list(task.items) if task.kind == "smiles" else None
    label = label_of(options.split)
    groups = None if data.groups is None else {label: data.groups}
    if smiles is None and label in FAMILIES:
        groups = {label: family_labels(label, task.items)}

    def parts(seed: int) -> list:
        if options.split == "published":
            return [split_by_parts(data.parts, data.groups, seed)]
        return split_by_name(options.split, smiles, data.identity, groups, options.fractions, seed)

    if options.split.startswith(FOLDED):
        for number, split in enumerate(parts(options.seed), 1):
            yield f"fold {number}", options.seed, split
        return
    for seed in range(options.seed, options.seed + options.seeds):
        yield f"seed {seed}", seed, parts(seed)[0]


def _fit(options: TrainOptions, out: Path, data, task, init, name: str, seed: int, parts) -> Fit:
    """Train on one split (or take up where an interrupted run stopped) and evaluate."""
    from mlmat.predictor import load_predictor, read_header, save_predictor
    from mlmat.recipes.evaluate import evaluate, find_leaks
    from mlmat.recipes.fit import TrainedTask, fit_task

    began = time.perf_counter()
    stem = out / name.replace(" ", "-")
    file = stem.with_suffix(".mlmat")
    leaks = find_leaks(task, data.identity, parts)
    extensive = {"auto": None, "yes": True, "no": False}[options.extensive]
    if file.exists():
        notes = read_header(file)["notes"]
        kept = notes["kept"]
        trained = TrainedTask(load_predictor(file), kept["history"], kept["notes"], kept["seconds"])
    else:
        choice = _choice(options, stem, task, parts, seed, extensive)
        with progress_bar("{task.fields[info]}") as progress:
            bar = progress.add_task("training", total=choice.training.epochs, info="compiling")

            def report(row: dict[str, float]) -> None:
                shown = [k for k in row if k.startswith("validation")][:2]
                numbers = ", ".join(f"{k} {row[k]:.3g}" for k in shown)
                speed = f"{row['examples_per_second']:,.0f} items/s"
                progress.update(bar, completed=row["epoch"], info=f"{speed}, {numbers}")

            trained = fit_task(
                task,
                parts.train,
                parts.validation,
                choice,
                extensive=extensive,
                init=init,
                frozen=options.freeze,
                checkpoint=stem.with_suffix(".state"),
                log=stem.with_suffix(".log.jsonl"),
                report=report,
            )
        kept = {"history": trained.history, "notes": trained.notes, "seconds": trained.seconds}
        save_predictor(trained.predictor, file, {"kept": kept})
        stem.with_suffix(".state").unlink(missing_ok=True)
    for note in trained.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    with console.status("test part and baselines"):
        evaluation = evaluate(
            task,
            parts,
            trained.predictor,
            dataset=options.source,
            split=f"{options.split} test",
            seed=seed,
            max_rows=options.baseline_rows,
        )
    return Fit(name, seed, parts, trained, evaluation, leaks, time.perf_counter() - began)


def chosen_loss(options: TrainOptions, usual: LossConfig) -> LossConfig:
    """What training minimises: stress, where known, is learnt unless the model's own loss leaves it out."""
    if options.loss_weights is not None:
        energy, forces, stress = options.loss_weights
        usual = replace(usual, energy=energy, forces=forces, stress=stress)
    elif usual == LossConfig():
        usual = replace(usual, stress=1.0)
    return usual if options.loss is None else replace(usual, kind=options.loss)


def _choice(options: TrainOptions, stem: Path, task, parts, seed: int, extensive: bool | None):
    """Model and settings, searched for if asked."""
    from mlmat.recipes.choice import choose, mean_size
    from mlmat.recipes.tune import tune_choice

    names = ("members", "epochs", "batch", "learning_rate", "optimiser", "features", "layers")
    names += ("cutoff", "neighbours", "patience")
    given = {name: getattr(options, name) for name in names}
    choice = choose(
        task.kind,
        len(parts.train),
        mean_size(task.items),
        model=options.model,
        preset=options.preset,
        seed=seed,
        crystals=task.crystals,
        report=lambda note: console.print(f"  {note}", style="dim", highlight=False),
        **given,
    )
    choice = replace(choice, loss=chosen_loss(options, choice.loss))
    if not options.search:
        return choice
    with progress_bar("{task.fields[info]}") as progress:
        bar = progress.add_task("searching settings", total=None, info="")

        def report(trial: Any) -> None:
            score = "failed" if trial.score is None or np.isnan(trial.score) else f"{trial.score:.3g}"
            progress.update(bar, advance=1, info=f"last: {score}")

        log = stem.with_suffix(".search.jsonl")
        choice, result = tune_choice(
            task, parts.train, parts.validation, choice, options.search, extensive=extensive, log=log,
            progress=report,
        )  # fmt: skip
    console.print(f"  best of {options.search} settings: {json.dumps(result.best.config)}", style="dim")
    return choice
