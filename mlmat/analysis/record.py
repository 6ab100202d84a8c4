"""The run record: one JSON schema for what any run of mlmat did and measured."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import resource
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mlmat.errors import DataError, InputError
from mlmat.files import write_json

SCHEMA = 1
PACKAGES = ("mlmat", "jax", "jaxlib", "flax", "optax", "numpy", "rdkit", "tblite", "ase")


@dataclass(frozen=True)
class Metric:
    """One measured number, in physical units, beside the published one if there is one.

    Attributes:
        name: e.g. ``"gap MAE"``.
        value: measured.
        unit: e.g. ``"eV"``; empty for a share.
        std: spread over seeds or half-width named in `variant`; None if not measured.
        dataset: registry name.
        split: e.g. ``"skeleton test"``.
        variant: model, searcher or setting the number belongs to.
        n_train: size of the training set.
        n_test: number of items measured.
        n_seeds: independent repetitions.
        paper: published value it stands beside.
        source: where the published value is from.
    """

    name: str
    value: float
    unit: str = ""
    std: float | None = None
    dataset: str | None = None
    split: str | None = None
    variant: str | None = None
    n_train: int | None = None
    n_test: int | None = None
    n_seeds: int | None = None
    paper: float | None = None
    source: str | None = None

    def __post_init__(self):
        if not math.isfinite(self.value):
            raise InputError(f"the metric {self.name!r} is {self.value}: a record holds measured numbers only")


@dataclass(frozen=True)
class RunRecord:
    """What ran, on what, for how long, and what came out; see DESIGN for each field."""

    system: str
    preset: str
    command: str
    config: dict[str, Any]
    seeds: list[int]
    data: dict[str, str]
    seconds: dict[str, float]
    metrics: list[Metric]
    versions: dict[str, str] = field(default_factory=lambda: package_versions())
    device: str = field(default_factory=lambda: device_name())
    peak_memory: int = field(default_factory=lambda: peak_memory())
    schema: int = SCHEMA

    def metric(self, name: str, variant: str | None = None) -> Metric:
        """The first metric of this name (and variant).

        Raises:
            InputError: there is none.
        """
        for metric in self.metrics:
            if metric.name == name and variant in (None, metric.variant):
                return metric
        raise InputError(f"the record has no metric {name!r}; it has {sorted({m.name for m in self.metrics})}")


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape results."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def device_name() -> str:
    """The devices JAX computes on, and the processor beside them."""
    import jax

    devices = jax.devices()
    return f"{len(devices)} x {devices[0].device_kind} ({devices[0].platform}), {platform.machine()}"


def peak_memory() -> int:
    """Largest resident memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def save_record(record: RunRecord, path: str | Path) -> None:
    """Write a record as JSON, atomically."""
    write_json(path, asdict(record))


def load_record(path: str | Path) -> RunRecord:
    """Read a record back.

    Raises:
        DataError: not JSON, another schema, or missing and unknown fields.
    """
    try:
        content = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the run record {path}: {error}") from error
    names = {f.name for f in fields(RunRecord)}
    if not isinstance(content, dict) or set(content) != names or content["schema"] != SCHEMA:
        raise DataError(f"{path} is not a run record of schema {SCHEMA}")
    return RunRecord(**{**content, "metrics": [Metric(**m) for m in content["metrics"]]})
