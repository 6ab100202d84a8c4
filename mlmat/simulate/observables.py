"""What a trajectory shows: radial distribution, mean-square displacement, diffusion. Host code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import ase
import numpy as np
import vesin

from mlmat.errors import InputError


class RadialDistribution(NamedTuple):
    """Radial distribution function.

    Attributes:
        distances: ``[bins]`` centres, Å.
        density: ``[bins]`` g(r): 1 where atoms do not know of each other.
        neighbours: ``[bins]`` mean number of neighbours up to the far side of each bin.
    """

    distances: np.ndarray
    density: np.ndarray
    neighbours: np.ndarray


def radial_distribution(
    frames: Sequence[ase.Atoms],
    furthest: float = 8.0,
    bins: int = 160,
    pair: tuple[str, str] | None = None,
) -> RadialDistribution:
    """g(r) = V / (N_a N_b) ⟨Σ_{i∈a, j∈b} δ(r − r_ij)⟩ / 4πr², over frames; periodic images included.

    Args:
        frames: periodic in all directions.
        furthest: Å; may be larger than the cell.
        bins: of the histogram.
        pair: elements of the centre and of its neighbours; None: all atoms.

    Raises:
        InputError: no frames, one that is not periodic, or without atoms of the pair.
    """
    if len(frames) == 0 or not all(frame.pbc.all() for frame in frames):
        raise InputError("a radial distribution needs frames that are periodic in all three directions")
    edges = np.linspace(0.0, furthest, bins + 1)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    density, counts = np.zeros(bins), np.zeros(bins)
    search = vesin.NeighborList(cutoff=furthest, full_list=True, n_threads=1)
    for frame in frames:
        i, j, d = search.compute(frame.positions, frame.cell.array, True, quantities="ijd")
        symbols = np.array(frame.get_chemical_symbols())
        centres, others = (np.full(len(frame), True),) * 2 if pair is None else (symbols == s for s in pair)
        if not centres.any() or not others.any():
            raise InputError(f"a frame holds no pair {pair[0]}-{pair[1]}: it has {', '.join(set(symbols))}")
        found = np.histogram(d[centres[i] & others[j]], edges)[0] / centres.sum()
        counts += found
        density += found / shells * frame.get_volume() / others.sum()
    middle = 0.5 * (edges[1:] + edges[:-1])
    return RadialDistribution(middle, density / len(frames), np.cumsum(counts) / len(frames))


def mean_square_displacement(positions: np.ndarray, masses: np.ndarray | None = None) -> np.ndarray:
    """⟨|r_i(t₀ + t) − r_i(t₀)|²⟩ over atoms and all starting times, by Fourier transform.

    Args:
        positions: ``[frames, n, 3]`` Å, not wrapped into the cell.
        masses: ``[n]``; given, the motion of the centre of mass is taken off first.

    Returns:
        ``[frames]`` Å², by the number of frames between.
    """
    positions = np.asarray(positions, float)
    if masses is not None:
        positions = positions - np.einsum("n,fnd->fd", masses, positions)[:, None] / np.sum(masses)
    # Large offsets would cost digits in the difference below.
    positions = positions - positions.mean(axis=0)
    frames = len(positions)
    left = np.arange(frames, 0, -1)
    spectrum = np.fft.rfft(positions, n=2 * frames, axis=0)
    products = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * frames, axis=0)[:frames].sum(axis=2).mean(axis=1)
    squares = (positions**2).sum(axis=2).mean(axis=1)
    # Σ_t r²(t) + r²(t + lag): all squares twice, less those that the lag cuts off at either end.
    start, end = (np.append(0.0, np.cumsum(each))[:frames] for each in (squares, squares[::-1]))
    total = 2.0 * squares.sum() - start - end
    return np.maximum((total - 2.0 * products) / left, 0.0)


class Diffusion(NamedTuple):
    """Diffusion coefficient from the slope of the mean-square displacement.

    Attributes:
        coefficient: D, Å²/ps.
        error: standard error, from halves of the trajectory.
    """

    coefficient: float
    error: float


def diffusion(positions: np.ndarray, masses: np.ndarray, interval: float) -> Diffusion:
    """D = slope / 6 of the mean-square displacement between a tenth and a half of the time.

    Args:
        positions: ``[frames, n, 3]`` Å, not wrapped.
        masses: ``[n]``.
        interval: fs from frame to frame.

    Raises:
        InputError: fewer than 40 frames.
    """
    if len(positions) < 40:
        raise InputError(f"a diffusion coefficient needs at least 40 frames, not {len(positions)}")

    def slope(part: np.ndarray) -> float:
        squares = mean_square_displacement(part, masses)
        lags = np.arange(len(part) // 10, len(part) // 2)
        return float(np.polyfit(lags * interval * 1e-3, squares[lags], 1)[0] / 6.0)

    half = len(positions) // 2
    halves = slope(positions[:half]), slope(positions[half:])
    return Diffusion(slope(positions), abs(halves[0] - halves[1]) / 2.0)
