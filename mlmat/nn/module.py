"""The `Model` contract on flax modules: variables in, outputs and new statistics out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax

from mlmat.typing import Variables


def apply(
    model: nn.Module,
    variables: Variables,
    batch: Any,
    *,
    train: bool = False,
    rngs: dict[str, jax.Array] | None = None,
) -> tuple[jax.Array, Variables]:
    """Outputs of a model, and its state afterwards.

    A model whose ``__call__`` takes ``train`` is told; any collection beside ``params``
    (running statistics of a batch norm) may change while training.

    Args:
        model: a frozen flax module.
        variables: its collections, ``{"params": …, …}``.
        batch: what it is called on.
        train: whether dropout and batch statistics act as in training.
        rngs: keys by name, e.g. ``{"dropout": key}``.

    Returns:
        The outputs, and every collection but ``params``.
    """
    told = {"train": train} if "train" in inspect.signature(type(model).__call__).parameters else {}
    state = {name: value for name, value in variables.items() if name != "params"}
    if train and state:
        outputs, changed = model.apply(variables, batch, rngs=rngs, mutable=list(state), **told)
        return outputs, dict(changed)
    return model.apply(variables, batch, rngs=rngs, **told), state


def grown(model: Any, graphs: Sequence[Any]) -> Any:
    """The model with static sizes that hold these graphs; the model itself if it has no such sizes.

    Host code. Angular potentials keep lists of neighbours of a fixed length (see `mlmat.models.hdnnp`);
    weights stay valid when it changes.

    Args:
        model: a frozen flax module.
        graphs: as its encoder made them.
    """
    return model.grown(graphs) if hasattr(model, "grown") else model


def described(model: Any, graphs: Sequence[Any], slopes: bool) -> Sequence[Any]:
    """Graphs that carry what a model computes of them before its first weight; for training.

    Host code. Potentials on descriptors keep them (see `mlmat.descriptors.stored`); for other models
    nothing changes.

    Args:
        model: a frozen flax module.
        graphs: as its encoder made them, perhaps with more features.
        slopes: whether derivatives by positions will be asked for.
    """
    return model.described(graphs, slopes) if hasattr(model, "described") else graphs


def fitted(model: Any, variables: Variables, graphs: Sequence[Any]) -> Variables:
    """Fresh variables with what a model takes from the training data before it is trained.

    Host code. Potentials on descriptors keep their range (see `mlmat.models.hdnnp`); for other models
    nothing changes.

    Args:
        model: a frozen flax module.
        variables: of every member, with a leading member axis.
        graphs: of the training part, as the encoder made them.
    """
    return model.fitted(variables, graphs) if hasattr(model, "fitted") else variables


def map_members(function: Callable[[Any], Any], members: Any) -> Any:
    """``function`` of each member of an ensemble: `jax.vmap`, or one after the other on a CPU.

    Measured on two cores: gathers and scatters with a member axis take a CPU 2.4 times as long
    as the same members in turn; an accelerator needs the members side by side to be busy.

    Args:
        function: of one member's pytree.
        members: pytree with a leading member axis ``[M, ...]``.

    Returns:
        The results, with a leading member axis.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(function, members)
    return jax.vmap(function)(members)
