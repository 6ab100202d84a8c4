"""Making the embedded set: sample → label (GFN2) → label (HF, MP2) → pack.

    python -m mlmat.data.small_organics.make --work DIR

Every finished molecule is appended to a JSON-lines file in `DIR` at once, so the
work can be killed at any moment and goes on where it stopped. Needs the extra
``oracles`` (PySCF) for the second labels. About 2.5 hours on two cores.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlmat.data.small_organics.sample import sample_space
from mlmat.files import write_json
from mlmat.oracles.pool import judge
from mlmat.oracles.verdict import Verdict
from mlmat.oracles.xtb import label_smiles

COUNTS = {3: 100, 4: 300, 5: 750, 6: 1400, 7: 1800, 8: 2000, 9: 2150, 10: 2400}
"""Molecules wanted by number of heavy atoms; the space has fewer of the smallest."""

SEED = 7

WAVE_FUNCTION_LABELS = 2200
"""How many of the smallest labelled molecules also get HF and MP2 energies."""


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


def read_lines(path: Path) -> Iterator[dict]:
    """Records of a JSON-lines file; a last line cut short by a kill is dropped."""
    if not path.exists():
        return
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)


def _cut_torn_line(path: Path) -> None:
    """Remove a last line without its newline, so that appending starts cleanly."""
    if path.exists():
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])


def label_all(
    oracle: Callable[[str], Verdict], smiles: list[str], path: Path, title: str, workers: int | None
) -> None:
    """Append one record per molecule to `path`, skipping those it already holds."""
    _cut_torn_line(path)
    known = {record["smiles"] for record in read_lines(path)}
    open_ = [s for s in smiles if s not in known]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress, open(path, "a", encoding="utf-8") as stream:
        bar = progress.add_task(title, total=len(smiles), completed=len(smiles) - len(open_))
        for index, verdict in judge(oracle, open_, workers=workers, time_limit=600):
            stream.write(json.dumps({"smiles": open_[index], **asdict(verdict)}) + "\n")
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
    label_all(label_smiles, smiles, work / "gfn2.jsonl", "GFN2-xTB", workers)


def main(options: Options) -> None:
    """Run the stages asked for."""
    options.work.mkdir(parents=True, exist_ok=True)
    if "sample" in options.stages:
        sample_stage(options.work)
    if "gfn2" in options.stages:
        gfn2_stage(options.work, options.workers)


if __name__ == "__main__":
    main(tyro.cli(Options))
