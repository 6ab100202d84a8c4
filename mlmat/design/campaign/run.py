"""A campaign: propose, verify, retrain on what was verified, propose again.

    rounds = run_campaign(problem, predictor, objective, search, data, config, folder)

Everything lies in one folder and appears there whole, so a campaign killed at any point
goes on when started again with the same arguments:

* ``campaign.json``: the settings, so that others are not mixed in;
* ``round-N/predictor.mlmat``: retrained on rounds 1 to N − 1 (from round 2 on), with
  ``training.state`` while it trains;
* ``round-N/search.state``, ``round-N/proposed.json``: the search and what it submitted;
* ``verdicts.jsonl``: all verdicts, appended to as they arrive;
* ``campaign.csv``: all verdicts beside the predictions, rewritten after every round.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np

from mlmat.design.campaign.round import CampaignConfig, Proposed, propose, round_seed
from mlmat.design.campaign.table import Judged, RoundSummary, summarise, write_campaign
from mlmat.design.campaign.training import CampaignData, errors_on, retrain
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, Searcher
from mlmat.design.verification import verify_designs
from mlmat.errors import DataError
from mlmat.files import write_json
from mlmat.predictor import load_predictor, save_predictor
from mlmat.typing import Problem


class Report(Protocol):
    """Progress of a campaign."""

    def __call__(self, number: int, stage: str, done: int, total: int) -> None:
        """In round `number`, so much of a stage (``"retrain"``, ``"search"``, ``"verify"``) is done."""


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
    _check_settings(folder, predictor, objective, searcher, config)
    names = [want.name for want in objective.wants if want.name in predictor.properties]
    labelled = frozenset(smiles for part in data for smiles in part.smiles)
    judged: list[Judged] = []
    rounds: list[RoundSummary] = []
    for number in range(1, config.rounds + 1):
        place = folder / f"round-{number}"
        place.mkdir(exist_ok=True)
        proposed = _load_proposed(place)
        if proposed is None:
            current, seconds = _predictor_of(number, folder, predictor, data, judged, config, learn, report)
            known = labelled | {item.smiles for item in judged}
            proposed = propose(
                problem,
                current,
                objective,
                searcher,
                config,
                known,
                number,
                allowed=allowed,
                state_file=place / "search.state",
                report=lambda spent, found, number=number: report(number, "search", spent, config.budget),
            )
            test = errors_on(current, data.test) if data.test.smiles else {}
            proposed = proposed._replace(test=test, seconds=proposed.seconds | {"retrain": seconds})
            write_json(place / "proposed.json", proposed._asdict())
            (place / "search.state").unlink(missing_ok=True)
        candidates = [Candidate(smiles) for smiles, _, _ in proposed.designs]
        told = partial(report, number, "verify", total=len(candidates))
        verdicts = verify_designs(problem, candidates, folder / "verdicts.jsonl", told)
        judged += [
            Judged(number, rank, smiles, mean, std, verdict)
            for rank, ((smiles, mean, std), verdict) in enumerate(
                zip(proposed.designs, verdicts, strict=True), 1
            )
        ]
        rounds.append(summarise(judged, number, config.designs, names, objective.hit, proposed.test))
        write_campaign(judged, names, objective.hit, folder / "campaign.csv")
    return rounds


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


def _load_proposed(place: Path) -> Proposed | None:
    path = place / "proposed.json"
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Proposed(**content | {"designs": [tuple(row) for row in content["designs"]]})
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is damaged: delete it, and the round searches again") from error


def _check_settings(folder: Path, predictor: Any, objective: Objective, searcher: Any, config) -> None:
    """Write the settings of a new campaign; refuse to continue one with others."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(predictor):
        digest.update(np.asarray(leaf).tobytes())
    settings = asdict(config)
    del settings["rounds"]
    settings |= {
        "objective": repr(objective),
        "searcher": _described(searcher),
        "predictor": digest.hexdigest(),
    }
    path = folder / "campaign.json"
    settings = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, settings)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged: delete the folder to start anew") from error
    other = sorted(name for name in settings.keys() | found.keys() if settings.get(name) != found.get(name))
    if other:
        raise DataError(
            f"{folder} holds a campaign with another {', another '.join(other)}: continue it with its own "
            "settings, or choose another folder with --out"
        )


def _described(function: Any) -> str:
    """Name of a searcher, with what `functools.partial` fixed; the same in every process."""
    if isinstance(function, partial):
        fixed = ", ".join(f"{key}={value!r}" for key, value in sorted(function.keywords.items()))
        return f"{_described(function.func)}({fixed})"
    return f"{function.__module__}.{function.__qualname__}"
