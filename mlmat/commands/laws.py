"""`mlmat laws`: the law card of a saved predictor, as a table, JSON and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mlmat.commands.laws_options import LawsOptions
from mlmat.commands.runs import prepare_process
from mlmat.errors import InputError
from mlmat.files import write_json

MOST = 6
"""Molecules of a file that are used; the time grows with them."""

console = Console()


def run(options: LawsOptions) -> int:
    """Run the command; returns the exit code."""
    prepare_process()
    from mlmat.analysis.laws.card import card, measure_laws
    from mlmat.analysis.laws.picture import draw_card
    from mlmat.analysis.laws.subject import default_structures, smiles_laws, smiles_subject, subject_of
    from mlmat.predictor import load_predictor

    predictor = load_predictor(options.predictor)
    column = 0 if options.property is None else predictor.index(options.property)
    name = options.predictor.stem
    if predictor.encoder.kind == "smiles":
        if options.file is not None:
            raise InputError("this predictor takes SMILES, not structures: leave --file out")
        subject = smiles_subject(predictor, name, column)
        laws = smiles_laws(predictor, column=column, seed=options.seed)
    else:
        subject = subject_of(predictor, name, column)
        structures = _read(options.file) if options.file else default_structures(subject.elements)
        laws = measure_laws(subject, structures, options.seed)
    out = options.out or Path(f"{name}-laws")
    files = [out.with_name(out.name + suffix) for suffix in (".json", ".png")]
    write_json(files[0], card(subject, laws))
    draw_card(subject, laws, files[1])
    console.print(_table(laws))
    console.print(f"→ {files[0]}, {files[1]}", highlight=False)
    return 0


def _read(path: Path) -> list[Any]:
    """The first usable molecules of a file.

    Raises:
        InputError: none of them can be used, or a periodic structure.
    """
    from mlmat.data.own.structures import read_frames

    found = []
    for frame in read_frames(path):
        if frame.atoms is not None:
            if frame.atoms.pbc.any():
                raise InputError(f"{path}: structure {frame.number} is periodic; a law card needs molecules")
            found.append(frame.atoms)
        if len(found) == MOST:
            break
    if not any(len(atoms) > 1 for atoms in found):
        raise InputError(f"{path} holds no molecule of two atoms or more that can be used")
    return found


def _table(laws: list[Any]) -> Table:
    from mlmat.analysis.laws.picture import verdict

    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("law", "", "measured", "kept up to", "what was measured"):
        table.add_column(head, overflow="fold")
    colours = {"holds": "green", "broken": "red", "reading": "dim", "does not apply": "dim"}
    for law in laws:
        said = verdict(law)
        unit = "" if law.unit == "1" else f" {law.unit}"
        table.add_row(
            law.name,
            f"[{colours[said]}]{said}[/]",
            "" if law.value is None else f"{law.value:.2g}{unit}",
            "" if law.tolerance is None or law.value is None else f"{law.tolerance:.0e}",
            law.says,
        )
    return table
