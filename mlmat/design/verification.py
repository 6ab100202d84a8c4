"""Asking the oracle about designs; no verdict is ever asked for twice or lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from mlmat.design.searcher import Candidate
from mlmat.files import cut_torn_line, read_lines
from mlmat.oracles.verdict import Verdict
from mlmat.typing import Problem


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """Verdicts by SMILES of a JSON-lines file; a line torn by a kill is removed, no file is empty."""
    cut_torn_line(path)
    return {row.pop("smiles"): Verdict(**row) for row in read_lines(path)}


def verify_designs(
    problem: Problem,
    designs: Sequence[Candidate],
    verdict_file: Path | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> list[Verdict]:
    """Ask the oracle about every design; finished verdicts are kept in `verdict_file`.

    Args:
        problem: whose `verify` is the oracle.
        designs: what to judge.
        verdict_file: JSON lines, appended to as verdicts arrive and read on resume.
        report: called after each verdict with the number done.
    """
    verdicts = {} if verdict_file is None else read_verdicts(verdict_file)
    report(sum(design.smiles in verdicts for design in designs))
    missing = [design.smiles for design in designs if design.smiles not in verdicts]
    if missing:
        for index, verdict in problem.verify(missing):
            verdicts[missing[index]] = verdict
            if verdict_file is not None:
                with open(verdict_file, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"smiles": missing[index], **asdict(verdict)}) + "\n")
            report(sum(design.smiles in verdicts for design in designs))
    return [verdicts[design.smiles] for design in designs]
