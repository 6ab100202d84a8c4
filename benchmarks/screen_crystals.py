"""Crystals a second and memory of `mlmat screen`: substitutions of prototypes through CGCNN.

    python -m benchmarks.screen_crystals --count 20000

A network of the published size with random weights (they do not matter for the time), prototypes of two
to ten atoms, all elements from hydrogen to bismuth but the noble gases. Peak memory is that of the
command and its workers, once for a tenth of the candidates and once for all: constant memory makes
them equal.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import ase
import ase.io
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from ase.build import bulk

from benchmarks.predict_stream import memory_of
from mlmat.data.substitutions import Substitutions
from mlmat.elements import symbols
from mlmat.files import write_json
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.models.cgcnn import CGCNN
from mlmat.predictor import Predictor, save_predictor

HERE = Path(__file__).parent
ELEMENTS = tuple(s for s in symbols(range(1, 84)) if s not in ("He", "Ne", "Ar", "Kr", "Xe"))


@dataclass(frozen=True)
class Config:
    """Options of the benchmark.

    Attributes:
        count: candidates of the large run; the small one has a tenth.
        rows: candidates of a file.
        workers: processes that make graphs.
        out: where the numbers go.
    """

    count: int = 20_000
    rows: int = 2_000
    workers: int = 2
    out: Path = HERE / "results" / "screen_crystals.json"


def prototypes() -> list[ase.Atoms]:
    """Rock salt, zinc blende, fluorite, a perovskite and its double."""
    perovskite = ase.Atoms(
        "CaTiO3",
        scaled_positions=[[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
        cell=[3.9] * 3,
        pbc=True,
    )
    double = perovskite * (2, 1, 1)
    double.symbols[6] = "Zr"
    salt, blende = bulk("NaCl", "rocksalt", 5.64), bulk("ZnS", "zincblende", 5.41)
    return [salt, blende, bulk("CaF2", "fluorite", 5.46), perovskite, double]


def write_predictor(path: Path) -> int:
    """CGCNN at its published size; returns the number of its parameters."""
    encoder = CrystalGraphEncoder(ELEMENTS)
    model = CGCNN(ELEMENTS)
    variables = jax.jit(model.init)(jax.random.key(0), encoder(bulk("Cu")))
    variables = jax.tree.map(lambda leaf: leaf[None], variables)
    one = jnp.ones(1)
    predictor = Predictor(variables, 0 * one, one, model, encoder, ("formation_energy",), ("eV/atom",))
    save_predictor(predictor, path)
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def processor_seconds() -> float:
    """Of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(folder: Path, count: int, config: Config) -> dict[str, float]:
    """Time and memory of the command."""
    words = ["screen", folder / "p.mlmat", folder / "prototypes.extxyz", "--out", folder / f"out-{count}"]
    words += ["--count", count, "--rows", config.rows, "--workers", config.workers]
    before = processor_seconds()
    began, peak = time.perf_counter(), []
    process = subprocess.Popen([sys.executable, "-m", "mlmat.cli", *map(str, words)])
    watch = threading.Thread(target=memory_of, args=(process, peak))
    watch.start()
    if process.wait():
        raise SystemExit(process.returncode)
    watch.join()
    seconds = time.perf_counter() - began
    files = list((folder / f"out-{count}").glob("part-*"))
    assert len(files) == -(-count // config.rows)
    return {
        "candidates": count,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor_seconds() - before, 1),
        "per_second": round(count / seconds),
        "peak_memory_MiB": max(peak) >> 20,
        "bytes_per_candidate": round(sum(file.stat().st_size for file in files) / count, 1),
    }


def main(config: Config) -> None:
    """Measure, print, write JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ase.io.write(folder / "prototypes.extxyz", prototypes())
        parameters = write_predictor(folder / "p.mlmat")
        load = os.getloadavg()[0]
        rows = [run(folder, config.count // 10, config), run(folder, config.count, config)]
    few, many = rows
    space = Substitutions(tuple(prototypes()), ELEMENTS)
    result = {
        "benchmark": "screen_crystals",
        "config": {"count": config.count, "rows": config.rows, "workers": config.workers},
        "parameters": parameters,
        "mean_atoms": round(float(np.average(list(map(len, space.prototypes)), weights=space.counts())), 2),
        "machine": {"arch": platform.machine(), "cores": os.cpu_count(), "load": load},
        "rows": rows,
        # What a further candidate costs, without start and compilation.
        "processor_ms_per_candidate": round(
            1e3 * (many["processor_seconds"] - few["processor_seconds"])
            / (many["candidates"] - few["candidates"]), 3
        ),
    }  # fmt: skip
    config.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(config.out, result)
    print(result)


if __name__ == "__main__":
    main(tyro.cli(Config))
