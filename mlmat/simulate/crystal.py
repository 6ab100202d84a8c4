"""Properties of crystals from second derivatives: elastic constants, phonons; and vacancies."""

from __future__ import annotations

from typing import NamedTuple

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.potentials.derivatives import hessian, moved
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential, exact_graph
from mlmat.simulate.relax import Relaxed, relax
from mlmat.units import ELEMENTARY_CHARGE, FEMTOSECOND, GPA, PLANCK

HBAR = PLANCK / (2.0 * np.pi) / ELEMENTARY_CHARGE * 1e15 * FEMTOSECOND
"""eV times internal units of time."""


def elastic_constants(potential: Potential, atoms: ase.Atoms, relaxed: bool = True) -> np.ndarray:
    """Elastic constants C_ij, ``[6, 6]`` GPa, Voigt order xx, yy, zz, yz, xz, xy.

    C = (1/V) [∂²E/∂η∂η − ∂²E/∂η∂u (∂²E/∂u∂u)⁻¹ ∂²E/∂u∂η] with strains η and displacements u
    of the atoms, all by automatic differentiation.

    Args:
        potential: twice differentiable.
        atoms: crystal without forces and stress; see `mlmat.simulate.relax.relax`.
        relaxed: let the atoms follow the strain; else they stay in place (first term alone).

    Raises:
        InputError: not periodic in all directions.
    """
    if not atoms.pbc.all():
        raise InputError("elastic constants need a crystal that is periodic in all three directions")
    with jax.enable_x64(True):
        graph = exact_graph(potential, atoms)
        potential = fitting(potential, [graph])
        by_strain, mixed = _second_derivatives(potential, graph)
        matrix = np.asarray(by_strain)
        if relaxed and len(atoms) > 1:
            stiffness = np.asarray(_hessian(potential, graph))
            # Moving all atoms alike costs nothing: those three directions are left out.
            response = np.linalg.pinv(0.5 * (stiffness + stiffness.T), rcond=1e-8, hermitian=True)
            matrix = matrix - np.asarray(mixed).T @ response @ np.asarray(mixed)
    return 0.5 * (matrix + matrix.T) / atoms.get_volume() / GPA


_hessian = jax.jit(hessian, static_argnames=("atoms", "block"))


@jax.jit
def _second_derivatives(potential: Potential, graph) -> tuple[jax.Array, jax.Array]:
    """∂²E/∂η∂η ``[6, 6]`` and ∂²E/∂u∂η ``[3n, 6]``, eV and eV/Å."""
    graph = jax.tree.map(jnp.asarray, graph)
    positions, shift = graph.nodes["positions"], graph.edges["shift"]

    def energy(displaced: jax.Array, strain: jax.Array) -> jax.Array:
        xx, yy, zz, yz, xz, xy = strain
        stretch = jnp.eye(3) + jnp.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])
        return potential(moved(graph, (positions + displaced) @ stretch, shift @ stretch)).sum()

    gradient = jax.grad(energy, argnums=(0, 1))
    still = jnp.zeros_like(positions)

    def column(strain: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.jvp(lambda s: gradient(still, s), (jnp.zeros(6),), (strain,))[1]

    by_atoms, by_strain = jax.vmap(column)(jnp.eye(6))
    return by_strain, by_atoms.reshape(6, -1).T


class Phonons(NamedTuple):
    """Force constants of a crystal, from which phonons of any wave vector follow.

    Attributes:
        constants: ``[l, 3n, 3n]`` eV/Å² between the cell and the l-th one around it.
        cells: ``[l, 3]`` where those are, in cell vectors.
        masses: ``[n]`` u.
    """

    constants: np.ndarray
    cells: np.ndarray
    masses: np.ndarray

    def energies(self, waves: np.ndarray) -> np.ndarray:
        """Phonon energies ħω, meV, ascending; imaginary ones are negative.

        Args:
            waves: ``[k, 3]`` wave vectors in units of the reciprocal cell vectors.

        Returns:
            ``[k, 3n]``.
        """
        phases = np.exp(2j * np.pi * np.asarray(waves) @ self.cells.T)
        roots = np.repeat(np.sqrt(self.masses), 3)
        matrices = np.einsum("kl,lab->kab", phases, self.constants) / (roots[:, None] * roots)
        squares = np.linalg.eigvalsh(0.5 * (matrices + matrices.conj().swapaxes(1, 2)))
        return 1e3 * HBAR * np.sign(squares) * np.sqrt(np.abs(squares))


def phonons(potential: Potential, atoms: ase.Atoms, repeat: tuple[int, int, int] = (5, 5, 5)) -> Phonons:
    """Harmonic force constants from the Hessian of a repeated cell, without finite differences.

    Args:
        potential: twice differentiable.
        atoms: primitive cell, relaxed.
        repeat: cells of the crystal around it; wide enough for twice the cutoff to be exact. An
            even number shares what lies half-way between both sides.

    Raises:
        InputError: not periodic in all directions.
    """
    if not atoms.pbc.all():
        raise InputError("phonons need a crystal that is periodic in all three directions")
    n = len(atoms)
    large = atoms.repeat(repeat)
    with jax.enable_x64(True):
        graph = exact_graph(potential, large)
        rows = np.asarray(_hessian(fitting(potential, [graph]), graph, atoms=n))
    places = np.stack(np.meshgrid(*map(np.arange, repeat), indexing="ij"), axis=-1).reshape(-1, 3)
    blocks = rows.reshape(3 * n, len(places), 3 * n).swapaxes(0, 1)
    # Momentum: the sum over all cells is zero; rounding is put on the cell itself.
    excess = blocks.sum(axis=0).reshape(3 * n, n, 3).sum(axis=1)
    blocks = blocks.copy()
    for atom in range(n):
        blocks[0, 3 * atom : 3 * atom + 3, 3 * atom : 3 * atom + 3] -= excess[3 * atom : 3 * atom + 3]
    constants, cells = [], []
    for place, block in zip(places, blocks, strict=True):
        sides = [_sides(p, m) for p, m in zip(place, repeat, strict=True)]
        images = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
        constants += [block / len(images)] * len(images)
        cells += list(images)
    return Phonons(np.array(constants), np.array(cells), atoms.get_masses())


def _sides(place: int, repeat: int) -> list[int]:
    """Where a cell is as seen from cell 0: on the nearer side, or on both if half-way."""
    if 2 * place == repeat:
        return [place, place - repeat]
    return [place if 2 * place < repeat else place - repeat]


class Vacancy(NamedTuple):
    """Formation of a vacancy, the atom going to a bulk site.

    Attributes:
        unrelaxed: eV, atoms in place.
        relaxed: eV.
        structure: the relaxed cell.
    """

    unrelaxed: float
    relaxed: float
    structure: Relaxed


def vacancy_formation(
    potential: Potential, crystal: ase.Atoms, atom: int = 0, rattle: float = 0.02, **options
) -> Vacancy:
    """E_f = E(N − 1) − (N − 1)/N E(N), of an elemental crystal.

    Args:
        potential: whose crystal is relaxed.
        crystal: repeated cell, large enough that vacancies do not feel their images.
        atom: which one goes.
        rattle: Å by which atoms are displaced at random first: the vacancy in place may be a saddle.
        **options: of `relax`.

    Raises:
        InputError: more than one element: then the energy depends on where the atom goes.
    """
    from mlmat.potentials.calculator import evaluate_atoms

    if len(set(crystal.numbers)) > 1:
        raise InputError("the formation energy of a vacancy in a compound needs a chemical potential")
    rest = crystal.copy()
    del rest[atom]
    share = len(rest) / len(crystal) * evaluate_atoms(potential, crystal)[0]
    pushed = rest.copy()
    pushed.rattle(rattle, seed=0)
    (found,) = relax(potential, [pushed], **options)
    return Vacancy(evaluate_atoms(potential, rest)[0] - share, found.energy - share, found)
