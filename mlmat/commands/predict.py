"""`mlmat predict`: any number of molecules or structures in, one CSV row each out."""

from __future__ import annotations

import contextlib
import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mlmat.commands.predict_options import PredictOptions
from mlmat.commands.runs import prepare_process
from mlmat.cores import usable_cores
from mlmat.errors import InputError
from mlmat.files import atomic_write

console = Console(stderr=True)
"""Standard output may carry the predictions."""


def run(options: PredictOptions) -> int:
    """Run the command; returns the exit code."""
    if options.batch < 1 or (options.workers is not None and options.workers < 1):
        raise InputError("--batch and --workers must be at least 1")
    if options.forces and str(options.out) == "-":
        raise InputError("--forces writes a second file beside the CSV: give a file with --out")
    began = time.perf_counter()
    prepare_process()
    from mlmat.data.own import iterate_items
    from mlmat.predictor import load_predictor
    from mlmat.predictor.extrapolation import Outside, knows_range
    from mlmat.predictor.stream import predict_rows

    predictor = load_predictor(options.predictor)
    notes: list[str] = []
    rows = iterate_items(
        options.file,
        predictor.encoder.kind,
        smiles_column=options.smiles,
        id_column=options.id,
        check=False,
        notes=notes,
    )
    out = options.out or Path(f"{_stem(options.file)}-predictions.csv")
    workers = options.workers or usable_cores()
    done = failed = 0
    frames = _frames(predictor, out) if options.forces else contextlib.nullcontext()
    with _sink(out) as stream, frames as write, _progress() as progress:
        bar = progress.add_task("predicting", total=None, speed="")
        writer = csv.writer(stream)
        ranged, met = knows_range(predictor.model), Outside()
        writer.writerow(["line", "id", "input", *_heads(predictor), *(["outside"] * ranged), "status"])
        for answer in predict_rows(
            predictor, rows, batch=options.batch, workers=workers, forces=options.forces
        ):
            row, mean, std, reason, _, outside = answer
            cells = [""] * len(_heads(predictor)) if mean is None else _cells(predictor, mean, std)
            if ranged:
                cells.append("" if outside is None else f"{outside:.4g}")
                met = met if outside is None else met.with_one(outside)
            writer.writerow([row.line, row.id, row.text, *cells, reason or "ok"])
            done, failed = done + 1, failed + (reason is not None)
            if write is not None and reason is None:
                write(answer)
            if done % options.batch == 0:
                speed = done / (time.perf_counter() - began)
                progress.update(bar, completed=done, speed=f"{speed:,.0f}/s")
    for note in notes:
        console.print(note, style="dim", highlight=False)
    if met.far:
        console.print(f"warning: {met.warning()}", style="yellow", highlight=False)
    where = "standard output" if str(out) == "-" else out
    console.print(
        f"{done - failed:,} of {done:,} rows predicted in {time.perf_counter() - began:.1f} s → {where}"
        + (f"; {failed:,} could not be used, their status says why" if failed else "")
    )
    return 0


def _stem(file: Path) -> str:
    return "stdin" if str(file) == "-" else file.resolve().name.split(".")[0]


@contextlib.contextmanager
def _sink(out: Path) -> Iterator[Any]:
    """Standard output, or a file that is there only when it is complete."""
    if str(out) == "-":
        yield sys.stdout
        return
    with atomic_write(out, "w", encoding="utf-8", newline="") as stream:
        yield stream


@contextlib.contextmanager
def _frames(predictor: Any, out: Path) -> Iterator[Callable[[Any], None]]:
    """Writer of structures with energies and forces, to an .extxyz file that is complete or absent."""
    import ase.io
    from ase.calculators.singlepoint import SinglePointCalculator

    from mlmat.predictor.forces import check_forces
    from mlmat.units import UNITS

    check_forces(predictor)
    unit = predictor.units[0]
    if unit not in UNITS["energy"]:
        raise InputError(f"forces need an energy, and {predictor.properties[0]} is in {unit!r}")
    factor = UNITS["energy"][unit]
    with atomic_write(out.with_suffix(".extxyz"), "w", encoding="utf-8") as stream:

        def write(answer: Any) -> None:
            atoms = answer.row.item.copy()
            atoms.info = {"id": answer.row.id, "energy_std": float(answer.std[0] * factor)}
            atoms.new_array("forces_std", factor * answer.forces.std)
            atoms.calc = SinglePointCalculator(
                atoms, energy=float(answer.mean[0] * factor), forces=factor * answer.forces.mean
            )
            ase.io.write(stream, atoms, format="extxyz")

        yield write


def _heads(predictor: Any) -> list[str]:
    if predictor.classes:
        return [predictor.properties[0], *(f"p({name})" for name in predictor.classes)]
    heads = []
    for name, unit in zip(predictor.properties, predictor.units, strict=True):
        suffix = "" if unit in ("", "1") else f" ({unit})"
        heads += [f"{name}{suffix}", f"{name} std{suffix}"]
    return heads


def _cells(predictor: Any, mean: Any, std: Any) -> list[str]:
    if predictor.classes:
        return [predictor.classes[int(mean.argmax())], *(f"{p:.4g}" for p in mean)]
    return [f"{value:.7g}" for pair in zip(mean, std, strict=True) for value in pair]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[speed]}"),
        console=console,
    )
