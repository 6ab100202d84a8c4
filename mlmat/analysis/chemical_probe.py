"""The chemical potential that a probe atom sees around a molecule, on a rendered isosurface.

K. T. Schütt et al., Nat. Commun. 8, 13890 (2017): Ω_A(r) is the energy that a DTNN gives an atom
of element A at r which feels the molecule without being felt. It is shown on the surface
Σ_i |r − r_i|⁻² = 3.8 Å⁻².
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.analysis.atomic_energies import check_atomwise
from mlmat.analysis.figure import INK, new_figure, save
from mlmat.errors import UnknownElementError
from mlmat.nn.module import map_members
from mlmat.predictor import Predictor

ISOVALUE = 3.8
"""Å⁻²."""

PIXELS = 320
"""Along each side of a picture."""

POINTS = 8192
"""Probe positions in one compiled call."""

STEPS = 80
"""Samples along a ray before the surface is pinned down by bisection."""


class Surface(NamedTuple):
    """What the rays of a square picture hit.

    Attributes:
        hit: ``[h, w]`` whether a ray meets the surface.
        points: ``[k, 3]`` where, Å, in the molecule's own frame.
        normals: ``[k, 3]`` outward, of length 1.
        axes: ``[3, 3]`` rows: right, up and towards the eye.
    """

    hit: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    axes: np.ndarray


def field(points: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """``Σ_i |r − r_i|⁻²`` at ``[..., 3]`` points, Å⁻²."""
    squared = ((points[..., None, :] - positions) ** 2).sum(axis=-1)
    return (1.0 / np.maximum(squared, 1e-9)).sum(axis=-1)


def chemical_potential(
    predictor: Predictor, atoms: ase.Atoms, points: np.ndarray, element: str, column: int = 0
) -> np.ndarray:
    """Ω of a probe atom at each point: ensemble mean, in the predictor's unit.

    Args:
        predictor: of a DTNN, of an energy.
        atoms: the molecule.
        points: ``[m, 3]`` Å.
        element: of the probe.
        column: which property is the energy.

    Raises:
        InputError: another network.
        UnknownElementError: the predictor does not know the element.
    """
    check_atomwise(predictor, "probe")
    elements = predictor.encoder.elements
    if element not in elements:
        raise UnknownElementError(element, elements)
    graph, species = predictor.encoder(atoms), elements.index(element)
    without = replace(predictor, reference=None)
    found = []
    for first in range(0, len(points), POINTS):
        part = points[first : first + POINTS]
        padded = np.concatenate([part, np.repeat(part[-1:], POINTS - len(part), axis=0)])
        values = _probe(without, graph, jnp.asarray(padded, jnp.float32), species)
        found.append(np.asarray(values)[: len(part), column])
    shift = 0.0 if predictor.reference is None else float(predictor.reference[species, column])
    return np.concatenate(found).astype(float) + shift


@jax.jit
def _probe(predictor: Predictor, graph: Any, points: jax.Array, species: jax.Array) -> jax.Array:
    def of_member(variables: Any) -> jax.Array:
        return predictor.model.apply(variables, graph, points, species, method="probe")

    return map_members(of_member, predictor.variables).mean(axis=0) * predictor.scale


def see(positions: np.ndarray, tilt: float = 40.0, pixels: int = PIXELS, value: float = ISOVALUE) -> Surface:
    """Cast parallel rays at the isosurface.

    Args:
        positions: ``[n, 3]`` atoms, Å.
        tilt: degrees between the line of sight and the thinnest direction of the molecule.
        pixels: of each side.
        value: of the field on the surface.
    """
    centre = positions.mean(axis=0)
    _, _, frame = np.linalg.svd(positions - centre)
    frame[2] = np.cross(frame[0], frame[1])
    angle = np.radians(tilt)
    towards = np.cos(angle) * frame[2] - np.sin(angle) * frame[1]
    axes = np.stack([frame[0], np.cross(towards, frame[0]), towards])
    # Beyond this radius the field of all atoms together is below the value.
    radius = np.linalg.norm(positions - centre, axis=1).max() + np.sqrt(len(positions) / value)
    ticks = np.linspace(-radius, radius, pixels)
    right, up = (side.ravel() for side in np.meshgrid(ticks, ticks[::-1]))
    start = centre + right[:, None] * axes[0] + up[:, None] * axes[1] + radius * towards
    step = 2 * radius / STEPS
    near, far = np.zeros(len(start)), np.full(len(start), np.nan)
    for k in range(1, STEPS + 1):
        open_rays = np.flatnonzero(np.isnan(far))
        inside = field(start[open_rays] - k * step * towards, positions) >= value
        far[open_rays[inside]], near[open_rays[~inside]] = k * step, k * step
    hit = ~np.isnan(far)
    near, far, start = near[hit], far[hit], start[hit]
    for _ in range(12):
        middle = 0.5 * (near + far)
        inside = field(start - middle[:, None] * towards, positions) >= value
        far, near = np.where(inside, middle, far), np.where(inside, near, middle)
    points = start - far[:, None] * towards
    away = points[:, None] - positions
    normals = (away / ((away**2).sum(axis=-1, keepdims=True)) ** 2).sum(axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Surface(hit.reshape(pixels, pixels), points, normals, axes)


def draw_probe(
    predictor: Predictor,
    molecules: dict[str, ase.Atoms],
    element: str,
    path: str | Path,
    *,
    tilt: float = 40.0,
    pixels: int = PIXELS,
) -> dict[str, tuple[float, float]]:
    """Render Ω of one probe element on the isosurfaces of some molecules, on one colour scale.

    Args:
        predictor: of a DTNN.
        molecules: by title.
        element: of the probe.
        path: PNG file.
        tilt: see `see`.
        pixels: of each side of a molecule's picture.

    Returns:
        Lowest and highest Ω that is seen on each molecule, in the predictor's unit.
    """
    surfaces = {name: see(atoms.positions, tilt, pixels) for name, atoms in molecules.items()}
    values = {
        name: chemical_potential(predictor, atoms, surfaces[name].points, element)
        for name, atoms in molecules.items()
    }
    together = np.concatenate(list(values.values()))
    # A few pixels in crevices would stretch the scale.
    low, high = np.quantile(together, (0.005, 0.995))
    figure = new_figure(3.4 * len(molecules) + 0.9, 3.6)
    every = np.atleast_1d(figure.subplots(1, len(molecules)))
    for axes, (name, surface) in zip(every, surfaces.items(), strict=True):
        axes.imshow(_shaded(surface, values[name], low, high), interpolation="bilinear")
        axes.set_title(name, fontsize=11, color=INK)
        axes.set_axis_off()
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = figure.colorbar(ScalarMappable(Normalize(low, high), _colours()), ax=list(every), shrink=0.8)
    bar.set_label(f"Ω of {element} ({predictor.units[0]})", color=INK)
    save(figure, path)
    return {name: (float(one.min()), float(one.max())) for name, one in values.items()}


def _colours() -> Any:
    import matplotlib

    return matplotlib.colormaps["RdYlBu_r"]


def _shaded(surface: Surface, values: Sequence[float], low: float, high: float) -> np.ndarray:
    """RGB picture ``[h, w, 3]``: colours by value, lit from above left of the eye."""
    light = np.array([-0.4, 0.5, 0.77]) @ surface.axes
    bright = 0.45 + 0.55 * np.clip(surface.normals @ light, 0.0, 1.0)
    spread = max(high - low, 1e-12)
    colours = _colours()(np.clip((np.asarray(values) - low) / spread, 0, 1))[:, :3]
    picture = np.ones((*surface.hit.shape, 3))
    picture[surface.hit] = colours * bright[:, None]
    return picture
