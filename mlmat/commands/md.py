"""`mlmat md`: a structure and a potential in, a trajectory with its log and figures out."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from mlmat.commands.md_options import MdOptions
from mlmat.commands.runs import command_line, plain_options, prepare, prepare_process, progress_bar
from mlmat.errors import InputError

console = Console()

CHECKED = 50
"""Frames of a trajectory that are compared with what the potential was trained on."""


def run(options: MdOptions) -> int:
    """Run the command; returns the exit code."""
    if options.resume is None and (options.file is None or not options.potential):
        raise InputError("give a structure and --potential: a predictor file, or lennard-jones, morse, "
                         "stillinger-weber or emt")  # fmt: skip
    prepare_process()
    from mlmat.potentials import load_potential
    from mlmat.simulate.run import simulate

    atoms = potential = None
    if options.resume is None:  # before a folder is made for a run that cannot start
        atoms = read_structure(options.file, options.frame, options.repeat)
        potential = load_potential(options.potential, atoms.get_chemical_symbols())
        potential.encoder(atoms)
        _ensemble(options)
        if Path(options.potential).exists():
            from dataclasses import replace

            options = replace(options, potential=str(Path(options.potential).resolve()))
    options, out = prepare(options, "md")
    atoms = read_structure(options.file, options.frame, options.repeat) if atoms is None else atoms
    potential = potential or load_potential(options.potential, atoms.get_chemical_symbols())
    if options.relax:
        from mlmat.simulate.relax import relax

        atoms = relax(potential, [atoms], force=0.02)[0].atoms
    steps = -(-options.steps // options.interval) * options.interval
    began = time.perf_counter()
    with progress_bar("{task.fields[state]}") as progress:
        bar = progress.add_task("steps", total=steps, state="compiling")

        def report(step: int, info: Any) -> None:
            state = f"{float(info.temperature):.0f} K  {float(info.potential) / len(atoms):.4f} eV/atom"
            progress.update(bar, completed=step, state=state)

        simulate(
            potential, atoms, _ensemble(options), steps, out,
            interval=options.interval,
            temperature=None if options.keep_velocities else options.temperature,
            seed=options.seed, skin=options.skin, double=options.double, report=report,
        )  # fmt: skip
    _conclude(options, out, atoms, potential, time.perf_counter() - began)
    return 0


def read_structure(path: Path, frame: int, repeat: tuple[int, int, int]) -> Any:
    """One structure of a file, repeated.

    Raises:
        InputError: no such file or frame, an unknown format, or a repeat of what is not periodic.
    """
    import ase.io

    try:
        atoms = ase.io.read(path, index=frame)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except Exception as error:  # ASE's readers raise many kinds
        raise InputError(f"{path} cannot be read as a structure: {type(error).__name__}: {error}") from error
    if repeat != (1, 1, 1):
        if min(repeat) < 1 or not all(p for p, m in zip(atoms.pbc, repeat, strict=True) if m > 1):
            raise InputError("--repeat needs whole numbers from 1, and directions that are periodic")
        atoms = atoms.repeat(repeat)
    return atoms


def _ensemble(options: MdOptions) -> Any:
    from mlmat.simulate.barostat import NPT
    from mlmat.simulate.ensembles import NVE, Langevin
    from mlmat.simulate.nose_hoover import NoseHoover

    dt, temperature = options.time_step, options.temperature
    if options.ensemble == "nve":
        return NVE(dt)
    if options.ensemble == "langevin":
        return Langevin(dt, temperature, options.friction)
    if options.ensemble == "nose-hoover":
        return NoseHoover(dt, temperature, options.thermostat_time)
    barostat = (options.pressure, options.friction, options.barostat_time, options.compressibility)
    return NPT(dt, temperature, *barostat, options.cell)


def _conclude(options: MdOptions, out: Path, atoms: Any, potential: Any, seconds: float) -> None:
    """Figures, and a record of the run with what was measured."""
    import ase.io

    from mlmat.analysis.record import RunRecord, save_record
    from mlmat.commands.md_plots import draw_distribution, draw_log
    from mlmat.simulate.observables import radial_distribution
    from mlmat.simulate.run import LOG, TRAJECTORY

    log = read_log(out / LOG)
    files = [out / TRAJECTORY, out / LOG, out / "energy.png"]
    wanted = None if options.ensemble == "nve" else options.temperature
    draw_log(log, len(atoms), wanted, files[-1])
    frames = ase.io.read(out / TRAJECTORY, ":")
    later = frames[len(frames) // 5 :]
    if atoms.pbc.all():
        files.append(out / "distribution.png")
        draw_distribution(radial_distribution(later[:: max(1, len(later) // 100)]), files[-1])
    record = RunRecord(
        system="molecular dynamics",
        preset="md",
        command=command_line(options, "md", ("file",)),
        config=plain_options(options) | {"out": None, "resume": None},
        seeds=[options.seed],
        data={},
        seconds={"run": round(seconds, 2)},
        metrics=list(_metrics(options, log, frames)),
    )
    save_record(record, out / "results.json")
    for metric in record.metrics:
        console.print(f"{metric.name:<24} {metric.value:.4g} {metric.unit}", highlight=False)
    console.print("→ " + ", ".join(map(str, [*files, out / "results.json"])), highlight=False)
    _warn(potential, frames)


def _warn(potential: Any, frames: list[Any]) -> None:
    """Say so if the trajectory left what the potential was trained on."""
    from mlmat.potentials.learned import ModelEnergy
    from mlmat.predictor.extrapolation import Outside, extrapolations, knows_range

    if not isinstance(potential.energy, ModelEnergy) or not knows_range(potential.energy.model):
        return
    graphs = [potential.encoder(one) for one in frames[:: -(-len(frames) // CHECKED)]]
    met = Outside()
    for far in extrapolations(potential.energy.model, potential.params["variables"], graphs, 10):
        met = met.with_one(far)
    if met.far:
        console.print(f"warning: {met.warning('frames')}", style="yellow", highlight=False)


def _metrics(options: MdOptions, log: dict[str, np.ndarray], frames: list) -> Any:
    from mlmat.analysis.record import Metric
    from mlmat.simulate.observables import diffusion

    later, n = slice(len(frames) // 5, None), len(frames[0])
    yield Metric("mean temperature", log["temperature_K"][later].mean(), "K", n_test=n)
    yield Metric("mean potential energy", log["potential_eV"][later].mean() / n, "eV/atom", n_test=n)
    if np.isfinite(log["pressure_GPa"]).all():
        yield Metric("mean pressure", log["pressure_GPa"][later].mean(), "GPa", n_test=n)
    conserved = log["conserved_eV"][1:]
    if np.isfinite(conserved).all() and len(conserved) > 2:
        slope = np.polyfit(log["time_fs"][1:] * 1e-3, 1e3 * conserved / n, 1)[0]
        yield Metric("drift of conserved energy", slope, "meV/atom/ps", n_test=n)
    if len(frames) >= 40 and n > 1:
        positions = np.array([frame.positions for frame in frames])
        found = diffusion(positions, frames[0].get_masses(), options.interval * options.time_step)
        yield Metric("diffusion coefficient", found.coefficient, "Å²/ps", found.error, n_test=n)


def read_log(path: Path) -> dict[str, np.ndarray]:
    """Columns of a log by name; an empty cell is NaN."""
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
