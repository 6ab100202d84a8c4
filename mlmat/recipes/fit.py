"""Training a predictor on a task: encode, scale, train, calibrate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.analysis.calibration import fit_scale
from mlmat.analysis.confidence import fit_temperature
from mlmat.errors import InputError, MlmatError, UnknownElementError
from mlmat.nn.module import described, grown
from mlmat.nn.module import fitted as fitted_to_data
from mlmat.predictor import Predictor
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.forces import check_continuous
from mlmat.predictor.predict import atom_counts, predict_encoded
from mlmat.recipes.choice import Choice
from mlmat.recipes.mechanics import force_scale, mechanical_graphs
from mlmat.recipes.task import Scaling, Task, fit_scaling
from mlmat.training.config import LossConfig, TrainingConfig
from mlmat.training.energy_forces import EnergyForces
from mlmat.training.ensemble import molecule_source
from mlmat.training.loop import Row, fit, initial_variables
from mlmat.training.losses import Classification, Regression
from mlmat.training.mesh import data_mesh
from mlmat.training.molecules import molecule_set
from mlmat.training.source import Source, graph_source, with_targets
from mlmat.typing import SoftGraph

CALIBRATION_ITEMS = 20
"""Fewer validation items than this say too little about uncertainty."""

ON_DEVICE = 2**27
"""Bytes of a training set that are sent to the device in one piece at most."""


class TrainedTask(NamedTuple):
    """A trained, calibrated predictor.

    Attributes:
        predictor: the ensemble.
        history: one row per epoch.
        notes: what was found on the way, in plain words.
        seconds: ``encode``, ``compile`` and ``train``.
    """

    predictor: Predictor
    history: list[Row]
    notes: list[str]
    seconds: dict[str, float]


def fit_task(
    task: Task,
    train: np.ndarray,
    validation: np.ndarray,
    choice: Choice,
    *,
    extensive: bool | None = None,
    init: Predictor | None = None,
    frozen: tuple[str, ...] = (),
    checkpoint: Path | None = None,
    log: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> TrainedTask:
    """Train an ensemble on some rows of a task.

    Args:
        task: items and targets.
        train: rows to fit.
        validation: rows that choose the epoch and calibrate the uncertainty.
        choice: model and settings.
        extensive: whether targets grow with the number of atoms; None finds out.
        init: predictor to go on from (fine-tuning): its encoder, network and weights.
        frozen: prefixes of parameter paths that stay as `init` has them.
        checkpoint: state after each epoch; resumed from exactly if it exists.
        log: JSON-lines file with one row per epoch.
        report: called with each row.

    Raises:
        InputError: rows too few, targets that do not suit `init`, or a loss that explodes.
        UnknownElementError: an element that `init` does not know.
    """
    if init is not None:
        _check_init(init, task)
    if len(train) < 2 or not len(validation):
        raise InputError(
            f"{len(train)} training and {len(validation)} validation items: training needs at least 2 and 1"
        )
    began = time.perf_counter()
    rows = np.concatenate([train, validation])
    items = [task.items[i] for i in rows]
    # All items: a test molecule with an element of its own shall get a prediction, if a poor one.
    encoder = choice.encoder(task.items) if init is None else init.encoder
    if task.forces is not None:
        check_continuous(encoder)
    graphs = _encoded(encoder, items, init is not None)
    targets = np.asarray(task.targets, float)[rows]
    inside, outside = np.arange(len(train)), np.arange(len(train), len(rows))
    scaling = _scaling(task, graphs, encoder, targets, inside, outside, train, extensive, init)
    if scaling.reference is not None:
        targets = targets - atom_counts(graphs, len(encoder.elements)) @ scaling.reference
    outputs = len(task.classes) or len(task.properties)
    network = choice.network(encoder, outputs, scaling.reference is not None) if init is None else init.model
    network = grown(network, graphs)
    predictor = _blank(task, encoder, network, scaling)
    marked = graphs if task.forces is None else mechanical_graphs(task, rows, graphs)
    marked = described(network, marked, task.forces is not None)
    source, check = _sources(items, marked, targets, len(train), encoder, choice.training)
    start, config = _start(network, graphs[: len(train)], choice.training, init, outputs)
    encoded = time.perf_counter()
    fitted = fit(
        _objective(task, predictor, choice.loss),
        source,
        check,
        config,
        start,
        frozen=frozen,
        mesh=data_mesh(config.shards) if config.shards > 1 else None,
        checkpoint=checkpoint,
        log=log,
        report=report,
    )
    trained = time.perf_counter()
    predictor = replace(predictor, variables=fitted.variables)
    predictor, note = _calibrated(predictor, task, [graphs[i] for i in outside], validation)
    seconds = {"encode": encoded - began, "compile": fitted.compile_seconds, "train": trained - encoded}
    notes = [note for note in (scaling.note, note) if note]
    return TrainedTask(predictor, fitted.history, notes, seconds)


def _check_init(init: Predictor, task: Task) -> None:
    """Refuse to go on from a predictor whose numbers mean something else."""
    if init.properties == task.properties and init.units != task.units:
        raise InputError(
            f"the predictor to go on from gives {', '.join(init.properties)} in {', '.join(init.units)}, "
            f"the data are in {', '.join(task.units)}: convert the data"
        )
    if init.classes != task.classes:
        raise InputError(
            f"the predictor to go on from knows the classes {init.classes or 'of no kind'}, "
            f"the data hold {task.classes or 'numbers'}: train from scratch"
        )


def _encoded(encoder: Any, items: Sequence[Any], fine_tuning: bool) -> list[Any]:
    graphs = []
    for number, graph in enumerate(encode_items(encoder, items)):
        if isinstance(graph, UnknownElementError) and fine_tuning:
            raise InputError(
                f"the predictor to go on from knows {', '.join(encoder.elements)}, and item {number} has "
                f"{graph.symbol}: leave such items out, or train from scratch (without --init)"
            )
        if isinstance(graph, MlmatError):
            raise graph
        graphs.append(graph)
    return graphs


def _scaling(task, graphs, encoder, targets, inside, outside, train, extensive, init) -> Scaling:
    if task.classes:
        return Scaling(np.zeros(len(task.classes)), np.ones(len(task.classes)), None, "")
    if init is not None and init.properties == task.properties:
        reference = None if init.reference is None else np.asarray(init.reference, float)
        note = "targets are scaled as in the predictor to go on from"
        return Scaling(np.asarray(init.mean, float), np.asarray(init.scale, float), reference, note)
    if init is not None:
        extensive = init.reference is not None
    if isinstance(graphs[0], SoftGraph):
        extensive = False  # its readout is not a sum over atoms
    counts = atom_counts(graphs, len(encoder.elements))
    if task.forces is None:
        return fit_scaling(counts, targets, inside, outside, extensive)
    scaling = fit_scaling(counts, targets, inside, outside, True)
    return scaling._replace(scale=force_scale([task.forces[i] for i in train]))


def _blank(task: Task, encoder: Any, network: Any, scaling: Scaling) -> Predictor:
    """The predictor before it has weights."""
    return Predictor(
        variables={},
        mean=jnp.asarray(scaling.mean, jnp.float32),
        scale=jnp.asarray(scaling.scale, jnp.float32),
        model=network,
        encoder=encoder,
        properties=task.properties,
        units=task.units,
        reference=scaling.reference,
        classes=task.classes,
    )


def _objective(task: Task, predictor: Predictor, loss: LossConfig) -> Any:
    if task.classes:
        return Classification(predictor.model, task.classes)
    if task.forces is not None:
        loss = loss if task.stress is not None else replace(loss, stress=0.0)
        return EnergyForces(predictor.mean, predictor.scale, predictor.model, loss)
    return Regression(predictor.mean, predictor.scale, predictor.model, task.properties, loss)


def _sources(
    items, graphs, targets, count: int, encoder: Any, config: TrainingConfig
) -> tuple[Source, Source]:
    """Training and validation examples."""
    if isinstance(graphs[0], SoftGraph):
        parts = slice(count), slice(count, None)
        sets = [molecule_set(items[part], targets[part], encoder.capacity) for part in parts]
        return molecule_source(sets[0], config.batch, config.seed), molecule_source(sets[1], 500)
    marked = with_targets(graphs, targets)
    size = sum(leaf.nbytes for graph in marked[:count] for leaf in jax.tree.leaves(graph))
    steps = -(-count // config.batch)
    # Chunks of equal length: an empty step at the end of the last one costs as much as a full one.
    count_chunks = -(-size // ON_DEVICE)
    chunk = None if count_chunks == 1 else -(-(steps + max(1, steps // 50)) // count_chunks)
    options = {"seed": config.seed, "shards": config.shards, "chunk_steps": chunk}
    return graph_source(marked[:count], config.batch, **options), graph_source(marked[count:], config.batch)


def _start(network: Any, graphs: list[Any], config: TrainingConfig, init: Predictor | None, outputs: int):
    """Start variables, and the configuration with the number of members they have."""
    if init is None:
        start = initial_variables(network, jax.tree.map(jnp.asarray, graphs[0]), config)
        return fitted_to_data(network, start, graphs), config
    if init.scale.shape[0] != outputs:
        raise InputError(
            f"the predictor to go on from has {init.scale.shape[0]} outputs ({', '.join(init.properties)}), "
            f"the data ask for {outputs}"
        )
    return init.variables, replace(config, members=init.members)


def _calibrated(
    predictor: Predictor, task: Task, graphs: list[Any], rows: np.ndarray
) -> tuple[Predictor, str]:
    """The predictor with its uncertainty corrected on validation data."""
    if len(rows) < CALIBRATION_ITEMS:
        return predictor, f"uncertainties are not calibrated: fewer than {CALIBRATION_ITEMS} validation items"
    mean, std = (np.stack(part) for part in zip(*predict_encoded(predictor, graphs), strict=True))
    targets = np.asarray(task.targets, float)[rows]
    if task.classes:
        temperature = fit_temperature(np.log(np.maximum(mean, 1e-12)), targets[:, 0].astype(int))
        note = f"probabilities are calibrated with temperature {temperature:.2f}"
        return replace(predictor, scale=predictor.scale / temperature), note
    factors = []
    for column in range(targets.shape[1]):
        known = np.isfinite(targets[:, column])
        errors = mean[known, column] - targets[known, column]
        enough = known.sum() >= CALIBRATION_ITEMS and errors.any()
        factors.append(fit_scale(errors, std[known, column]) if enough else (1.0, 0.0))
    calibration = jnp.asarray(np.array(factors).T, jnp.float32)
    return replace(predictor, calibration=calibration), ""
