"""Neighbours found by loops over images, and structures to try: the slow, obvious reference."""

from itertools import product

import ase
import jax
import numpy as np

from mlmat.graphs.radius_graph import RadiusGraphEncoder

ELEMENTS = ("H", "C", "O")


def molecule(seed=0, atoms=7):
    """Random atoms, no two closer than 0.9 Å."""
    rng, places = np.random.default_rng(seed), []
    while len(places) < atoms:
        trial = rng.uniform(0, 3.2, 3)
        if all(np.linalg.norm(trial - place) > 0.9 for place in places):
            places.append(trial)
    return ase.Atoms(rng.choice(ELEMENTS, atoms), np.array(places))


def crystal():
    """A skewed cell smaller than any cutoff in use."""
    cell = [[2.9, 0.0, 0.0], [0.7, 3.1, 0.0], [-0.4, 0.5, 2.7]]
    return ase.Atoms("COH", [[0, 0, 0], [1.3, 1.2, 0.2], [0.4, 1.5, 1.6]], cell=cell, pbc=True)


def graph_of(atoms, cutoff):
    """As the encoder makes it, but with positions and shifts in float64."""
    graph = RadiusGraphEncoder(ELEMENTS, cutoff)(atoms)
    shift = graph.edges["shift"].astype(float)
    if atoms.pbc.any():
        shift = np.rint(shift @ np.linalg.inv(atoms.cell.array)) @ atoms.cell.array
    return graph._replace(nodes={**graph.nodes, "positions": atoms.positions.copy()}, edges={"shift": shift})


def neighbours(atoms, i, cutoff):
    """(element index, vector) of every atom and image within the cutoff of atom i."""
    images = product(range(-2, 3), repeat=3) if atoms.pbc.any() else [(0, 0, 0)]
    found = []
    for image in images:
        for j, place in enumerate(atoms.positions):
            vector = place + np.array(image) @ atoms.cell.array - atoms.positions[i]
            if 1e-6 < np.linalg.norm(vector) < cutoff:
                found.append((ELEMENTS.index(atoms.symbols[j]), vector))
    return found


def triples(atoms, i, cutoff):
    """(elements, r_ij, r_ik, r_jk, cos θ) of every unordered pair of neighbours."""
    near = neighbours(atoms, i, cutoff)
    for a, (kind_a, u) in enumerate(near):
        for kind_b, v in near[a + 1 :]:
            r, s = np.linalg.norm(u), np.linalg.norm(v)
            yield sorted((kind_a, kind_b)), r, s, np.linalg.norm(u - v), u @ v / r / s


def fade(r, cutoff):
    return 0.5 * (np.cos(np.pi * r / cutoff) + 1) if r < cutoff else 0.0


def pair_index(kinds):
    pairs = [(a, b) for a in range(len(ELEMENTS)) for b in range(a, len(ELEMENTS))]
    return pairs.index(tuple(kinds))


def in_float64(function, *arguments):
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, function(*arguments))
