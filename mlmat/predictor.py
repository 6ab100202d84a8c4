"""The predictor: an ensemble of trained models as one callable pytree, and its file.

A predictor is passed to jitted functions as an argument, never closed over: its
weights are leaves, so another predictor of the same architecture does not recompile.

The file ``NAME.mlmat`` holds a magic word, a JSON header (format version, model,
properties, units, checksum, provenance) and the arrays as msgpack. No pickle, no code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization

from mlmat.errors import InputError, PredictorFileError
from mlmat.files import atomic_write
from mlmat.graphs.chemistry import ELEMENTS
from mlmat.graphs.softgraph import from_smiles
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.typing import SoftGraph, Targets, Variables

MAGIC = b"MLMAT"
FORMAT = 1
SHIPPED = Path(__file__).parent / "pretrained" / "gap.mlmat"
"""The gap predictor that ships with mlmat."""

MODELS = {"SoftMPNN": SoftMPNN}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("variables", "mean", "scale"),
    meta_fields=("model", "properties", "units", "capacity"),
)
@dataclasses.dataclass(frozen=True)
class Predictor:
    """An ensemble that maps soft graphs to properties in physical units.

    Attributes:
        variables: model variables, every leaf with a leading member axis ``[M, ...]``.
        mean: ``[P]`` means of the training targets.
        scale: ``[P]`` standard deviations of the training targets.
        model: the architecture (static).
        properties: names of the outputs, e.g. ``("gap", "homo", "lumo")``.
        units: unit of each output.
        capacity: largest number of heavy atoms it was trained on.
    """

    variables: Variables
    mean: jax.Array
    scale: jax.Array
    model: SoftMPNN
    properties: tuple[str, ...]
    units: tuple[str, ...]
    capacity: int

    @property
    def members(self) -> int:
        """Number of models in the ensemble."""
        return jax.tree.leaves(self.variables)[0].shape[0]

    def each(self, graph: SoftGraph) -> Targets:
        """Prediction of every member, ``[M, ..., P]``, in physical units."""
        outputs = jax.vmap(self.model.apply, in_axes=(0, None))(self.variables, graph)
        return outputs * self.scale + self.mean

    def member(self, index: jax.Array, graph: SoftGraph) -> Targets:
        """Prediction ``[..., P]`` of one member; `index` may be traced."""
        variables = jax.tree.map(lambda leaf: leaf[index], self.variables)
        return self.model.apply(variables, graph) * self.scale + self.mean

    def __call__(self, graph: SoftGraph) -> Targets:
        """Ensemble mean ``[..., P]`` in physical units."""
        return self.each(graph).mean(axis=0)

    def with_std(self, graph: SoftGraph) -> tuple[Targets, Targets]:
        """Ensemble mean and standard deviation, both ``[..., P]``."""
        outputs = self.each(graph)
        return outputs.mean(axis=0), outputs.std(axis=0)

    def index(self, name: str) -> int:
        """Position of a property on the last axis.

        Raises:
            InputError: the predictor does not know the property.
        """
        if name not in self.properties:
            raise InputError(f"this predictor knows {', '.join(self.properties)}, not {name!r}")
        return self.properties.index(name)


@jax.jit
def _predict(predictor: Predictor, graph: SoftGraph) -> tuple[Targets, Targets]:
    return predictor.with_std(graph)


def predict_graphs(
    predictor: Predictor, graphs: SoftGraph, batch: int = 512
) -> tuple[np.ndarray, np.ndarray]:
    """Ensemble mean and standard deviation of many graphs, in padded batches of one size.

    Args:
        predictor: the ensemble.
        graphs: ``SoftGraph`` with one leading axis ``[N, ...]``.
        batch: size of the compiled batch; the last one is padded by repetition.

    Returns:
        ``mean [N, P]`` and ``std [N, P]`` in physical units.
    """
    count = len(graphs.mask)
    means, stds = [], []
    for first in range(0, count, batch):
        rows = np.minimum(np.arange(first, first + batch), count - 1)
        mean, std = _predict(predictor, SoftGraph(*(np.asarray(leaf)[rows] for leaf in graphs)))
        means.append(np.asarray(mean))
        stds.append(np.asarray(std))
    return np.concatenate(means)[:count], np.concatenate(stds)[:count]


def predict_smiles(predictor: Predictor, smiles: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Ensemble mean and standard deviation ``[N, P]`` for SMILES, in physical units.

    Raises:
        SmilesError, UnknownElementError, CapacityError, InputError: see `from_smiles`.
    """
    return predict_graphs(predictor, from_smiles(smiles, predictor.capacity), batch=min(512, len(smiles)))


def save_predictor(predictor: Predictor, path: str | Path, notes: dict[str, Any] | None = None) -> None:
    """Write a predictor file, atomically.

    Args:
        predictor: what to save.
        path: usually ``NAME.mlmat``.
        notes: JSON-serialisable provenance: data checksum, metrics, seeds, versions.
    """
    arrays = jax.tree.map(np.asarray, (predictor.variables, predictor.mean, predictor.scale))
    payload = serialization.msgpack_serialize({"variables": arrays[0], "mean": arrays[1], "scale": arrays[2]})
    model = {
        field.name: getattr(predictor.model, field.name)
        for field in dataclasses.fields(predictor.model)
        if field.name not in ("parent", "name")
    }
    header = json.dumps(
        {
            "format": FORMAT,
            "encoder": {"kind": "SoftGraph", "elements": ELEMENTS, "capacity": predictor.capacity},
            "model": {"class": type(predictor.model).__name__, "fields": model},
            "properties": predictor.properties,
            "units": predictor.units,
            "sha256": hashlib.sha256(payload).hexdigest(),
            "notes": notes or {},
        },
        allow_nan=False,
    ).encode()
    with atomic_write(path) as stream:
        stream.write(MAGIC + len(header).to_bytes(4, "little") + header + payload)


def read_header(path: str | Path) -> dict[str, Any]:
    """JSON header of a predictor file.

    Raises:
        PredictorFileError: no such file, not a predictor file, or a newer format.
    """
    return _read(path)[0]


def _read(path: str | Path) -> tuple[dict[str, Any], bytes]:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PredictorFileError(f"cannot read the predictor {path}: {error.strerror}") from error
    start = len(MAGIC) + 4
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    if not content.startswith(MAGIC):
        raise PredictorFileError(
            f"{path} is not a predictor file (mlmat train or mlmat design --train make one)"
        )
    try:
        header = json.loads(content[start : start + length])
    except ValueError as error:
        raise PredictorFileError(f"the header of {path} is damaged: get the file again or retrain") from error
    if header.get("format", FORMAT + 1) > FORMAT:
        raise PredictorFileError(
            f"{path} is of format {header.get('format')}: update mlmat (this reads {FORMAT})"
        )
    return header, content[start + length :]


def load_predictor(path: str | Path | None = None) -> Predictor:
    """Read a predictor file; without a path, the gap predictor that ships with mlmat.

    Raises:
        PredictorFileError: missing, truncated or altered file, or one of a newer format.
    """
    path = SHIPPED if path is None else path
    header, payload = _read(path)
    if hashlib.sha256(payload).hexdigest() != header["sha256"]:
        raise PredictorFileError(
            f"{path} is truncated or altered (checksum differs): get it again or retrain"
        )
    arrays = serialization.msgpack_restore(payload)
    return Predictor(
        variables=jax.tree.map(jnp.asarray, arrays["variables"]),
        mean=jnp.asarray(arrays["mean"]),
        scale=jnp.asarray(arrays["scale"]),
        model=MODELS[header["model"]["class"]](**header["model"]["fields"]),
        properties=tuple(header["properties"]),
        units=tuple(header["units"]),
        capacity=header["encoder"]["capacity"],
    )
