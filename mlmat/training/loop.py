"""The training loop: epochs, validation, early stop, log, checkpoint and exact resume."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from mlmat.errors import InputError
from mlmat.files import atomic_write
from mlmat.nn.module import map_members
from mlmat.training.checkpoint import load_state, save_state
from mlmat.training.config import TrainingConfig
from mlmat.training.mesh import place_chunk, replicate
from mlmat.training.source import Source, prefetched
from mlmat.training.step import (
    TrainingState,
    initial_state,
    keep_best,
    learning_rate,
    make_run_chunk,
    rates,
    validate_chunk,
)
from mlmat.typing import Variables

Row = dict[str, float]


class Fitted(NamedTuple):
    """A finished training.

    Attributes:
        variables: best averaged variables of each member, ``[M, ...]``.
        history: one row per epoch: ``epoch, loss, gradient_norm, learning_rate, score``,
            ``validation …`` (mean over members), ``examples_per_second, seconds``.
        compile_seconds: time from start to the end of the first chunk, less a later chunk's.
    """

    variables: Variables
    history: list[Row]
    compile_seconds: float


def initial_variables(model: Any, batch: Any, config: TrainingConfig) -> Variables:
    """Fresh variables of every member, ``[M, ...]``."""
    return _initial(model, jax.random.split(jax.random.key(config.seed), config.members), batch)


# It runs once: optimising it takes the compiler three times as long, for the same numbers.
@partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 1})
def _initial(model: Any, keys: jax.Array, batch: Any) -> Variables:
    return map_members(lambda key: model.init({"params": key, "dropout": key}, batch), keys)


@dataclass(frozen=True)
class FrozenMask:
    """Mask of the parameters whose path (``layer/kernel``) starts with one of `prefixes`.

    A class and not a closure: equal masks are equal, so that they share what was compiled.
    """

    prefixes: tuple[str, ...]

    def __call__(self, params: Any) -> Any:
        """Pytree of booleans, true for what stays as it is.

        Raises:
            InputError: a prefix matches nothing.
        """
        paths = [
            "/".join(str(k.key) for k in path) for path, _ in jax.tree_util.tree_leaves_with_path(params)
        ]
        for prefix in self.prefixes:
            if not any(path.startswith(prefix) for path in paths):
                tops = sorted({path.split("/")[0] for path in paths})
                raise InputError(f"no parameter starts with {prefix!r}; there are {', '.join(tops)}")
        held = [any(path.startswith(prefix) for prefix in self.prefixes) for path in paths]
        return jax.tree.unflatten(jax.tree.structure(params), held)


def fit(
    objective: Any,
    source: Source,
    validation: Source,
    config: TrainingConfig,
    variables: Variables,
    *,
    frozen: tuple[str, ...] = (),
    mesh: jax.sharding.Mesh | None = None,
    checkpoint: Path | None = None,
    log: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> Fitted:
    """Train, validate after each epoch with the averaged weights, and keep the best.

    Args:
        objective: see `mlmat.training.losses`.
        source: training examples.
        validation: examples that choose the epoch and nothing else.
        config: hyperparameters.
        variables: start of every member, ``[M, ...]``: `initial_variables`, or a predictor's.
        frozen: prefixes of parameter paths that stay as they are.
        mesh: devices with one axis ``"data"`` that share the shards of a step.
        checkpoint: state after each epoch; resumed from exactly if it exists.
        log: JSON-lines file with one row per epoch.
        report: called with each row.

    Raises:
        InputError: the loss became NaN, or a frozen prefix matches nothing.
        DataError: the checkpoint is damaged or belongs to other settings.
    """
    host_rates, held = rates(config, source.steps), FrozenMask(tuple(frozen)) if frozen else None
    key = jax.random.key(config.seed)
    state, history = initial_state(variables, host_rates, key, config.optimiser, held), []
    if checkpoint is not None and checkpoint.exists():
        state, history = load_state(checkpoint, state)
    if log is not None:
        _rewrite(log, history)
    state, objective, data, numbers = (
        replicate(tree, mesh) for tree in (state, objective, source.data, host_rates)
    )
    run_chunk = make_run_chunk(source, config, held)
    checks = [replicate(chunk, mesh) for chunk in validation.chunks(0)]
    check_data = replicate(validation.data, mesh)
    times = []
    while (epoch := int(state.epoch[0])) < config.epochs and not _exhausted(state, config):
        began = time.perf_counter()
        traces = []
        placed = (place_chunk(c, mesh, config.shards) for c in source.chunks(epoch))
        with closing(prefetched(placed)) as chunks:
            for chunk in chunks:
                chunk_began = time.perf_counter()
                state, *trace = run_chunk(objective, data, numbers, state, chunk)
                traces.append(jax.tree.map(np.asarray, trace))
                times.append(time.perf_counter() - chunk_began)
        losses, weights, norms = (np.concatenate(part, axis=1) for part in zip(*traces, strict=True))
        taken = time.perf_counter() - began
        loss = float((losses * weights).sum() / max(weights.sum(), 1e-12))
        if not math.isfinite(loss):
            raise InputError(
                f"the loss became {loss} in epoch {epoch + 1}: lower the learning rate "
                f"(it is {config.learning_rate:g}) or look for outliers in the targets"
            )
        found = [
            validate_chunk(validation.prepare, objective, check_data, state.averaged, chunk)
            for chunk in checks
        ]
        sums, counts = (sum(np.asarray(part, float) for part in parts) for parts in zip(*found, strict=True))
        errors = sums / np.maximum(counts, 1e-12)
        score = np.asarray(objective.score(errors), np.float32)
        state = keep_best(state, replicate(score, mesh))
        named = zip(objective.columns, errors.mean(axis=0), strict=True)
        row = {
            "epoch": epoch + 1,
            "loss": loss,
            "gradient_norm": float(norms[weights > 0].mean()),
            "learning_rate": float(learning_rate(host_rates, int(state.step[0]))),
            "score": float(score.mean()),
            **{f"validation {name}": float(e) for name, e in named},
            "examples_per_second": source.count / taken,
            "seconds": time.perf_counter() - began,
        }
        history.append(row)
        if checkpoint is not None and jax.process_index() == 0:
            save_state(checkpoint, state, history)
        if log is not None and jax.process_index() == 0:
            with open(log, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        report(row)
    compile_seconds = times[0] - float(np.median(times[1:])) if len(times) > 1 else 0.0
    return Fitted(state.best, history, max(0.0, compile_seconds))


def _exhausted(state: TrainingState, config: TrainingConfig) -> bool:
    return config.patience is not None and bool((np.asarray(state.stale) >= config.patience).all())


def _rewrite(log: Path, history: list[Row]) -> None:
    """The log of a resumed run starts with exactly the epochs its state has."""
    if jax.process_index() == 0:
        with atomic_write(log, "w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in history)
