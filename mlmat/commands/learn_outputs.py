"""Numbers and figure of `mlmat learn`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlmat.analysis.record import Metric

UNITS = {"energy": ("energy MAE", "meV/atom"), "forces": ("force MAE", "eV/Å")}


def learning_metrics(learned: Any, variant: str = "") -> list[Metric]:
    """Rounds and end of a campaign as metrics of a run record.

    Args:
        learned: of `mlmat.design.campaign.potential.learn_potential`.
        variant: what stands before ``"round 1"`` and so on.
    """
    found = []
    prefix = f"{variant}, " if variant else ""
    for one in learned.rounds:
        fields = {"variant": f"{prefix}round {one.round}", "n_train": one.known, "n_test": one.labelled}
        submitted = (
            ("force MAE on what was submitted", one.force_error, "eV/Å"),
            ("energy MAE on what was submitted", one.energy_error, "meV/atom"),
            ("mean disagreement", one.disagreement, "eV/Å"),
            ("share of the dynamics survived", one.survived, ""),
        )
        found += [Metric(name, value, unit, **fields) for name, value, unit in submitted if value is not None]
        found.append(Metric("labels", one.labelled, "1", variant=fields["variant"]))
        found += _test(one.test, variant=fields["variant"], n_train=one.known)
    return found + _test(learned.test, variant=f"{prefix}end", n_train=learned.labels)


def _test(errors: Mapping[str, float], **fields: Any) -> list[Metric]:
    return [
        Metric(UNITS[name][0], value, UNITS[name][1], split="test", **fields)
        for name, value in errors.items()
    ]


def draw_rounds(rounds: Sequence[Any], test: Mapping[str, float], path: Path) -> None:
    """Force error by number of labels, and how long the dynamics lasted.

    Args:
        rounds: of `mlmat.design.campaign.potential.LearningRound`, at least one that explored.
        test: errors of the last predictor on the test part; may be empty.
        path: PNG file.
    """
    from mlmat.analysis.figure import HIT, INK, MISS, WANTED, new_figure, save, tidy, with_unit

    explored = [one for one in rounds if one.force_error is not None]
    figure = new_figure(9.2, 3.9)
    left, right = figure.subplots(1, 2)
    style = {"marker": "o", "lw": 1.8, "ms": 6, "mec": "white"}
    known = [one.known for one in explored]
    left.plot(
        known, [one.force_error for one in explored], color=MISS, label="on what was submitted", **style
    )
    tested = [(one.known, one.test["forces"]) for one in explored if one.test]
    if test:
        tested.append((rounds[-1].known + rounds[-1].labelled, test["forces"]))
        left.plot(*zip(*tested, strict=True), "--", color=HIT, label="on the test part", **style)
    ticks = sorted({*known, *(count for count, _ in tested)})
    left.set(xticks=ticks, xlabel="labels", ylabel=with_unit("mean absolute error of the forces", "eV/Å"))
    left.set_ylim(0, 1.2 * left.get_ylim()[1])
    left.legend(fontsize=9, frameon=False, labelcolor=INK)
    tidy(left, "Error of each round's committee")
    numbers = [one.round for one in explored]
    right.plot(numbers, [100 * one.survived for one in explored], color=WANTED, **style)
    right.set(xlabel="round", ylabel="dynamics before disagreement (%)", ylim=(0, 105), xticks=numbers)
    tidy(right, "How far the dynamics went")
    save(figure, path)
