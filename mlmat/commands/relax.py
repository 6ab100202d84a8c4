"""`mlmat relax`: structures and a potential in, relaxed structures out."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from rich.console import Console

from mlmat.commands.relax_options import RelaxOptions
from mlmat.commands.runs import prepare_process, progress_bar
from mlmat.commands.structures import read_structures
from mlmat.errors import InputError
from mlmat.files import atomic_write

HEADS = (
    "frame",
    "formula",
    "energy (eV)",
    "largest force (eV/Å)",
    "stress off target (GPa)",
    "steps",
    "converged",
)

console = Console()


def run(options: RelaxOptions) -> int:
    """Run the command; returns the exit code."""
    if options.batch < 1 or options.steps < 1 or options.force <= 0 or options.stress <= 0:
        raise InputError("--batch, --steps, --force and --stress must be positive")
    prepare_process()
    import ase.io
    from ase.calculators.singlepoint import SinglePointCalculator

    from mlmat.potentials import load_potential
    from mlmat.potentials.calculator import evaluate_atoms
    from mlmat.simulate.relax import relax

    structures = read_structures(options.file)
    symbols = [symbol for atoms in structures for symbol in atoms.get_chemical_symbols()]
    potential = load_potential(options.potential, symbols)
    began, found = time.perf_counter(), []
    with progress_bar() as progress:
        bar = progress.add_task("relaxing", total=len(structures))
        for first in range(0, len(structures), options.batch):
            found += relax(
                potential, structures[first : first + options.batch],
                method=options.method, cell=options.cell, force=options.force, pressure=options.pressure,
                stress=options.stress, steps=options.steps,
                report=lambda done, steps, first=first: progress.update(bar, completed=first + done),
            )  # fmt: skip
    name = options.out or Path(f"{options.file.stem}-relaxed")
    files = [name.with_name(name.name + suffix) for suffix in (".extxyz", ".csv")]
    with atomic_write(files[0], "w", encoding="utf-8") as stream:
        for one in found:
            energy, forces = evaluate_atoms(potential, one.atoms)
            one.atoms.calc = SinglePointCalculator(one.atoms, energy=energy, forces=forces)
            ase.io.write(stream, one.atoms, format="extxyz")
    with atomic_write(files[1], "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADS)
        for number, one in enumerate(found):
            numbers = (
                f"{one.energy:.8f}",
                f"{one.force:.2e}",
                f"{one.stress:.2e}" if options.cell else "",
                one.steps,
            )
            converged = "yes" if one.converged else "no"
            writer.writerow([number, one.atoms.get_chemical_formula(), *numbers, converged])
    good = sum(one.converged for one in found)
    console.print(
        f"{good} of {len(found)} structures converged in {time.perf_counter() - began:.1f} s → "
        + ", ".join(map(str, files)),
        highlight=False,
    )
    if good < len(found):
        console.print("the others are as far as they came: give more --steps, or --method fire", style="dim")
    return 0
