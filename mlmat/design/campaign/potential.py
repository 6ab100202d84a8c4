"""A campaign for an interatomic potential: it runs dynamics, and asks for the labels it lacks.

    learned = learn_potential(starts, oracle, config, Committee(), folder)

Round by round: train a committee on all labels, let it run dynamics from the starting structures
until its members disagree, submit the frames they disagree most about to the oracle. It ends
early when they agree wherever they go. The loop and how it resumes are in
`mlmat.design.campaign.loop`; beside its files:

* ``predictor-N.mlmat``: the committee after N rounds;
* ``round-N/proposed.extxyz``: what was submitted, with what the committee foresaw;
* ``labels.extxyz``, ``campaign.csv``: all labels, and each beside what was foreseen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import ase
import numpy as np

from mlmat.design.campaign.explorations import LearningConfig, explorations, rattled
from mlmat.design.campaign.frames import (
    PROPOSED,
    Committee,
    errors_on_frames,
    foreseen,
    labels_of,
    read_proposed,
    trained_committee,
    write_frames,
    write_table,
)
from mlmat.design.campaign.loop import (
    Campaign,
    Report,
    Round,
    check_settings,
    fingerprint,
    round_seed,
    run_rounds,
)
from mlmat.errors import InputError, NoDesignError
from mlmat.oracles.pool import judge
from mlmat.oracles.structures import StructureOracle
from mlmat.oracles.verdict import Verdict
from mlmat.predictor import Predictor


class LearningRound(NamedTuple):
    """One round in numbers.

    Attributes:
        round: 1 for the first.
        known: labels the committee was trained on before it.
        submitted: structures.
        labelled: of these, without failure.
        survived: share of the frames planned that were reached before the members disagreed; None
            in a round that explores nothing.
        disagreement: mean of the structures submitted, eV/Å; None likewise.
        energy_error: mean absolute error of the committee on them, meV/atom; None likewise.
        force_error: eV/Å; None likewise.
        test: of the committee before the round, see `errors_on_frames`; empty without a test part.
    """

    round: int
    known: int
    submitted: int
    labelled: int
    survived: float | None
    disagreement: float | None
    energy_error: float | None
    force_error: float | None
    test: dict[str, float]


class Learned(NamedTuple):
    """The end of a campaign.

    Attributes:
        rounds: in numbers.
        predictor: trained on all labels.
        labels: how many those are.
        test: its errors, see `errors_on_frames`; empty without a test part.
    """

    rounds: list[LearningRound]
    predictor: Predictor
    labels: int
    test: dict[str, float]


def learn_potential(
    starts: Sequence[ase.Atoms],
    oracle: StructureOracle,
    config: LearningConfig,
    committee: Committee,
    folder: Path,
    *,
    known: Sequence[ase.Atoms] = (),
    test: Sequence[ase.Atoms] = (),
    workers: int | None = None,
    time_limit: float = 3600.0,
    report: Report = lambda number, stage, done, total: None,
) -> Learned:
    """Run or continue a campaign.

    Args:
        starts: structures that explorations begin from, taken in turn.
        oracle: labels.
        config: rounds, dynamics, choice of structures.
        committee: networks.
        folder: of the results; must exist.
        known: labelled structures to begin with, if there are.
        test: labelled structures that are never fitted; errors on them are reported.
        workers: processes of the oracle; default: one per core.
        time_limit: seconds for one label.
        report: progress of the stages ``"train"``, ``"explore"`` and ``"verify"``.

    Raises:
        DataError: the folder holds a campaign with other settings.
        InputError: a committee of one, or a network without forces.
        NoDesignError: nothing is labelled, or every exploration ended before its first frame.
    """
    if committee.members < 2:
        raise InputError("a committee has at least two members: their disagreement chooses the structures")
    settings = asdict(config) | {"oracle": oracle.reference, "committee": asdict(committee)}
    del settings["rounds"]
    for name, frames in (("starts", starts), ("known", known)):
        settings[name] = fingerprint([[one.numbers, one.positions, one.cell.array] for one in frames])
    check_settings(folder, settings)

    def after(number: int, labels: Sequence[ase.Atoms]) -> Predictor:
        path, seed = folder / f"predictor-{number}.mlmat", round_seed(config.seed, number)
        return trained_committee(path, labels, committee, seed, partial(report, number, "train"))

    def propose(number: int, place: Path, history: Sequence[Round]) -> dict[str, Any]:
        began, labels, errors = time.perf_counter(), [*known, *labels_of(history)], {}
        if labels:
            predictor = after(number - 1, labels)
            found = explorations(predictor, starts, config, number, partial(report, number, "explore"))
            errors = errors_on_frames(predictor, test) if test else {}
        else:
            found = rattled(starts, config)
        lost = [run["ended"] for run in found.runs if run["ended"]]
        if not found.frames and lost:
            raise NoDesignError(
                f"round {number} found no structure that the members know well enough to ask about "
                f"({lost[0]}): begin with more labels, at a lower temperature or with smaller displacements"
            )
        if found.frames:
            write_frames(place / PROPOSED, found.frames)
        return {
            "structures": [{"name": f"{number}-{k}", **row} for k, row in enumerate(found.rows, 1)],
            "explorations": found.runs,
            "known": len(labels),
            "test": errors,
            "seconds": round(time.perf_counter() - began, 2),
        }

    def verify(proposal: dict[str, Any], place: Path, names: list[str]) -> Iterator[tuple[int, Verdict]]:
        frames = dict(zip(_names(proposal), read_proposed(place), strict=True))
        return judge(oracle, [frames[name] for name in names], workers=workers, time_limit=time_limit)

    def conclude(history: Sequence[Round]) -> tuple[LearningRound, list[ase.Atoms]]:
        labels = [*known, *labels_of(history)]
        if len(labels) < 3:
            raise NoDesignError(f"the oracle labelled next to nothing: {history[-1].verdicts[0].status}")
        write_frames(folder / "labels.extxyz", labels)
        write_table(history, folder / "campaign.csv")
        return _summary(history[-1], config.frames), labels

    campaign = Campaign(propose, _names, verify, conclude, "structure")
    found = run_rounds(campaign, config.rounds, folder, report)
    labels = found[-1][1] if found else list(known)
    predictor = after(len(found), labels)
    errors = errors_on_frames(predictor, test) if test else {}
    return Learned([one for one, _ in found], predictor, len(labels), errors)


def _names(proposal: dict[str, Any]) -> list[str]:
    return [row["name"] for row in proposal["structures"]]


def _summary(last: Round, planned: int) -> LearningRound:
    proposal, rows = last.proposal, last.proposal["structures"]
    pairs = zip(read_proposed(last.place), last.verdicts, strict=True)
    errors = [found for found in (foreseen(*pair) for pair in pairs) if found is not None]
    spread = [row["disagreement"] for row in rows if row["disagreement"] is not None]
    reached = [run["frames"] for run in proposal["explorations"]]
    energy, force = np.abs(errors).mean(axis=0).tolist() if errors else (None, None)
    return LearningRound(
        round=last.number,
        known=proposal["known"],
        submitted=len(rows),
        labelled=sum(verdict.ok for verdict in last.verdicts),
        survived=float(np.mean(reached)) / planned if reached else None,
        disagreement=float(np.mean(spread)) if spread else None,
        energy_error=energy,
        force_error=force,
        test=proposal["test"],
    )
