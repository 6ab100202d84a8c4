"""The run record: one JSON schema for what any run of mlmat did and measured."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mlmat.analysis.plain import checked, plain
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
        _set_checked(self, f"metric {self.name!r}", METRIC_TYPES)


METRIC_TYPES = {
    **dict.fromkeys(("name", "unit"), str),
    **dict.fromkeys(("dataset", "split", "variant", "source"), str | None),
    **dict.fromkeys(("n_train", "n_test", "n_seeds"), int | None),
    **dict.fromkeys(("std", "paper"), float | None),
    "value": float,
}


@dataclass(frozen=True)
class RunRecord:
    """What ran, on what, for how long, and what came out.

    Attributes:
        system: what was studied.
        preset: ``"quick"``, ``"full"`` or the name of the command.
        command: the command line that repeats the run.
        config: options by name.
        seeds: every random seed.
        data: name of each data set used → its SHA-256.
        seconds: wall time by stage: ``run``, and ``compile`` where it is measured apart.
        metrics: what was measured.
        versions: Python and packages.
        device: what JAX computed on.
        peak_memory: largest resident memory of the process, bytes; None where the
            operating system does not tell.
        schema: version of this layout.

    Numbers and containers become plain JSON values (a tuple becomes a list, a path a
    string), so that a record equals itself after `save_record` and `load_record`.

    Raises:
        InputError: a field of the wrong type, NaN or infinity anywhere.
    """

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
    peak_memory: int | None = field(default_factory=lambda: peak_memory())
    schema: int = SCHEMA

    def __post_init__(self):
        _set_checked(self, "run record", RECORD_TYPES)
        if self.schema != SCHEMA:
            raise InputError(f"run record: schema is {self.schema}, this version of mlmat knows {SCHEMA}")
        for name, kind in CONTENT_TYPES.items():
            items = getattr(self, name)
            for key, item in items.items() if isinstance(items, dict) else enumerate(items):
                checked(item, kind, f"run record: {name}[{key!r}]")
        if "run" not in self.seconds:
            raise InputError("run record: seconds lacks run, the wall time without compilation")

    def metric(self, name: str, variant: str | None = None) -> Metric:
        """The first metric of this name (and variant).

        Raises:
            InputError: there is none.
        """
        for metric in self.metrics:
            if metric.name == name and variant in (None, metric.variant):
                return metric
        raise InputError(
            f"the record has no metric {name!r}; it has {sorted({m.name for m in self.metrics})}"
        )


RECORD_TYPES = {
    **dict.fromkeys(("system", "preset", "command", "device"), str),
    **dict.fromkeys(("config", "data", "seconds", "versions"), dict),
    **dict.fromkeys(("seeds", "metrics"), list),
    "peak_memory": int | None,
    "schema": int,
}
CONTENT_TYPES = {"data": str, "seconds": float, "versions": str, "seeds": int, "metrics": Metric}
"""What the containers of a record hold."""


def _set_checked(instance: Any, where: str, types: Mapping[str, Any]) -> None:
    """Check each field of a frozen dataclass and store it as a plain JSON value."""
    for name, kind in types.items():
        place = f"{where}: {name}"
        object.__setattr__(instance, name, checked(plain(getattr(instance, name), place), kind, place))


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


def peak_memory() -> int | None:
    """Largest resident memory of this process in bytes; None on Windows, which has no `resource`."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def save_record(record: RunRecord, path: str | Path) -> None:
    """Write a record as JSON, atomically."""
    write_json(path, asdict(record))


def load_record(path: str | Path) -> RunRecord:
    """Read a record back.

    Raises:
        DataError: not readable, not JSON, another schema, missing or unknown fields,
            or a field of the wrong type; the message says which.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the run record {path}: {error}") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise DataError(
            f"{path} is not a run record of schema {SCHEMA} (it says {schema!r}): "
            "give a results.json, or use the mlmat that wrote it"
        )
    _same_fields(content, RunRecord, f"{path}")
    if not isinstance(content["metrics"], list):
        raise DataError(f"{path}: metrics must be a list")
    for number, metric in enumerate(content["metrics"], 1):
        _same_fields(metric, Metric, f"{path}: metric {number}")
    try:
        return RunRecord(**content | {"metrics": [Metric(**metric) for metric in content["metrics"]]})
    except InputError as error:
        raise DataError(f"{path}: {error}") from error


def _same_fields(content: Any, kind: type, where: str) -> None:
    """Raise `DataError` unless a JSON object has exactly the fields of a dataclass."""
    found, wanted = set(content) if isinstance(content, dict) else set(), {f.name for f in fields(kind)}
    if found != wanted:
        lacks, extra = ", ".join(sorted(wanted - found)), ", ".join(sorted(found - wanted))
        raise DataError(
            f"{where} does not have the fields of a {kind.__name__}: lacks [{lacks}], unknown [{extra}]"
        )
