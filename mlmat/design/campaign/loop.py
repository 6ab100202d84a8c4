"""Rounds of proposing and verifying, in a folder: the loop that all campaigns share.

    summaries = run_rounds(campaign, rounds, folder)

What is proposed, who verifies it and what is learnt from it are the campaign's (`Campaign`).
What this loop adds is that everything appears in the folder whole, so that a campaign killed at
any point goes on when started again with the same arguments, to the same end:

* ``campaign.json``: the settings, so that others are not mixed in;
* ``round-N/proposed.json``: what the round submitted;
* ``verdicts.jsonl``: all verdicts, appended to as they arrive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from mlmat.design.verification import keep_verdicts
from mlmat.errors import DataError
from mlmat.files import write_json
from mlmat.oracles.verdict import Verdict


class Report(Protocol):
    """Progress of a campaign."""

    def __call__(self, number: int, stage: str, done: int, total: int) -> None:
        """In round `number`, so much of a stage (``"verify"`` and those of the campaign) is done."""


class Round(NamedTuple):
    """A finished round.

    Attributes:
        number: 1 for the first.
        place: its folder.
        proposal: what ``propose`` returned.
        verdicts: in the order of its keys.
    """

    number: int
    place: Path
    proposal: dict[str, Any]
    verdicts: list[Verdict]


class Campaign(NamedTuple):
    """The functions that make one kind of campaign.

    Attributes:
        propose: ``propose(number, place, history) → proposal``: learn from the finished rounds and
            choose what to submit. The proposal is a dictionary of JSON values; its number draws are
            the round's own, so that proposing again gives the same.
        keys: ``keys(proposal) → names``: of what is submitted, distinct in the whole campaign.
        verify: ``verify(proposal, place, names) → iterator of (index, Verdict)``.
        conclude: ``conclude(history) → summary`` of the last round; it may write files.
        key: what a name is called in ``verdicts.jsonl``.
    """

    propose: Callable[[int, Path, Sequence[Round]], dict[str, Any]]
    keys: Callable[[dict[str, Any]], list[str]]
    verify: Callable[[dict[str, Any], Path, list[str]], Iterator[tuple[int, Verdict]]]
    conclude: Callable[[Sequence[Round]], Any]
    key: str


def run_rounds(
    campaign: Campaign,
    rounds: int,
    folder: Path,
    report: Report = lambda number, stage, done, total: None,
) -> list[Any]:
    """Run or continue a campaign; a finished one can be continued with more rounds.

    A round that submits nothing ends it.

    Args:
        campaign: its functions.
        rounds: in all.
        folder: of the results; must exist.
        report: progress of the verification.

    Returns:
        What ``conclude`` says of each round that submitted something.

    Raises:
        DataError: a damaged file.
    """
    history: list[Round] = []
    found = []
    for number in range(1, rounds + 1):
        place = folder / f"round-{number}"
        place.mkdir(exist_ok=True)
        path = place / "proposed.json"
        if not path.exists():
            write_json(path, campaign.propose(number, place, history))
        # Read back also when new, so that a resumed campaign works with the same values.
        proposal = _read(path, "the round proposes again")
        names = campaign.keys(proposal)
        if not names:
            break
        verdicts = keep_verdicts(
            partial(campaign.verify, proposal, place),
            names,
            folder / "verdicts.jsonl",
            partial(report, number, "verify", total=len(names)),
            campaign.key,
        )
        history.append(Round(number, place, proposal, verdicts))
        found.append(campaign.conclude(history))
    return found


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of a new campaign; refuse to continue one with others.

    Args:
        folder: of the campaign.
        settings: JSON values, without those that may change, such as the number of rounds.

    Raises:
        DataError: other settings, or a damaged file.
    """
    path = folder / "campaign.json"
    settings = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, settings)
        return
    found = _read(path, "the campaign starts anew, in an empty folder")
    other = sorted(name for name in settings.keys() | found.keys() if settings.get(name) != found.get(name))
    if other:
        raise DataError(
            f"{folder} holds a campaign with another {', another '.join(other)}: continue it with its own "
            "settings, or choose another folder with --out"
        )


def fingerprint(tree: Any) -> str:
    """SHA-256 of the arrays of a pytree, such as a predictor."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def round_seed(seed: int, number: int) -> int:
    """Seed of a round: far from those of other rounds and campaigns."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) % 2**31


def _read(path: Path, then: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise DataError(f"{path} is damaged: delete it, and {then}") from error
    return content
