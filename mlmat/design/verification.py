"""Asking the oracle about designs; no verdict is ever asked for twice or lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from mlmat.design.searcher import Candidate
from mlmat.files import cut_torn_line, read_lines
from mlmat.oracles.verdict import Verdict
from mlmat.typing import Problem


def read_verdicts(path: Path, key: str = "smiles") -> dict[str, Verdict]:
    """Verdicts by name of a JSON-lines file; a line torn by a kill is removed, no file is empty."""
    cut_torn_line(path)
    return {row.pop(key): Verdict(**row) for row in read_lines(path)}


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
    return keep_verdicts(problem.verify, [design.smiles for design in designs], verdict_file, report)


def keep_verdicts(
    verify: Callable[[list[str]], Iterable[tuple[int, Verdict]]],
    names: Sequence[str],
    verdict_file: Path | None = None,
    report: Callable[[int], None] = lambda done: None,
    key: str = "smiles",
) -> list[Verdict]:
    """Verdicts on what has these names, of which `verify` is asked only for those not yet in the file.

    Args:
        verify: ``verify(names) → iterator of (index, Verdict)``.
        names: SMILES of molecules, or other names of what is judged.
        verdict_file: JSON lines, appended to as verdicts arrive and read on resume.
        report: called after each verdict with the number done.
        key: what a name is called in the file.
    """
    verdicts = {} if verdict_file is None else read_verdicts(verdict_file, key)
    report(sum(name in verdicts for name in names))
    missing = [name for name in names if name not in verdicts]
    if missing:
        for index, verdict in verify(missing):
            verdicts[missing[index]] = verdict
            if verdict_file is not None:
                with open(verdict_file, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps({key: missing[index], **asdict(verdict)}) + "\n")
            report(sum(name in verdicts for name in names))
    return [verdicts[name] for name in names]
