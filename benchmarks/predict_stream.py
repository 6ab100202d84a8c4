"""Predictions for a million-line CSV: rate and memory, beside RDKit alone on the same lines.

    python -m benchmarks.predict_stream --lines 1000000

The file repeats the embedded molecules under new names; each line is parsed and predicted
afresh, nothing is remembered. Peak memory is sampled over `mlmat predict` and all its
workers, once for a tenth of the lines and once for all: constant memory makes them equal.
RDKit's part is `Chem.MolFromSmiles` alone, on as many processes.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import tyro
from rdkit import Chem

from mlmat.data import small_organics
from mlmat.files import write_json

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Config:
    """Options of the benchmark.

    Attributes:
        lines: of the large file; the small one has a tenth.
        workers: processes, for both.
        predictor: predictor file; default: the gap predictor that ships with mlmat.
        out: where the numbers go.
    """

    lines: int = 1_000_000
    workers: int = 2
    predictor: Path | None = None
    out: Path = HERE / "results" / "predict_stream.json"


def write_table(path: Path, lines: int) -> None:
    """A CSV with so many lines."""
    smiles = small_organics.load()["smiles"].tolist()
    with path.open("w") as stream:
        stream.write("id,smiles\n")
        for number in range(lines):
            stream.write(f"m{number},{smiles[number % len(smiles)]}\n")


def parse(smiles: list[str]) -> int:
    """RDKit alone."""
    return sum(Chem.MolFromSmiles(text) is not None for text in smiles)


def rdkit_seconds(path: Path, workers: int) -> float:
    """Seconds to parse the file's molecules, processes started beforehand."""
    texts = [line.rsplit(",", 1)[1].strip() for line in path.open()][1:]
    blocks = [texts[k : k + 5000] for k in range(0, len(texts), 5000)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(parse, [["C"]] * workers)
        began = time.perf_counter()
        pool.map(parse, blocks, chunksize=1)
        return time.perf_counter() - began


def memory_of(process: subprocess.Popen, peak: list[int]) -> None:
    """Sample the resident memory of a process and its children until it ends."""
    root = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for one in (root, *root.children(recursive=True)):
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak.append(total)
        time.sleep(0.2)


def predict(path: Path, config: Config) -> tuple[float, int]:
    """Seconds and peak memory (bytes) of `mlmat predict` on a file."""
    words = [sys.executable, "-m", "mlmat.cli", "predict", path, "--out", path.with_suffix(".out.csv")]
    words += ["--workers", config.workers]
    words += [] if config.predictor is None else ["--predictor", config.predictor]
    began, peak = time.perf_counter(), []
    process = subprocess.Popen(list(map(str, words)))
    watch = threading.Thread(target=memory_of, args=(process, peak))
    watch.start()
    if process.wait():
        raise SystemExit(process.returncode)
    watch.join()
    with path.with_suffix(".out.csv").open() as stream:
        written = sum(1 for _ in stream)
    with path.open() as stream:
        assert written == sum(1 for _ in stream), "one row for each line"
    return time.perf_counter() - began, max(peak)


def main(config: Config) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.csv", Path(folder) / "large.csv"
        write_table(small, config.lines // 10)
        write_table(large, config.lines)
        few = predict(small, config)
        alone = rdkit_seconds(large, config.workers)
        many = predict(large, config)
    result = {
        "lines": config.lines,
        "workers": config.workers,
        "predictor": "shipped" if config.predictor is None else config.predictor.name,
        "mlmat_seconds": round(many[0], 1),
        "mlmat_molecules_per_second": round(config.lines / many[0]),
        "rdkit_parse_seconds": round(alone, 1),
        "ratio": round(many[0] / alone, 2),
        "peak_memory_MiB": {"tenth": few[1] >> 20, "all": many[1] >> 20},
    }
    config.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(config.out, result)
    print(result)


if __name__ == "__main__":
    main(tyro.cli(Config))
