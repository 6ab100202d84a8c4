"""A molecular-dynamics run on disk: frames and log as it goes, checkpoint, resume.

Files in the folder: ``trajectory.extxyz`` (positions not wrapped, velocities, forces, energy),
``log.csv`` (a row per frame) and ``checkpoint.npz``. A run that is killed at any moment goes
on from its last checkpoint; frames after it are cut off first, so that the files end up the
same, byte by byte, as those of a run that was never interrupted.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase
import ase.io
import jax
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.stress import full_3x3_to_voigt_6_stress

from mlmat.errors import InputError, OutputError
from mlmat.potentials.learned import fitting, sizes_since, with_sizes
from mlmat.potentials.potential import Potential
from mlmat.simulate.advance import advance
from mlmat.simulate.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mlmat.simulate.state import Info, State, measure, start
from mlmat.units import GPA

TRAJECTORY, LOG, CHECKPOINT = "trajectory.extxyz", "log.csv", "checkpoint.npz"

COLUMNS = ("step", "time_fs", "potential_eV", "kinetic_eV", "temperature_K", "pressure_GPa", "volume_A3",
           "conserved_eV")  # fmt: skip


def simulate(
    potential: Potential,
    atoms: ase.Atoms,
    ensemble: Any,
    steps: int,
    out: str | Path,
    *,
    interval: int = 100,
    checkpoint_every: int = 10,
    temperature: float | None = None,
    seed: int = 0,
    skin: float = 0.5,
    double: bool = False,
    report: Callable[[int, Info], None] = lambda step, info: None,
) -> State:
    """Run molecular dynamics; if the folder holds a checkpoint of it, go on from there.

    Args:
        potential: that moves the atoms.
        atoms: first structure.
        ensemble: of `mlmat.simulate.ensembles`.
        steps: in all, those before an interruption included; a multiple of `interval`.
        out: folder for the files; it must exist.
        interval: steps from frame to frame.
        checkpoint_every: frames from checkpoint to checkpoint.
        temperature: K, of the first velocities; None keeps those of `atoms`.
        seed: of velocities and thermostats.
        skin: Å, of the neighbour list.
        double: compute in float64.
        report: called at each frame with the number of steps made.

    Returns:
        The last state.

    Raises:
        SimulationError: exploding trajectory, atoms on top of each other; frames so far are on disk.
        UnknownElementError, InputError: a structure that cannot be simulated; see `start`.
        OutputError: a folder that cannot be written.
    """
    if steps < 1 or interval < 1 or steps % interval:
        raise InputError(f"steps ({steps}) must be a multiple of the interval of frames ({interval})")
    out = Path(out)
    with jax.enable_x64(double):
        dtype = np.float64 if double else np.float32
        given = potential = fitting(potential, [potential.encoder(atoms)])
        system, grid, state = start(potential, atoms, temperature, seed, skin, dtype)
        state = ensemble(potential, system, grid).init(state)
        settings = {"ensemble": repr(ensemble), "interval": interval, "seed": seed, "double": double}
        lengths = dict.fromkeys((TRAJECTORY, LOG), 0)
        if (out / CHECKPOINT).exists():
            state, grid, notes = load_checkpoint(out / CHECKPOINT, state)
            if notes["settings"] != settings:
                raise InputError(f"{out} holds another run ({notes['settings']}): choose another folder")
            lengths = notes["lengths"]
            potential = with_sizes(given, notes["sizes"])
        try:
            streams = {name: _opened(out / name, length) for name, length in lengths.items()}
        except OSError as error:
            raise OutputError(
                f"cannot write to {out}: {error.strerror}. Choose another with --out"
            ) from error
        try:
            if not lengths[LOG]:
                first = jax.device_get(measure(system, grid, state, ensemble.freedoms(len(atoms))))
                streams[LOG].write((",".join(COLUMNS) + "\n").encode())
                streams[LOG].write(log_row(state, first, ensemble.time_step).encode())
                streams[TRAJECTORY].write(frame_text(atoms, state, first, ensemble.time_step).encode())
            for number in range(int(state.step) // interval + 1, steps // interval + 1):
                grid, potential, state, info = advance(ensemble, grid, potential, system, state, interval)
                info = jax.device_get(info)
                streams[TRAJECTORY].write(frame_text(atoms, state, info, ensemble.time_step).encode())
                streams[LOG].write(log_row(state, info, ensemble.time_step).encode())
                if number % checkpoint_every == 0 or number == steps // interval:
                    lengths = {name: _settled(stream) for name, stream in streams.items()}
                    sizes = sizes_since(potential, given)
                    notes = {"settings": settings, "lengths": lengths, "sizes": sizes}
                    save_checkpoint(out / CHECKPOINT, Checkpoint(state, grid, notes))
                report(number * interval, info)
        finally:
            for stream in streams.values():
                stream.close()
    return state


def _opened(path: Path, length: int) -> io.BufferedRandom:
    """A file to append to, cut to the length it had at the checkpoint."""
    stream = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115
    stream.truncate(length)
    stream.seek(length)
    return stream


def _settled(stream: Any) -> int:
    stream.flush()
    return stream.tell()


def frame(atoms: ase.Atoms, state: State) -> ase.Atoms:
    """The state as `ase.Atoms` with velocities and a calculator that holds energy, forces and stress."""
    state = jax.device_get(state._replace(key=None))
    found = atoms.copy()
    found.calc = None
    if atoms.pbc.any():
        found.cell[atoms.cell.array.any(axis=1)] = state.cell[atoms.cell.array.any(axis=1)]
    found.positions = state.positions
    found.set_velocities(state.velocities.astype(float))
    results = {"energy": float(state.energy), "forces": state.forces.astype(float)}
    if atoms.cell.rank == 3 and atoms.pbc.any():
        results["stress"] = full_3x3_to_voigt_6_stress(state.virial.astype(float) / found.get_volume())
    found.calc = SinglePointCalculator(found, **results)
    return found


def frame_text(atoms: ase.Atoms, state: State, info: Info, time_step: float) -> str:
    """One frame of an extended XYZ file."""
    found = frame(atoms, state)
    step = int(state.step)
    found.info = {"step": step, "time_fs": step * time_step, "temperature_K": float(info.temperature)}
    text = io.StringIO()
    ase.io.write(text, found, format="extxyz")
    return text.getvalue()


def log_row(state: State, info: Info, time_step: float) -> str:
    """One row of the log; see `COLUMNS`."""
    values = (
        info.potential,
        info.kinetic,
        info.temperature,
        info.pressure / GPA,
        info.volume,
        info.conserved,
    )
    step = int(state.step)
    cells = ["" if np.isnan(value) else f"{float(value):.10g}" for value in values]
    return ",".join([str(step), f"{step * time_step:.10g}", *cells]) + "\n"
