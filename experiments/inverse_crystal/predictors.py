"""The predictor that is searched: a network on ideal crystals, trained on one half of a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import ase
import jax
import numpy as np

from experiments.inverse_crystal.tables import Halves, Table
from mlmat.design.crystals.climb import CrystalPredictor, climbable
from mlmat.design.crystals.lattice import ContactLattice, covalent_lattice, fit_lattice
from mlmat.design.crystals.prototypes import PROTOTYPES
from mlmat.elements import element
from mlmat.files import write_json
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.metrics import mae
from mlmat.models.site_network import SiteNetwork
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import Choice
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.training.config import TrainingConfig

NEIGHBOURS = 20
"""Fills a shell of every site of a perovskite and of an elpasolite, so that the graph is unique."""

RADIUS = 7.0
"""Å; longer than any lattice constant here, which is the distance of the last neighbours."""

TRAINING = {"perovskites": (256, 4e-3), "elpasolites": (64, 2e-3)}
"""Batch and peak learning rate of the network on sites."""


class Errors(NamedTuple):
    """How well a predictor does on the held-out half.

    Attributes:
        errors: mean absolute errors by property; ``"lattice constant"`` in Å among them.
        spread: mean absolute deviation of the held-out values from the training mean, likewise.
    """

    errors: dict[str, float]
    spread: dict[str, float]


def read_errors(folder: Path, dataset: str, split: str, kind: str) -> Errors:
    """Errors of a predictor that `train` made."""
    return Errors(*json.loads((folder / f"{dataset}-{split}-{kind}.errors.json").read_text()).values())


class CompleteShells(Choice):
    """CGCNN on the complete shells of a perovskite."""

    def encoder(self, items: list[ase.Atoms]) -> CrystalGraphEncoder:
        """Encoder of all elements of the items."""
        return replace(super().encoder(items), neighbours=NEIGHBOURS)


class Sites(Choice):
    """The network on who is on which site; it needs no edges."""

    def encoder(self, items: list[ase.Atoms]) -> RadiusGraphEncoder:
        """Encoder of all elements of the items, of graphs without edges."""
        symbols = {symbol for atoms in items for symbol in atoms.get_chemical_symbols()}
        return RadiusGraphEncoder(tuple(sorted(symbols, key=lambda s: element(s).number)), 0.5)

    def network(self, encoder: RadiusGraphEncoder, outputs: int, extensive: bool) -> SiteNetwork:
        """The network on the groups of the prototype."""
        return SiteNetwork(encoder.elements, outputs=outputs, **self.fields)


def settings(kind: str, table: Table, epochs: int, members: int) -> Choice:
    """Network and training."""
    batch, rate = TRAINING[table.dataset] if kind == "sites" else (64, 4e-3)
    training = TrainingConfig(
        members=members, epochs=epochs, batch=batch, learning_rate=rate, ema=0.995, weight_decay=1e-3
    )
    if kind == "cgcnn":
        fields = {"features": 16, "layers": 2, "hidden": 64, "hidden_layers": 2}
        return CompleteShells("cgcnn", training, fields, cutoff=RADIUS)
    prototype = PROTOTYPES[table.prototype]
    fields = {"groups": prototype.groups, "exchanged": prototype.exchanged, "hidden": 128}
    return Sites("sites", training, fields)


def ideal_crystals(
    table: Table, lattice: ContactLattice, elements: tuple[str, ...], rows: np.ndarray
) -> list[ase.Atoms]:
    """Crystals of the prototype at the lattice constants of their compositions."""
    space = table.space(rows)
    kinds = np.array([[elements.index(s) for s in space.symbols(row)] for row in space.rows.tolist()])
    shares = np.eye(len(elements), dtype=np.float32)[kinds]
    scales = np.asarray(jax.jit(jax.vmap(lattice.scale))(shares), float)
    return [
        space.prototype.atoms(space.symbols(row), scale)
        for row, scale in zip(space.rows.tolist(), scales, strict=True)
    ]


def lattice_of(table: Table, rows: np.ndarray, elements: tuple[str, ...]) -> ContactLattice:
    """Radii fitted to the lattice constants of these rows; covalent ones where none are known."""
    prototype = PROTOTYPES[table.prototype]
    if table.scales is None:
        return covalent_lattice(prototype, elements)
    space = table.space(rows)
    kinds = np.array([[elements.index(s) for s in space.symbols(row)] for row in space.rows.tolist()])
    return fit_lattice(
        prototype, elements, np.eye(len(elements), dtype=np.float32)[kinds], table.scales[rows]
    )


def train(
    table: Table, split: str, parts: Halves, kind: str, epochs: int, members: int, folder: Path
) -> CrystalPredictor:
    """Train, or go on from what is in the folder; the held-out half is predicted once."""
    stem = folder / f"{table.dataset}-{split}-{kind}"
    elements = table.space(np.arange(len(table.names))).elements
    lattice = lattice_of(table, parts.train, elements)
    rows = np.concatenate([parts.train, parts.validation])
    items = ideal_crystals(table, lattice, elements, rows)
    targets = np.stack([column[rows] for column in table.values.values()], axis=1)
    inside = np.arange(len(parts.train))
    file = stem.with_suffix(".mlmat")
    if not file.exists():
        trained = fit_task(
            Task("structure", items, targets, tuple(table.values), table.units),
            inside,
            np.arange(len(inside), len(rows)),
            settings(kind, table, epochs, members),
            extensive=False,
            checkpoint=stem.with_suffix(".state"),
            log=stem.with_suffix(".log.jsonl"),
            report=lambda row: print(f"{stem.name} epoch {row['epoch']} {row['score']:.4f}", flush=True),
        )
        save_predictor(trained.predictor, file, {"epochs": epochs})
    predictor = load_predictor(file)
    climbed = climbable(predictor, table.space(parts.held_out), lattice_for(lattice, elements, predictor))
    path = stem.with_suffix(".errors.json")
    if not path.exists():
        write_json(path, _errors(table, parts, lattice, elements, climbed))
    return climbed


def lattice_for(lattice: ContactLattice, elements: tuple[str, ...], predictor) -> ContactLattice:
    """Radii in the order of the predictor's elements, which must be the same."""
    order = [elements.index(symbol) for symbol in predictor.encoder.elements]
    return lattice._replace(radii=lattice.radii[np.array(order)], covalent=lattice.covalent[np.array(order)])


def _errors(
    table: Table, parts: Halves, lattice: ContactLattice, elements: tuple[str, ...], climbed: CrystalPredictor
) -> dict[str, dict[str, float]]:
    items = ideal_crystals(table, lattice, elements, parts.held_out)
    mean = predict_items(climbed.predictor, items).mean
    errors, spread = {}, {}
    for column, (name, values) in enumerate(table.values.items()):
        truth = values[parts.held_out]
        errors[name] = mae(mean[:, column], truth)
        spread[name] = float(np.abs(truth - values[parts.train].mean()).mean())
    if table.scales is not None:
        found = np.array([atoms.cell.lengths()[0] for atoms in items])
        truth = table.scales[parts.held_out]
        errors["lattice constant"] = mae(found, truth)
        spread["lattice constant"] = float(np.abs(truth - table.scales[parts.train].mean()).mean())
    return {"errors": errors, "spread": spread}
