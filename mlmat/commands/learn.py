"""`mlmat learn`: a potential that explores by dynamics and asks an oracle for the labels it lacks."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from rich.progress import TaskID

from mlmat.commands.learn_options import LearnOptions
from mlmat.commands.runs import (
    command_line,
    console,
    plain_options,
    prepare,
    prepare_process,
    progress_bar,
)
from mlmat.commands.structures import read_structures
from mlmat.errors import InputError

STAGES = {"train": "training", "explore": "dynamics", "verify": "labels"}


def run(options: LearnOptions) -> int:
    """Run the command; returns the exit code."""
    if options.resume is None and (options.file is None or not options.oracle):
        raise InputError("give structures and --oracle: emt, gfn2, or MODULE:FUNCTION of your own")
    prepare_process()
    from mlmat.design.campaign.explorations import LearningConfig
    from mlmat.design.campaign.frames import Committee
    from mlmat.design.campaign.potential import learn_potential
    from mlmat.oracles.structures import structure_oracle

    given, out = options, None
    if options.resume is not None:
        options, out = prepare(options, "learn")
    # Everything that can be wrong is found before a folder is made.
    starts = read_structures(options.file)
    known = read_labelled(options.known) if options.known else []
    test = read_labelled(options.test) if options.test else []
    oracle = structure_oracle(options.oracle)
    same = ("rounds", "labels", "frames", "interval", "time_step", "friction", "pressure", "least")
    same += ("furthest", "pick", "rattle", "seed")
    chosen = {name: getattr(options, name) for name in same}
    config = LearningConfig(temperatures=tuple(options.temperature), **chosen)
    committee = Committee(options.model, options.members, options.preset, options.cutoff, options.epochs)
    if out is None:
        options, out = prepare(given, "learn")
    began = time.perf_counter()
    with progress_bar() as progress:
        bars: dict[tuple[int, str], TaskID] = {}

        def report(number: int, stage: str, done: int, total: int) -> None:
            if (number, stage) not in bars:
                label = f"after round {number}" if stage == "train" else f"round {number}"
                bars[number, stage] = progress.add_task(f"{label}: {STAGES[stage]}", total=total)
            progress.update(bars[number, stage], completed=done)

        learned = learn_potential(
            starts, oracle, config, committee, out, known=known, test=test,
            workers=options.workers, time_limit=options.time_limit, report=report,
        )  # fmt: skip
    shutil.copyfile(out / f"predictor-{len(learned.rounds)}.mlmat", out / "predictor.mlmat")
    _conclude(options, out, learned, time.perf_counter() - began)
    return 0


def read_labelled(path: Path) -> list[Any]:
    """All structures of a file, with their labels and nothing else.

    Raises:
        InputError: a structure without energy or forces.
    """
    from mlmat.design.campaign.frames import labelled

    found = []
    for number, atoms in enumerate(read_structures(path)):
        values = {} if atoms.calc is None else atoms.calc.results
        if "energy" not in values or "forces" not in values:
            raise InputError(f"structure {number} of {path} has no energy and forces: give extxyz with both")
        found.append(labelled(atoms, values))
    return found


def _conclude(options: LearnOptions, out: Path, learned: Any, seconds: float) -> None:
    """Figure, and a record of the campaign with what was measured."""
    from mlmat.analysis.record import RunRecord, save_record
    from mlmat.commands.learn_outputs import draw_rounds, learning_metrics

    files = [out / name for name in ("predictor.mlmat", "labels.extxyz", "campaign.csv")]
    if any(one.force_error is not None for one in learned.rounds):
        files.append(out / "campaign.png")
        draw_rounds(learned.rounds, learned.test, files[-1])
    record = RunRecord(
        system="active learning of a potential",
        preset="learn",
        command=command_line(options, "learn", ("file",)),
        config=plain_options(options) | {"out": None, "resume": None},
        seeds=[options.seed],
        data={},
        seconds={"run": round(seconds, 2)},
        metrics=learning_metrics(learned),
    )
    save_record(record, out / "results.json")
    for metric in record.metrics:
        console.print(
            f"{metric.variant:<10} {metric.name:<34} {metric.value:.4g} {metric.unit}", highlight=False
        )
    if len(learned.rounds) < options.rounds:
        console.print(
            f"ended after {len(learned.rounds)} rounds: the members agree to {options.least:g} eV/Å "
            "wherever they went",
            highlight=False,
        )
    console.print("→ " + ", ".join(map(str, [*files, out / "results.json"])), highlight=False)
