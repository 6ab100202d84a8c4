"""Screening a large space of candidates: predicted in blocks, on all devices, in files that resume.

Memory does not grow with the number of candidates: a block is made, encoded, predicted and written,
and forgotten. Every file holds the same number of candidates whatever stopped the run, so a file that
is there is finished. Batches are shared among devices as shards of one compiled call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import ase
import jax
import jraph
import numpy as np

from mlmat.errors import DataError, InputError, MissingEngineError, MlmatError
from mlmat.files import atomic_write, write_json
from mlmat.graphs.packing import Budget, pack
from mlmat.nn.module import grown
from mlmat.predictor import Predictor
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.predict import atom_counts, budget_of
from mlmat.training.mesh import data_mesh, place_chunk, replicate
from mlmat.training.source import prefetched

ROWS = 10_000
"""Candidates of a file."""

FORMATS = ("parquet", "npz")


class Candidate(NamedTuple):
    """A structure to be predicted.

    Attributes:
        number: in its space, from which it can be made again.
        origin: number of what it is made of.
        atoms: the structure.
    """

    number: int
    origin: int
    atoms: ase.Atoms


class Screening(NamedTuple):
    """What is screened.

    Attributes:
        count: of candidates.
        candidate: the k-th of them, k from 0.
        description: JSON-serialisable; two screenings with the same one have the same candidates.
    """

    count: int
    candidate: Callable[[int], Candidate]
    description: dict[str, Any]


def screen(
    predictor: Predictor,
    space: Screening,
    out: Path,
    *,
    batch: int = 128,
    rows: int = ROWS,
    format: str = "parquet",
    devices: list | None = None,
    encoded: Callable[[Any, list[ase.Atoms]], Iterator[Any]] = encode_items,
    report: Callable[[int], None] = lambda done: None,
) -> list[Path]:
    """Predict every candidate of a space and write the numbers, file by file.

    Columns: ``number``, ``origin`` (what it is made of), ``formula``, mean and ``… std`` of each
    property (NaN where there is none), and ``reason`` (empty, or why there is none).

    Args:
        predictor: of structures.
        space: the candidates.
        out: folder; finished files in it are kept.
        batch: candidates a device predicts at once.
        rows: of a file.
        format: "parquet" (needs pyarrow) or "npz".
        devices: to share the work among; default: all.
        encoded: graphs or errors of a list of structures, in order; to be replaced by one that uses
            several processes.
        report: called with the number of candidates done.

    Returns:
        The files, in order.

    Raises:
        InputError: a predictor of SMILES, or settings that are not usable.
        DataError: the folder holds another screening.
        MissingEngineError: Parquet without pyarrow.
    """
    if predictor.encoder.kind != "structure":
        raise InputError("crystals are screened by a predictor of structures, and this one takes SMILES")
    if format not in FORMATS or min(batch, rows, space.count) < 1:
        raise InputError(f"give positive counts, and one of the formats {', '.join(FORMATS)}")
    write = _parquet() if format == "parquet" else _npz
    description = {**space.description, "count": space.count, "rows": rows, "format": format}
    _settle(out, description, predictor)
    mesh = data_mesh(len(devices or jax.devices()), devices)
    count = mesh.devices.size
    parts = [out / f"part-{part:06}.{format}" for part in range(-(-space.count // rows))]
    todo = [part for part, path in enumerate(parts) if not path.exists()]

    def made() -> Iterator[tuple[int, dict[str, np.ndarray], list[Any]]]:
        for part in todo:
            found = [space.candidate(k) for k in range(part * rows, min((part + 1) * rows, space.count))]
            columns = {
                "number": np.array([one.number for one in found], np.int64),
                "origin": np.array([one.origin for one in found], np.int32),
                "formula": np.array([one.atoms.get_chemical_formula() for one in found]),
            }
            yield part, columns, list(encoded(predictor.encoder, [one.atoms for one in found]))

    # The next file is made and encoded while this one is predicted.
    with closing(prefetched(made(), depth=1)) as ahead:
        for part, columns, graphs in ahead:
            usable = [graph for graph in graphs if not isinstance(graph, MlmatError)]
            if usable:
                predictor = replace(predictor, model=grown(predictor.model, usable))
            write(parts[part], columns | _predicted(predictor, graphs, batch, mesh, count))
            report(min((part + 1) * rows, space.count))
    return parts


def _predicted(
    predictor: Predictor, graphs: list[Any], batch: int, mesh: jax.sharding.Mesh, count: int
) -> dict[str, np.ndarray]:
    """Columns of the predictions of some graphs (or errors)."""
    names = predictor.classes or predictor.properties
    mean = np.full((len(graphs), len(names)), np.nan, np.float32)
    std = np.full_like(mean, np.nan)
    reason = np.array([str(g) if isinstance(g, MlmatError) else "" for g in graphs], object)
    usable = [k for k, graph in enumerate(graphs) if not reason[k]]
    # Of like size together: less padding, and few shapes to compile.
    usable.sort(key=lambda k: int(graphs[k].n_node[0]))
    reference = None if predictor.reference is None else np.asarray(predictor.reference, float)
    plain = replicate(replace(predictor, reference=None), mesh)
    for first in range(0, len(usable), batch * count):
        chosen = usable[first : first + batch * count]
        parts = [chosen[k::count] for k in range(count)]
        taken = [[graphs[k] for k in part] for part in parts]
        budget = _common([budget_of(part, batch) for part in taken if part])
        chunk = jax.tree.map(
            lambda *leaves: np.stack(leaves)[None],
            *[_packed(part, budget, graphs[chosen[0]]) for part in taken],
        )
        found = jax.device_get(_sharded(plain, place_chunk(chunk, mesh, count)))
        for shard, part in enumerate(parts):
            mean[part] = found[0][0, shard, : len(part)]
            std[part] = found[1][0, shard, : len(part)]
    if reference is not None and usable:
        counts = atom_counts([graphs[k] for k in usable], len(reference))
        mean[usable] += (counts @ reference).astype(np.float32)
    lost = ~np.isfinite(mean).all(axis=1) & (reason == "")
    reason[lost] = "prediction is NaN"
    columns = {name: mean[:, k] for k, name in enumerate(names)}
    columns |= {f"{name} std": std[:, k] for k, name in enumerate(names)}
    return {**columns, "reason": reason.astype(str)}


@jax.jit
def _sharded(predictor: Predictor, chunk: jraph.GraphsTuple) -> tuple[jax.Array, jax.Array]:
    """Mean and standard deviation ``[1, shards, graphs, P]`` of shards ``[1, shards, ...]``."""
    if chunk.n_node.shape[1] == 1:
        alone = predictor.with_std(jax.tree.map(lambda leaf: leaf[0, 0], chunk))
        return tuple(part[None, None] for part in alone)
    return jax.vmap(jax.vmap(predictor.with_std))(chunk)


def _common(budgets: list[Budget]) -> Budget:
    return Budget(*(max(getattr(b, name) for b in budgets) for name in ("n_node", "n_edge", "n_graph")))


def _packed(graphs: list[Any], budget: Budget, like: Any) -> jraph.GraphsTuple:
    """One batch; without graphs, one of padding alone."""
    (batch,) = pack(graphs or [like], budget)
    if not graphs:
        batch = jax.tree.map(np.zeros_like, batch)
        batch.n_node[0], batch.n_edge[0] = budget.n_node, budget.n_edge
    return batch


def _settle(out: Path, description: dict[str, Any], predictor: Predictor) -> None:
    """Write what is screened into the folder, or compare with what is there."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(predictor)]
    weights = hashlib.sha256(b"".join(leaf.tobytes() for leaf in leaves)).hexdigest()
    mine = json.loads(json.dumps({**description, "predictor": weights}))
    file = out / "screening.json"
    out.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        if any(out.glob("part-*")):
            raise DataError(f"{out} holds files of another screening: choose another folder")
        write_json(file, mine)
        return
    there = json.loads(file.read_text(encoding="utf-8"))
    if there != mine:
        other = ", ".join(sorted(key for key in {*there, *mine} if there.get(key) != mine.get(key)))
        raise DataError(f"{out} holds a screening with another {other}: choose another folder")


def _parquet() -> Callable[[Path, dict[str, np.ndarray]], None]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingEngineError("pyarrow", "parquet") from error

    def write(path: Path, columns: dict[str, np.ndarray]) -> None:
        table = pyarrow.table({name: pyarrow.array(values.tolist()) if values.dtype.kind == "U" else values
                               for name, values in columns.items()})  # fmt: skip
        with atomic_write(path) as stream:
            pyarrow.parquet.write_table(table, stream, compression="zstd")

    return write


def _npz(path: Path, columns: dict[str, np.ndarray]) -> None:
    with atomic_write(path) as stream:
        np.savez_compressed(stream, **columns)
