"""`mlmat explain`: shares of atoms and elements in a prediction, and the space a network has learnt."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mlmat.commands.explain_options import ExplainOptions
from mlmat.commands.runs import prepare_process
from mlmat.errors import InputError, MlmatError
from mlmat.files import atomic_write

ON_MAP = 1000
"""Structures of a map; t-SNE takes time with their square."""

SMALLEST_MAP = 4

console = Console()


def run(options: ExplainOptions) -> int:
    """Run the command; returns the exit code."""
    if options.most < 1:
        raise InputError("--most must be at least 1")
    prepare_process()
    from mlmat.analysis.attribution import attribute, by_element, explained_atoms
    from mlmat.predictor import load_predictor

    predictor = load_predictor(options.predictor)
    if predictor.classes:
        name, unit = f"logit of {options.property or predictor.classes[-1]}", "1"
        names = predictor.classes
        if options.property not in (None, *names):
            raise InputError(f"the classes are {', '.join(names)}, not {options.property!r}")
        column = names.index(options.property) if options.property else len(names) - 1
    else:
        column = 0 if options.property is None else predictor.index(options.property)
        name, unit = predictor.properties[column], predictor.units[column]
    ids, structures = _usable(options, predictor)
    found = attribute(predictor, structures)
    atoms_of = explained_atoms(predictor.encoder, structures)
    rows = by_element(atoms_of, found)
    stem = options.out or Path(f"{options.predictor.stem}-explained")
    files = [stem.with_name(stem.name + end) for end in ("-atoms.csv", "-elements.csv", "-elements.png")]
    head = f"share of {name}" + ("" if unit in ("", "1") else f" ({unit})")
    slabs = "branch" in atoms_of[0].arrays
    _write(
        files[0],
        ("id", *(("part",) if slabs else ()), "atom", "element", head),
        (
            (id, *place, symbol, f"{share:.6g}")
            for id, atoms, shares in zip(ids, atoms_of, found.local, strict=True)
            for place, symbol, share in zip(
                _places(atoms), atoms.get_chemical_symbols(), shares[:, column], strict=True
            )
        ),
    )
    _write(
        files[1],
        ("element", "atoms", "structures", f"mean {head}", "standard deviation"),
        ((r.symbol, r.count, r.structures, f"{r.mean[column]:.6g}", f"{r.std[column]:.6g}") for r in rows),
    )
    from mlmat.analysis.explain_plots import draw_elements

    draw_elements(rows, column, name, unit, files[2])
    files += _map(predictor, structures[:ON_MAP], found, column, (name, unit), stem)
    _say(rows, column, found, unit)
    console.print("→ " + ", ".join(map(str, files)), highlight=False)
    return 0


def _usable(options: ExplainOptions, predictor: Any) -> tuple[list[str], list[Any]]:
    """Ids and structures that the predictor can take; what cannot be used is said.

    Raises:
        InputError: none can be used.
    """
    from mlmat.data.own import iterate_items

    ids, structures, reasons = [], [], []
    for row in islice(iterate_items(options.file, predictor.encoder.kind), options.most):
        reason = row.reason
        if reason is None:
            try:
                predictor.encoder(row.item)
            except MlmatError as error:
                reason = str(error)
        if reason is None:
            ids.append(row.id)
            structures.append(row.item)
        else:
            reasons.append(f"{row.text}: {reason}")
    if not structures:
        raise InputError(f"{options.file} holds no structure that can be explained; {reasons[0]}")
    if reasons:
        console.print(f"{len(reasons)} structures are left out; the first: {reasons[0]}", style="yellow")
    return ids, structures


def _map(
    predictor: Any, structures: Sequence[Any], found: Any, column: int, label: tuple[str, str], stem: Path
) -> list[Path]:
    """The map, where there are enough structures and the network shows its vectors."""
    from mlmat.analysis.explain_plots import draw_map
    from mlmat.analysis.learned_space import principal_components, structure_vectors, t_sne

    if len(structures) < SMALLEST_MAP:
        return []
    try:
        vectors = structure_vectors(predictor, structures)
    except InputError as error:
        console.print(f"no map: {error}", style="yellow")
        return []
    places, shares = principal_components(vectors)
    path = stem.with_name(stem.name + "-map.png")
    title = f"Principal components ({shares[0]:.0%}, {shares[1]:.0%} of the variance)"
    maps = [(title, places), ("t-SNE", t_sne(vectors))]
    draw_map(maps, found.predictions()[: len(structures), column], *label, path)
    return [path]


def _places(atoms: Any) -> list[tuple[Any, ...]]:
    """What the file of atoms says of where each is: its number, of slabs the part before it."""
    if "branch" not in atoms.arrays:
        return [(number,) for number in range(len(atoms))]
    names = [("surface", "bulk")[branch] for branch in atoms.arrays["branch"]]
    return list(zip(names, atoms.arrays["index"].tolist(), strict=True))


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(rows)


def _say(rows: Sequence[Any], column: int, found: Any, unit: str) -> None:
    """The elements that add most and least."""
    ranked = sorted(rows, key=lambda row: row.mean[column])
    shown = ranked if len(ranked) <= 10 else [*ranked[:5], *ranked[-5:]]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("element", "atoms", f"mean share {unit}".strip(), "±"):
        table.add_column(head, justify="left" if head == "element" else "right")
    for row in shown:
        table.add_row(row.symbol, f"{row.count:,}", f"{row.mean[column]:.4g}", f"{row.std[column]:.2g}")
    console.print(table)
    base, how = found.base[column], found.pooling
    said = f"a prediction is {base:.4g} and the {how} of its atoms' shares" if base else "shares add up"
    console.print(said, style="dim", highlight=False)
