"""A campaign for molecules: propose, verify, retrain on what was verified, propose again.

    rounds = run_campaign(problem, predictor, objective, search, data, config, folder)

The loop, its files and how it resumes are in `mlmat.design.campaign.loop`. Beside them:

* ``round-N/predictor.mlmat``: retrained on rounds 1 to N − 1 (from round 2 on), with
  ``training.state`` while it trains, and ``round-N/search.state`` while it searches;
* ``campaign.csv``: all verdicts beside the predictions, rewritten after every round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mlmat.design.campaign.loop import (
    Campaign,
    Report,
    Round,
    check_settings,
    fingerprint,
    round_seed,
    run_rounds,
)
from mlmat.design.campaign.round import CampaignConfig, propose
from mlmat.design.campaign.table import Judged, RoundSummary, summarise, write_campaign
from mlmat.design.campaign.training import CampaignData, errors_on, retrain
from mlmat.design.objective import Objective
from mlmat.design.searcher import Searcher
from mlmat.predictor import load_predictor, save_predictor
from mlmat.typing import Problem


def run_campaign(
    problem: Problem,
    predictor: Any,
    objective: Objective,
    searcher: Searcher,
    data: CampaignData,
    config: CampaignConfig,
    folder: Path,
    *,
    allowed: Callable[[str], bool] | None = None,
    learn: Callable[..., Any] = retrain,
    report: Report = lambda number, stage, done, total: None,
) -> list[RoundSummary]:
    """Run or continue a campaign.

    Args:
        problem: whose `verify` is the oracle.
        predictor: of the first round.
        objective: what is wanted.
        searcher: any that keeps the contract.
        data: what is known beforehand: fitted, validated on, tested on, and never proposed.
        config: rounds and budgets.
        folder: of the results; must exist.
        allowed: whether a canonical SMILES may be submitted; None: every member may.
        learn: makes the next round's predictor, with the signature of `retrain`.
        report: progress.

    Returns:
        A summary of each round.

    Raises:
        DataError: the folder holds a campaign with other settings.
        NoDesignError: a search found nothing new.
    """
    settings = asdict(config) | {
        "objective": repr(objective),
        "searcher": _described(searcher),
        "predictor": fingerprint(predictor),
    }
    del settings["rounds"]
    check_settings(folder, settings)
    names = [want.name for want in objective.wants if want.name in predictor.properties]
    labelled = frozenset(smiles for part in data for smiles in part.smiles)

    def submission(number: int, place: Path, history: Sequence[Round]) -> dict[str, Any]:
        judged = judged_in(history)
        current, seconds = _predictor_of(number, folder, predictor, data, judged, config, learn, report)
        found = propose(
            problem,
            current,
            objective,
            searcher,
            config,
            labelled | {item.smiles for item in judged},
            number,
            allowed=allowed,
            state_file=place / "search.state",
            report=lambda spent, found: report(number, "search", spent, config.budget),
        )
        test = errors_on(current, data.test) if data.test.smiles else {}
        return found._replace(test=test, seconds=found.seconds | {"retrain": seconds})._asdict()

    def conclude(history: Sequence[Round]) -> RoundSummary:
        last, judged = history[-1], judged_in(history)
        (last.place / "search.state").unlink(missing_ok=True)
        write_campaign(judged, names, objective.hit, folder / "campaign.csv")
        return summarise(judged, last.number, config.designs, names, objective.hit, last.proposal["test"])

    campaign = Campaign(
        propose=submission,
        keys=lambda proposal: [smiles for smiles, _, _ in proposal["designs"]],
        verify=lambda proposal, place, smiles: problem.verify(smiles),
        conclude=conclude,
        key="smiles",
    )
    return run_rounds(campaign, config.rounds, folder, report)


def judged_in(history: Sequence[Round]) -> list[Judged]:
    """All designs of some rounds with their verdicts, in the order of submission."""
    return [
        Judged(one.number, rank, smiles, mean, std, verdict)
        for one in history
        for rank, ((smiles, mean, std), verdict) in enumerate(
            zip(one.proposal["designs"], one.verdicts, strict=True), 1
        )
    ]


def _predictor_of(
    number: int,
    folder: Path,
    first: Any,
    data: CampaignData,
    judged: Sequence[Judged],
    config: CampaignConfig,
    learn: Callable[..., Any],
    report: Report,
) -> tuple[Any, float]:
    """The predictor of a round, loaded if it is there, and the seconds its training took."""
    if number == 1:
        return first, 0.0
    path = folder / f"round-{number}" / "predictor.mlmat"
    if path.exists():
        return load_predictor(path), 0.0
    before = folder / f"round-{number - 1}" / "predictor.mlmat"
    began = time.perf_counter()
    total = config.retraining.training.epochs
    checkpoint = path.with_name("training.state")
    trained = learn(
        load_predictor(before) if before.exists() else first,
        data,
        judged,
        config.retraining,
        seed=round_seed(config.seed, number),
        checkpoint=checkpoint,
        report=lambda row: report(number, "retrain", int(row["epoch"]), total),
    )
    notes = {"campaign": {"round": number, "verified": sum(item.verdict.ok for item in judged)}}
    save_predictor(trained, path, notes)
    checkpoint.unlink(missing_ok=True)
    return trained, time.perf_counter() - began


def _described(function: Any) -> str:
    """Name of a searcher, with what `functools.partial` fixed; the same in every process."""
    if isinstance(function, partial):
        fixed = ", ".join(f"{key}={value!r}" for key, value in sorted(function.keywords.items()))
        return f"{_described(function.func)}({fixed})"
    return f"{function.__module__}.{function.__qualname__}"
