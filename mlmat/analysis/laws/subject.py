"""A saved predictor as the subject of a law card, computed in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ase
import jax
import jax.numpy as jnp
import numpy as np
from ase.build import molecule

from mlmat.analysis.laws.law import Law, Subject
from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack, unpack
from mlmat.predictor import Predictor, predict_items
from mlmat.predictor.predict import atom_counts

EDGES = 60_000
"""Edges of a compiled batch: some hundred megabytes in double precision."""

MOLECULES = ("H2O", "CH4", "C2H4", "CH3CH2OH", "CH3CONH2", "C6H6")
SMILES = ("CCO", "CC(=O)Nc1ccccc1", "c1ccc2ncccc2c1", "CC(C)C(=O)O", "N#CC=CC1CC1O")
"""What is judged if the user names no molecules."""


def default_structures(elements: Sequence[str]) -> list[ase.Atoms]:
    """A few molecules of the given elements.

    Raises:
        InputError: none of them has only these elements.
    """
    every = [molecule(name) for name in MOLECULES]
    fitting = [atoms for atoms in every if set(atoms.get_chemical_symbols()) <= set(elements)]
    if not fitting:
        raise InputError(
            f"no molecule at hand is made of {', '.join(elements)} alone: name a file with some by --file"
        )
    return fitting


def subject_of(predictor: Predictor, name: str, column: int = 0) -> Subject:
    """The model of structures behind a predictor.

    Args:
        predictor: whose items are structures.
        name: for the card.
        column: which property.

    Raises:
        InputError: a predictor of classes, or of something else than structures.
    """
    if predictor.encoder.kind != "structure" or predictor.classes:
        raise InputError(
            "a full law card needs a predictor of numbers from structures in space; this one takes "
            f"{predictor.encoder.kind}{' and gives classes' if predictor.classes else ''}"
        )

    def values(structures: Sequence[ase.Atoms]) -> np.ndarray:
        found = [values[:, column] for values, _ in _run(predictor, structures, None)]
        return np.concatenate(found) + _by_atoms(predictor, structures)[:, column]

    def forces(structures: Sequence[ase.Atoms]) -> list[np.ndarray]:
        return [force for _, each in _run(predictor, structures, column) for force in each]

    def served(structures: Sequence[ase.Atoms]) -> np.ndarray:
        return predict_items(predictor, structures).mean[:, column]

    pooling = getattr(predictor.model, "pooling", "sum" if predictor.reference is not None else "mean")
    return Subject(
        name,
        predictor.properties[column],
        predictor.units[column],
        predictor.encoder.elements,
        pooling == "sum",
        values,
        forces,
        served,
    )


@jax.jit
def _values(predictor: Predictor, batch: Any) -> jax.Array:
    return predictor(batch)


@jax.jit
def _gradient(predictor: Predictor, batch: Any, column: jax.Array) -> jax.Array:
    def total(positions: jax.Array) -> jax.Array:
        values = predictor(batch._replace(nodes={**batch.nodes, "positions": positions}))
        return jnp.where(batch.n_edge > 0, values[:, column], 0.0)[:-1].sum()

    return jax.grad(total)(batch.nodes["positions"])


def _run(predictor: Predictor, structures: Sequence[ase.Atoms], column: int | None):
    """Values of each batch, and the forces of its structures if a column is named."""
    graphs = []
    for atoms in structures:
        graph = predictor.encoder(atoms)
        # The encoder's positions are single precision; a law is judged on the exact ones.
        graphs.append(graph._replace(nodes={**graph.nodes, "positions": atoms.positions.astype(float)}))
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), replace(predictor, reference=None))
        for batch in pack(graphs, _budget(graphs)):
            real = int(np.flatnonzero(batch.n_node)[-1])
            if column is None:
                yield np.asarray(_values(wide, batch))[:real], None
            else:
                found = -np.asarray(_gradient(wide, batch, column))
                yield None, [g.nodes["f"] for g in unpack(batch._replace(nodes={"f": found}))]


def _budget(graphs: Sequence[Any]) -> Budget:
    """One shape for all batches, so that one program is compiled."""
    nodes = np.array([int(g.n_node[0]) for g in graphs])
    edges = np.array([int(g.n_edge[0]) for g in graphs])
    parts = max(1, -(-int(edges.sum()) // EDGES))
    return Budget(
        int(nodes.sum() // parts + nodes.max() + 1), int(edges.sum() // parts + edges.max()), len(graphs) + 1
    )


def _by_atoms(predictor: Predictor, structures: Sequence[ase.Atoms]) -> np.ndarray:
    if predictor.reference is None:
        return np.zeros((len(structures), len(predictor.properties)))
    graphs = [predictor.encoder(atoms) for atoms in structures]
    return atom_counts(graphs, len(predictor.reference)) @ np.asarray(predictor.reference, float)


def smiles_subject(predictor: Predictor, name: str, column: int = 0) -> Subject:
    """A predictor of SMILES, for the head of its card; it has no values of structures."""

    def values(structures: Sequence[ase.Atoms]) -> np.ndarray:
        raise InputError(f"{name} takes SMILES: it predicts nothing from a structure")

    unit = predictor.units[0 if predictor.classes else column]
    named = predictor.properties[0 if predictor.classes else column]
    return Subject(name, named, unit, (), False, values)


def smiles_laws(
    predictor: Predictor, smiles: Sequence[str] = SMILES, column: int = 0, seed: int = 0
) -> list[Law]:
    """What of the card applies to a predictor of SMILES: the order of atoms, and nothing in space.

    Args:
        predictor: whose items are SMILES, of numbers or of class probabilities.
        smiles: molecules.
        column: which property (or class).
        seed: of the orders.
    """
    from rdkit import Chem

    orders = 4
    rewritten = [
        text
        for one in smiles
        for text in Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(one), orders, randomSeed=seed + 1)
    ]
    values = predict_items(predictor, [*smiles, *rewritten]).mean[:, column]
    plain, moved = values[: len(smiles)], values[len(smiles) :].reshape(len(smiles), orders)
    subject = smiles_subject(predictor, "", column)
    text = (
        f"largest change of {subject.property} when the SMILES starts at another atom "
        "(other Kekulé forms included), in single precision"
    )
    off, limit = float(np.abs(moved - plain[:, None]).max()), 1e-5 * float(np.abs(plain).max())
    reason = "does not apply: the input is a bond graph and has no geometry"
    names = ("rotation", "translation", "reflection", "size extensivity", "dissociation limit")
    names += ("continuity", "smoothness", "place of the minimum", "force–energy consistency")
    return [
        Law("permutation", off, subject.unit, limit, text),
        *(Law(name, None, subject.unit, None, reason) for name in names),
    ]
