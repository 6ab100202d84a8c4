"""`mlmat design --rounds`: a campaign that retrains on what the oracle has verified."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import TaskID

from mlmat.commands.design_options import DesignOptions
from mlmat.commands.design_setup import Setup
from mlmat.commands.runs import progress_bar
from mlmat.errors import InputError

STAGES = {"retrain": "retraining", "search": "search", "verify": "verification"}


def run_rounds(
    options: DesignOptions, out: Path, setup: Setup, seconds: dict[str, float]
) -> tuple[list[Any], list[tuple[Path, str]]]:
    """Run or continue the campaign.

    Returns:
        An `Outcome` for each round, and the figure of the campaign.

    Raises:
        InputError: a predictor whose training data are not at hand.
    """
    from mlmat.analysis.campaign_plots import draw_campaign
    from mlmat.commands.design_closing import base_share
    from mlmat.design.campaign.round import CampaignConfig
    from mlmat.design.campaign.run import run_campaign
    from mlmat.design.searcher import get_searcher

    data = _data(options, setup)
    config = CampaignConfig(options.rounds, options.designs, options.budget, options.seed)
    began = time.perf_counter()
    with progress_bar() as progress:
        bars: dict[tuple[int, str], TaskID] = {}

        def report(number: int, stage: str, done: int, total: int) -> None:
            if (number, stage) not in bars:
                bars[number, stage] = progress.add_task(f"round {number}: {STAGES[stage]}", total=total)
            progress.update(bars[number, stage], completed=done)

        rounds = run_campaign(
            setup.problem,
            setup.predictor,
            setup.objective,
            get_searcher(options.method),
            data,
            config,
            out,
            allowed=setup.constraints.allows,
            report=report,
        )
    seconds["campaign"] = time.perf_counter() - began
    name = setup.objective.wants[0].name
    errors = [one.errors.get(name) for one in rounds]
    path = out / "campaign.png"
    draw_campaign(
        [None if e is None else e.mae for e in errors],
        [(None, None) if e is None else (e.low, e.high) for e in errors],
        [None if e is None else e.test for e in errors],
        [one.hit_share for one in rounds],
        [one.hit_interval for one in rounds],
        name,
        setup.predictor.units[setup.predictor.index(name)],
        path,
        base_share(setup),
    )
    caption = "Round by round: error on the designs beside the error on the test part, and the share of hits."
    return _outcomes(options, out, setup, len(rounds)), [(path, caption)]


def _data(options: DesignOptions, setup: Setup) -> Any:
    """What the predictor was trained, validated and tested on."""
    from mlmat.data.splits import skeleton_split
    from mlmat.design.campaign.training import CampaignData, Labelled, embedded_data
    from mlmat.predictor import Predictor

    if not isinstance(setup.predictor, Predictor):
        raise InputError(
            "a campaign retrains one predictor: want properties of a single one (not gap and logp)"
        )
    names = setup.predictor.properties
    if options.data is not None:
        smiles = setup.knowledge.smiles
        targets = np.stack([setup.knowledge.values[name] for name in names], axis=1)
        parts = skeleton_split(smiles)
        return CampaignData(*(Labelled([smiles[i] for i in rows], targets[rows]) for rows in parts))
    if not setup.knowledge.smiles or not set(names) <= set(setup.knowledge.values):
        raise InputError("a campaign needs the data the predictor was trained on: give them with --data")
    return embedded_data(names)


def _outcomes(options: DesignOptions, out: Path, setup: Setup, rounds: int) -> list[Any]:
    """The designs of every round with their verdicts, from the files of the campaign."""
    import json

    from mlmat.commands.design_outcome import Outcome, further_names
    from mlmat.design.rows import design_rows
    from mlmat.design.searcher import Candidate
    from mlmat.design.verification import read_verdicts

    verdicts = read_verdicts(out / "verdicts.jsonl")
    names = setup.predictor.properties
    found = []
    for number in range(1, rounds + 1):
        proposed = json.loads((out / f"round-{number}" / "proposed.json").read_text())["designs"]
        designs = [
            Candidate(smiles, mean=tuple(mean[n] for n in names), std=tuple(std[n] for n in names))
            for smiles, mean, std in proposed
        ]
        judged = [verdicts[design.smiles] for design in designs]
        label = f"round {number}"
        rows = design_rows(
            designs, judged, setup.knowledge.smiles, setup.objective, names, label, further_names(setup)
        )
        positions = [verdict.values.get("positions") if verdict.ok else None for verdict in judged]
        found.append(Outcome(label, options.method, None, rows, positions))
    return found
