"""Adsorption energies from composition and site: the predictor that the designs are found with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.data.alloy_sites import AlloyRows, AlloySite, all_sites, alloy_rows
from mlmat.data.registry import load
from mlmat.models.alloy_sites import AlloySiteNetwork, AlloySites
from mlmat.predictor import Predictor
from mlmat.training.config import TrainingConfig
from mlmat.training.loop import fit, initial_variables
from mlmat.training.losses import Regression
from mlmat.training.source import Example, Source

DATASET = "adsorption_mamun"
PROPERTY = "adsorption_energy"
BLOCK = 256
"""Rows predicted at once; fewer are padded by repetition, so that there is one trace."""


@dataclass(frozen=True)
class AlloyEncoder:
    """What the indices of a row mean.

    Attributes:
        symbols: elements.
        adsorbates: names.
        sites: kinds of sites.
    """

    symbols: tuple[str, ...]
    adsorbates: tuple[str, ...]
    sites: tuple[AlloySite, ...]

    kind: ClassVar[str] = "alloy site"

    def batch(self, a: Any, b: Any, site: Any, adsorbate: Any) -> AlloySites:
        """Corners of the simplexes from indices ``[...]``."""
        sizes = len(self.symbols), len(self.symbols), len(self.sites), len(self.adsorbates)
        columns = zip((a, b, site, adsorbate), sizes, strict=True)
        return AlloySites(*(jax.nn.one_hot(column, size) for column, size in columns))


def table() -> tuple[AlloyEncoder, AlloyRows]:
    """The whole table of adsorption energies.

    Raises:
        DataError: the data are not here.
    """
    data = load(DATASET)
    symbols = tuple(sorted({*data["a"].tolist(), *data["b"].tolist()}))
    encoder = AlloyEncoder(symbols, tuple(sorted(set(data["adsorbate"].tolist()))), all_sites())
    return encoder, alloy_rows(data, encoder.symbols, encoder.adsorbates)


def row_source(encoder: AlloyEncoder, rows: AlloyRows, batch: int, seed: int | None = None) -> Source:
    """Examples that stay on the device as indices.

    Args:
        encoder: of the rows.
        rows: what to learn.
        batch: rows a step; the rest of an epoch sits it out (without a seed: is padded).
        seed: of the order; None keeps it.
    """
    count = len(rows.a)
    batch = min(batch, count)
    steps = count // batch if seed is not None else -(-count // batch)
    columns = [np.asarray(c, np.int32) for c in (rows.a, rows.b, rows.site, rows.adsorbate)]
    data = (*map(jnp.asarray, columns), jnp.asarray(rows.energy, jnp.float32))

    def chunks(epoch: int) -> Iterator[Any]:
        order = np.arange(steps * batch)
        if seed is not None:
            order = np.random.default_rng((seed, epoch)).permutation(count)[: steps * batch]
        yield {
            "rows": np.minimum(order, count - 1).reshape(steps, batch).astype(np.int32),
            "weights": (order < count).astype(np.float32).reshape(steps, batch),
        }

    def prepare(data: Any, item: dict[str, jax.Array], key: jax.Array | None) -> Example:
        *columns, energy = (column[item["rows"]] for column in data)
        return Example(encoder.batch(*columns), energy[:, None], item["weights"][:, None])

    return Source(data, chunks, prepare, steps * batch, steps, own_order=True)


def train(
    encoder: AlloyEncoder,
    rows: AlloyRows,
    validation: AlloyRows,
    config: TrainingConfig,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> Predictor:
    """An ensemble trained on some rows.

    Args:
        encoder: of the rows.
        rows: to fit.
        validation: choose the epoch.
        config: of the training.
        checkpoint: state after each epoch, resumed from if it exists.
        log: one line an epoch.
    """
    network = AlloySiteNetwork(encoder.symbols, encoder.sites)
    mean, scale = (jnp.float32([f(rows.energy)]) for f in (np.mean, np.std))
    objective = Regression(mean, scale, network, (PROPERTY,))
    zero = jnp.zeros(2, jnp.int32)
    start = initial_variables(network, encoder.batch(zero, zero, zero, zero), config)
    source = row_source(encoder, rows, config.batch, config.seed)
    check = row_source(encoder, validation, 512)
    fitted = fit(objective, source, check, config, start, checkpoint=checkpoint, log=log)
    return Predictor(fitted.variables, mean, scale, network, encoder, (PROPERTY,), ("eV",))


@jax.jit
def _predicted(predictor: Predictor, batch: AlloySites) -> tuple[jax.Array, jax.Array]:
    return predictor.with_std(batch)


def predict(predictor: Predictor, a: Any, b: Any, site: Any, adsorbate: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation ``[n, 1]`` in eV of rows as indices ``[n]``."""
    columns = [np.asarray(column, np.int32) for column in (a, b, site, adsorbate)]
    count, found = len(columns[0]), []
    for first in range(0, count, BLOCK):
        rows = np.minimum(np.arange(first, first + BLOCK), count - 1)
        batch = predictor.encoder.batch(*(column[rows] for column in columns))
        found.append(jax.device_get(_predicted(predictor, batch)))
    if not found:
        return np.zeros((0, 1)), np.zeros((0, 1))
    return tuple(np.concatenate(part)[:count] for part in zip(*found, strict=True))
