"""Normal-mode sampling: geometries around a minimum, as the ANI-1 data set was made.

J. S. Smith, O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017) and Sci. Data 4, 170193 (2017):
each mode q_i of a relaxed molecule, with force constant K_i, gets a share c_i of the thermal
energy, Σ c_i ≤ 1, and is displaced by

    R_i = ± sqrt(3 c_i N_a k_B T / K_i)

with a random sign; N_a is the number of atoms. Mass-weighted modes give K_i = ω_i² with the
displacement divided by the root of the mass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import ase
import jax
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

from mlmat.errors import InputError
from mlmat.oracles.pool import judge
from mlmat.oracles.xtb_forces import label_geometry, relaxed_hessian
from mlmat.potentials.derivatives import hessian
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential, exact_graph
from mlmat.units import BOLTZMANN

SOFTEST = 1e-3
"""eV/(u Å²) below which a mode is a rotation, or so soft (16 cm⁻¹) that it leaves the harmonic region."""

TEMPERATURES = {1: 2000.0, 2: 1500.0, 3: 1000.0, 4: 600.0, 5: 600.0, 6: 600.0, 7: 600.0, 8: 450.0}
"""K, by heavy atoms, of ANI-1."""

PER_MODE = {1: 500, 2: 450, 3: 425, 4: 400, 5: 200, 6: 30, 7: 20, 8: 5}
"""Structures for each degree of freedom, by heavy atoms, of ANI-1."""


class Modes(NamedTuple):
    """Vibrations of a structure at rest.

    Attributes:
        vectors: ``[m, n, 3]`` displacement of the atoms per unit of the mass-weighted coordinate, 1/√u.
        constants: ``[m]`` K = ω², eV/(u Å²), ascending, all positive.
    """

    vectors: np.ndarray
    constants: np.ndarray


def modes_of(stiffness: np.ndarray, masses: np.ndarray, positions: np.ndarray | None = None) -> Modes:
    """Vibrations from a Hessian, without translations, rotations and the softest.

    Args:
        stiffness: ``[3n, 3n]`` eV/Å², of a minimum.
        masses: ``[n]`` u.
        positions: ``[n, 3]`` Å of a molecule, whose rotations are no vibrations; None: a crystal.

    Raises:
        InputError: a saddle point: relax the structure further.
    """
    n, roots = len(masses), np.sqrt(np.repeat(masses, 3))
    rigid = [np.tile(axis, n) for axis in np.eye(3)]
    if positions is not None:
        arms = positions - masses @ positions / masses.sum()
        rigid += [np.cross(axis, arms).reshape(-1) for axis in np.eye(3)]
    # Directions that move nothing, such as the rotation of a linear molecule, drop out by their size.
    basis, sizes, _ = np.linalg.svd((np.array(rigid) * roots).T, full_matrices=False)
    basis = basis[:, sizes > 1e-4 * sizes[0]]
    free = np.eye(3 * n) - basis @ basis.T
    weighted = free @ (0.5 * (stiffness + stiffness.T) / (roots[:, None] * roots)) @ free
    constants, vectors = np.linalg.eigh(weighted)
    if constants[0] < -10 * SOFTEST:
        raise InputError(
            f"the Hessian has a negative eigenvalue ({constants[0]:.2g} eV/(u Å²)): this is no minimum; "
            "relax the structure further"
        )
    kept = constants > SOFTEST
    return Modes((vectors[:, kept] / roots[:, None]).T.reshape(kept.sum(), n, 3), constants[kept])


def modes(potential: Potential, atoms: ase.Atoms) -> Modes:
    """Vibrations of a structure at a minimum of a potential.

    Raises:
        InputError: a saddle point.
    """
    with jax.enable_x64(True):
        graph = exact_graph(potential, atoms)
        stiffness = np.asarray(jax.jit(hessian)(fitting(potential, [graph]), graph))
    return modes_of(stiffness, atoms.get_masses(), None if atoms.pbc.any() else atoms.positions)


def sample_modes(
    atoms: ase.Atoms, vibrations: Modes, count: int, temperature: float, seed: int
) -> list[ase.Atoms]:
    """Geometries displaced along all modes at random.

    The shares c_i are differences of sorted uniform numbers, so that any order of modes is as
    likely and their sum is below 1.

    Args:
        atoms: at rest.
        vibrations: of it.
        count: geometries.
        temperature: K; `TEMPERATURES` are those of ANI-1.
        seed: of shares and signs.

    Raises:
        InputError: no vibrations, as of a single atom.
    """
    number = len(vibrations.constants)
    if number == 0:
        raise InputError("a structure without vibrations cannot be displaced along them")
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.random((count, number)), axis=1)
    shares = np.diff(cuts, axis=1, prepend=0.0)
    shares = rng.permuted(shares, axis=1)
    lengths = np.sqrt(3.0 * shares * len(atoms) * BOLTZMANN * temperature / vibrations.constants)
    lengths *= rng.choice([-1.0, 1.0], lengths.shape)
    changes = np.einsum("cm,mnx->cnx", lengths, vibrations.vectors)
    found = []
    for change in changes:
        moved = atoms.copy()
        moved.calc = None
        moved.positions = atoms.positions + change
        found.append(moved)
    return found


class Sampled(NamedTuple):
    """Labelled geometries of some molecules.

    Attributes:
        frames: with energy and forces of the oracle, those of a molecule one after the other.
        molecule: index of the molecule of each frame.
        lost: what went wrong, by how often.
    """

    frames: list[ase.Atoms]
    molecule: list[int]
    lost: dict[str, int]


def normal_mode_set(
    molecules: Sequence[ase.Atoms],
    per_molecule: int,
    temperature: float | None = None,
    seed: int = 0,
    workers: int | None = None,
    report: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Sampled:
    """Relax molecules with GFN2-xTB, sample along their modes and label, in worker processes.

    Args:
        molecules: neutral, closed-shell, near their minima.
        per_molecule: geometries of each.
        temperature: K; None: that of ANI-1 for the number of heavy atoms.
        seed: of the sampling.
        workers: processes; default: all usable cores.
        report: called with stage, tasks done and tasks.

    Returns:
        Frames in the order of the molecules; those whose label failed are counted in ``lost``.
    """
    lost: dict[str, int] = {}
    drawn: list[tuple[int, ase.Atoms]] = []
    tasks = [(one.numbers.tolist(), one.positions.tolist()) for one in molecules]
    found = _judged(relaxed_hessian, tasks, workers, lost, lambda done: report("modes", done, len(tasks)))
    for index, values in sorted(found.items()):
        atoms = ase.Atoms(molecules[index].numbers, values["positions"])
        try:
            vibrations = modes_of(np.array(values["hessian"]), atoms.get_masses(), atoms.positions)
        except InputError:
            lost["no minimum"] = lost.get("no minimum", 0) + 1
            continue
        heavy = min(max(int((atoms.numbers > 1).sum()), 1), max(TEMPERATURES))
        kelvin = TEMPERATURES[heavy] if temperature is None else temperature
        frames = sample_modes(atoms, vibrations, per_molecule, kelvin, seed + index)
        drawn += [(index, frame) for frame in frames]
    tasks = [(frame.numbers.tolist(), frame.positions.tolist()) for _, frame in drawn]
    labels = _judged(label_geometry, tasks, workers, lost, lambda done: report("labels", done, len(tasks)))
    for number, values in labels.items():
        frame = drawn[number][1]
        frame.calc = SinglePointCalculator(frame, energy=values["energy"], forces=np.array(values["forces"]))
    kept = [drawn[number] for number in sorted(labels)]
    return Sampled([frame for _, frame in kept], [index for index, _ in kept], lost)


def _judged(
    oracle: Callable, tasks: list, workers: int | None, lost: dict[str, int], report: Callable[[int], None]
) -> dict[int, dict]:
    """Values of the tasks that succeeded; reasons of the others are counted."""
    found: dict[int, dict] = {}
    for done, (index, verdict) in enumerate(judge(oracle, tasks, workers=workers), 1):
        if verdict.ok:
            found[index] = verdict.values
        else:
            lost[verdict.status] = lost.get(verdict.status, 0) + 1
        report(done)
    return found
