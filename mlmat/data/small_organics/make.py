"""Making the embedded set: sample → label (GFN2) → label (HF, MP2) → pack.

    python -m mlmat.data.small_organics.make --work DIR

Every finished molecule is appended to a JSON-lines file in `DIR` at once, so the
work can be killed at any moment and goes on where it stopped. Needs the extra
``oracles`` (PySCF) for the second labels. About 2.5 hours on two cores.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlmat.data.small_organics.pack import pack
from mlmat.data.small_organics.sample import sample_space
from mlmat.files import cut_torn_line, read_lines, write_json
from mlmat.oracles.pool import judge
from mlmat.oracles.pyscf import label_geometry
from mlmat.oracles.verdict import OK, Verdict
from mlmat.oracles.xtb import label_smiles

COUNTS = {3: 100, 4: 300, 5: 750, 6: 1400, 7: 1800, 8: 2000, 9: 2150, 10: 2400}
"""Molecules wanted by number of heavy atoms; the space has fewer of the smallest."""

SEED = 7

WAVE_FUNCTION_LABELS = 2010
"""How many of the smallest labelled molecules also get HF and MP2 energies."""

NOISE_MOLECULES = 150
NOISE_SEEDS = (1, 2, 3)
"""Molecules, and other embedding seeds, for the conformer noise of the gap."""


@dataclass(frozen=True)
class Options:
    """Make the embedded set `small_organics`, resumably.

    Attributes:
        work: folder for the intermediate files; run again with the same one to go on.
        stages: which stages to run, in order.
        workers: processes; default: one per core.
    """

    work: Path
    stages: tuple[str, ...] = ("sample", "gfn2", "noise", "mp2", "pack")
    workers: int | None = None


def label_all(
    oracle: Callable[[Any], Verdict],
    tasks: dict[str, Any],
    path: Path,
    title: str,
    workers: int | None,
) -> None:
    """Append one record per task to `path`, skipping those it already holds.

    Args:
        oracle: importable function of one task.
        tasks: key of the record → argument of the oracle.
        path: JSON-lines file to append to.
        title: of the progress bar.
        workers: processes; None for one per core.
    """
    cut_torn_line(path)
    known = {record["key"] for record in read_lines(path)}
    keys = [key for key in tasks if key not in known]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, open(path, "a", encoding="utf-8") as stream:
        bar = progress.add_task(title, total=len(tasks), completed=len(tasks) - len(keys))
        for index, verdict in judge(oracle, [tasks[key] for key in keys], workers=workers, time_limit=600):
            stream.write(json.dumps({"key": keys[index], **asdict(verdict)}) + "\n")
            stream.flush()
            progress.advance(bar)


def sample_stage(work: Path) -> None:
    """Draw the molecules once; the file is the plan of everything after."""
    plan = work / "sample.json"
    if not plan.exists():
        sample = sample_space(COUNTS, SEED)
        write_json(plan, {"seed": SEED, "counts": COUNTS, **asdict(sample)})


def gfn2_stage(work: Path, workers: int | None) -> None:
    """GFN2 labels of the whole plan, sizes shuffled so that a part is like the whole."""
    smiles = json.loads((work / "sample.json").read_text())["smiles"]
    random.Random(SEED).shuffle(smiles)
    label_all(label_smiles, {s: s for s in smiles}, work / "gfn2.jsonl", "GFN2-xTB", workers)


def label_with_seed(task: tuple[str, int]) -> Verdict:
    """GFN2 label from another embedding seed, to measure conformer noise."""
    return label_smiles(*task)


def noise_stage(work: Path, workers: int | None) -> None:
    """Relabel some molecules from other conformer seeds."""
    labelled = [record["key"] for record in read_lines(work / "gfn2.jsonl") if record["status"] == OK]
    chosen = random.Random(SEED).sample(sorted(labelled), min(NOISE_MOLECULES, len(labelled)))
    tasks = {f"{s} {seed}": (s, seed) for s in chosen for seed in NOISE_SEEDS}
    label_all(label_with_seed, tasks, work / "noise.jsonl", "conformer noise", workers)


def wave_function_stage(work: Path, workers: int | None) -> None:
    """HF and MP2 of the smallest labelled molecules, in order of their number of electrons."""
    labelled = {
        record["key"]: record["values"]
        for record in read_lines(work / "gfn2.jsonl")
        if record["status"] == OK
    }
    smallest = sorted(labelled, key=lambda s: (sum(labelled[s]["numbers"]), s))[:WAVE_FUNCTION_LABELS]
    tasks = {s: (labelled[s]["numbers"], labelled[s]["positions"]) for s in smallest}
    label_all(label_geometry, tasks, work / "mp2.jsonl", "HF and MP2", workers)


def main(options: Options) -> None:
    """Run the stages asked for."""
    options.work.mkdir(parents=True, exist_ok=True)
    if "sample" in options.stages:
        sample_stage(options.work)
    if "gfn2" in options.stages:
        gfn2_stage(options.work, options.workers)
    if "noise" in options.stages:
        noise_stage(options.work, options.workers)
    if "mp2" in options.stages:
        wave_function_stage(options.work, options.workers)
    if "pack" in options.stages:
        pack(options.work, Path(__file__).parent)


if __name__ == "__main__":
    main(tyro.cli(Options))
