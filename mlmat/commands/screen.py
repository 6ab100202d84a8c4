"""`mlmat screen`: a space of substituted prototypes through a predictor, in files that resume."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

from mlmat.commands.runs import console, prepare_process, progress_bar
from mlmat.commands.screen_options import ScreenOptions
from mlmat.cores import usable_cores
from mlmat.errors import InputError


def run(options: ScreenOptions) -> int:
    """Run the command; returns the exit code."""
    began = time.perf_counter()
    prepare_process()
    from mlmat.predictor import load_predictor
    from mlmat.predictor.encoding import encoding_processes
    from mlmat.recipes.screen import Candidate, Screening, screen

    predictor = load_predictor(options.predictor)
    if predictor.encoder.kind != "structure":
        raise InputError(f"{options.predictor} takes SMILES: screen with a predictor of structures")
    space = _space(options, predictor.encoder.elements)
    from mlmat.data.substitutions import scattered

    total = len(space)
    count = total if options.count is None else options.count
    if not 1 <= count <= total:
        raise InputError(f"there are {total:,} candidates: give --count 1 to {total}")

    def candidate(k: int) -> Candidate:
        number = k if count == total else scattered(k, total, options.seed)
        return Candidate(number, *space.candidate(number))

    description = {
        "prototypes": [_described(atoms) for atoms in space.prototypes],
        "elements": space.elements,
        "fixed": space.fixed,
        "order": "all" if count == total else f"scattered, seed {options.seed}",
    }
    format = options.format
    if format == "auto":
        format = "parquet" if importlib.util.find_spec("pyarrow") else "npz"
    console.print(
        f"[bold]mlmat screen[/] {count:,} of {total:,} candidates from {len(space.prototypes)} prototypes → "
        f"{options.out}"
    )
    done = [0]
    with (
        encoding_processes(min(options.workers or usable_cores(), max(1, count // 500))) as encoded,
        progress_bar("{task.fields[info]}") as progress,
    ):
        bar = progress.add_task("screening", total=count, info="")

        def report(finished: int) -> None:
            done[0] += min(options.rows, finished)
            speed = done[0] / (time.perf_counter() - began)
            progress.update(bar, completed=finished, info=f"{speed:,.0f} crystals/s")

        files = screen(
            predictor, Screening(count, candidate, description), options.out, batch=options.batch,
            rows=options.rows, format=format, encoded=encoded, report=report,
        )  # fmt: skip
    seconds = time.perf_counter() - began
    new = min(done[0], count)
    console.print(
        f"{len(files)} files in {options.out}; {new:,} candidates in {seconds:.1f} s, {new / seconds:,.0f}/s",
        highlight=False,
    )
    return 0


def _space(options: ScreenOptions, known: tuple[str, ...]) -> Any:
    """The substitutions that the options ask for.

    Raises:
        InputError: an element that the predictor does not know, or no usable prototype.
    """
    from mlmat.data.own import iterate_items
    from mlmat.data.substitutions import Substitutions

    strange = [symbol for symbol in (*options.element, *options.fixed) if symbol not in known]
    if strange:
        raise InputError(f"the predictor does not know {', '.join(strange)}; it knows {', '.join(known)}")
    rows = list(iterate_items(options.prototypes, "structure"))
    bad = [row for row in rows if row.reason is not None]
    if bad:
        console.print(f"{len(bad)} prototypes are left out; {bad[0].text}: {bad[0].reason}", style="yellow")
    atoms = tuple(row.item for row in rows if row.reason is None)
    if not atoms:
        raise InputError(f"{options.prototypes} holds no prototype that can be used")
    return Substitutions(atoms, options.element or known, options.fixed)


def _described(atoms: Any) -> str:
    """Formula and a fingerprint of the geometry, so that another prototype is another screening."""
    from mlmat.data.own.geometry import identity_of_structure

    return identity_of_structure(atoms)
