"""The predictor file ``NAME.mlmat``: everything a prediction needs, and no code.

A magic word, the length of a JSON header (format version, encoder, model class and
fields, properties, units, checksum of the arrays, provenance), the header, and the
arrays as msgpack. No pickle.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization

from mlmat.descriptors.ani import ANIDescriptor
from mlmat.descriptors.bispectrum import BispectrumDescriptor
from mlmat.descriptors.chebyshev import ChebyshevDescriptor
from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.descriptors.zernike import ZernikeDescriptor
from mlmat.errors import PredictorFileError
from mlmat.files import atomic_write
from mlmat.graphs.bond_graph import BondGraphEncoder
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.graphs.slab_graph import SlabGraphEncoder
from mlmat.graphs.softgraph import SoftGraphEncoder
from mlmat.models.ani import ANI
from mlmat.models.bond_mpnn import BondMPNN
from mlmat.models.cgcnn import CGCNN
from mlmat.models.crystal_network import CrystalNetwork
from mlmat.models.dtnn import DTNN
from mlmat.models.equivariant import Equivariant
from mlmat.models.hdnnp import HDNNP
from mlmat.models.schnet import SchNet
from mlmat.models.sgcnn import SGCNN
from mlmat.models.site_network import SiteNetwork
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.predictor.predictor import Predictor

MAGIC = b"MLMAT"
FORMAT = 2
SHIPPED = Path(__file__).parents[1] / "pretrained" / "gap.mlmat"
"""The predictor of gap, HOMO and LUMO that ships with mlmat."""

SHIPPED_RDKIT = SHIPPED.with_name("rdkit.mlmat")
"""Its companion for logP, QED and synthetic accessibility."""

MODELS = {
    kind.__name__: kind
    for kind in (
        ANI,
        CGCNN,
        HDNNP,
        SGCNN,
        BondMPNN,
        CrystalNetwork,
        DTNN,
        Equivariant,
        SchNet,
        SiteNetwork,
        SoftMPNN,
    )
}
DESCRIPTORS = {
    kind.__name__: kind
    for kind in (
        ANIDescriptor,
        BispectrumDescriptor,
        ChebyshevDescriptor,
        SymmetryFunctions,
        ZernikeDescriptor,
    )
}
ENCODERS = {
    kind.__name__: kind
    for kind in (
        BondGraphEncoder,
        CrystalGraphEncoder,
        RadiusGraphEncoder,
        SlabGraphEncoder,
        SoftGraphEncoder,
    )
}
ARRAYS = ("variables", "mean", "scale", "reference", "calibration")


def save_predictor(predictor: Predictor, path: str | Path, notes: dict[str, Any] | None = None) -> None:
    """Write a predictor file, atomically.

    Args:
        predictor: what to save.
        path: usually ``NAME.mlmat``.
        notes: JSON-serialisable provenance: data checksum, metrics, seeds, versions.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = {name: getattr(predictor, name) for name in ARRAYS}
    payload = serialization.msgpack_serialize(
        {name: jax.tree.map(np.asarray, value) for name, value in arrays.items() if value is not None}
    )
    header = json.dumps(
        {
            "format": FORMAT,
            "encoder": _described(predictor.encoder),
            "model": _described(predictor.model),
            "properties": predictor.properties,
            "units": predictor.units,
            "classes": predictor.classes,
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
        PredictorFileError: no such file, not a predictor file, or of another format.
    """
    return _read(path)[0]


def load_predictor(path: str | Path | None = None) -> Predictor:
    """Read a predictor file; without a path, the gap predictor that ships with mlmat.

    Raises:
        PredictorFileError: missing, truncated or altered file, or one of another format.
    """
    path = SHIPPED if path is None else path
    header, payload = _read(path)
    if hashlib.sha256(payload).hexdigest() != header["sha256"]:
        raise PredictorFileError(
            f"{path} is truncated or altered (checksum differs): get it again or retrain"
        )
    arrays = serialization.msgpack_restore(payload)
    # The reference stays float64 on the host; JAX would narrow it.
    arrays |= {
        name: jax.tree.map(jnp.asarray, value) for name, value in arrays.items() if name != "reference"
    }
    return Predictor(
        model=_made(header["model"], MODELS, path),
        encoder=_made(header["encoder"], ENCODERS, path),
        **{name: tuple(header[name]) for name in ("properties", "units", "classes")},
        **arrays,
    )


def _described(thing: Any) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(thing) if field.name not in ("parent", "name"))
    values = {name: getattr(thing, name) for name in names}
    fields = {n: _described(v) if dataclasses.is_dataclass(v) else v for n, v in values.items()}
    return {"class": type(thing).__name__, "fields": fields}


def _made(described: dict[str, Any], kinds: dict[str, type], path: str | Path) -> Any:
    if described["class"] not in kinds:
        raise PredictorFileError(f"{path} needs {described['class']}, which this mlmat lacks: update it")
    fields = {name: _value(value, path) for name, value in described["fields"].items()}
    return kinds[described["class"]](**fields)


def _value(value: Any, path: str | Path) -> Any:
    """A field as it was: JSON knows no tuples, and a part of a model (its descriptor) is an object."""
    if isinstance(value, dict):
        return _made(value, DESCRIPTORS, path)
    return tuple(_value(item, path) for item in value) if isinstance(value, list) else value


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
    found = header.get("format")
    if found != FORMAT:
        newer = not isinstance(found, int) or found > FORMAT
        advice = "update mlmat" if newer else "train it again"
        raise PredictorFileError(f"{path} is of format {found}, this mlmat reads {FORMAT}: {advice}")
    return header, content[start + length :]
