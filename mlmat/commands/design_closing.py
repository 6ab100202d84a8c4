"""What `mlmat design` says at the end: facts, the first designs, and whether what is wanted can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from mlmat.analysis.design_table import DesignRow, PropertyVerdict
from mlmat.commands.design_options import DesignOptions
from mlmat.commands.design_outcome import Outcome
from mlmat.commands.design_setup import Setup
from mlmat.commands.runs import console
from mlmat.design.objective import Objective

if TYPE_CHECKING:
    from mlmat.analysis.record import Metric

SHOWN = 12
"""Designs in the closing table."""


def unit_of(setup: Setup, name: str) -> str:
    """Unit of a wanted property; similarity, which no predictor knows, has none."""
    known = setup.predictor.properties
    return setup.predictor.units[known.index(name)] if name in known else "1"


def base_share(setup: Setup) -> float | None:
    """Share of hits among the training molecules; None if their values are not all at hand."""
    wants = setup.objective.wants
    known = setup.knowledge.values
    if any(want.name not in known for want in wants) or all(want.hit(0.0) is None for want in wants):
        return None
    table = zip(*(known[want.name] for want in wants), strict=True)
    names = [want.name for want in wants]
    return float(np.mean([setup.objective.hit(dict(zip(names, row, strict=True))) for row in table]))


def summary(options: DesignOptions, setup: Setup, first: Outcome) -> str:
    """One sentence: how many were designed how, and what the judge found."""
    how = {
        "gradient": "designed by gradient descent through the predictor",
        "hybrid": "designed by gradient descent, then bred with mutations chosen by gradient",
        "informed": "bred on the predictor with mutations that its gradient chose",
        "genetic": "bred by a genetic algorithm on the predictor",
        "random": "drawn at random and chosen by the predictor",
        "screening": "screened with the predictor",
    }[first.method]
    hits = sum(bool(row.hit) for row in first.rows)
    found = (
        f"finds {hits} of them to be what was wanted"
        if any(row.hit is not None for row in first.rows)
        else f"verified {sum(row.verified for row in first.rows)} of them"
    )
    return f"{options.designs} molecules were {how}; {setup.oracle}, which was not in the loop, {found}."


def unpredicted(objective: Objective, rows: Sequence[DesignRow]) -> str:
    """A warning if none of the designs is even predicted to be what was wanted; empty otherwise.

    Args:
        objective: what was wanted.
        rows: submissions of a searcher.
    """
    predicted = [{name: judged.predicted for name, judged in row.judged.items()} for row in rows]
    if not rows or all(want.open for want in objective.wants):
        return ""
    if any(objective.hit(values, row.smiles) for values, row in zip(predicted, rows, strict=True)):
        return ""
    spans = []
    for want in objective.wants:
        found = [values[want.name] for values in predicted]
        if not any(want.hit(value) for value in found) and not want.open:
            spans.append(f"{want.name} from {min(found):.2f} to {max(found):.2f}")
    found = f"the predictor sees {' and '.join(spans)}" if spans else "no design meets all wants at once"
    return (
        f"None of the designs is predicted to be what was wanted: {found}. The constraints or the "
        "other wants may not allow it: ask for less, allow more, or raise --budget."
    )


def closing_facts(
    options: DesignOptions,
    setup: Setup,
    outcomes: Sequence[Outcome],
    metrics: Sequence[Metric],
    seconds: Mapping[str, float],
    opinion: Any,
) -> dict[str, str]:
    """What stands below the table and on top of the report, by name.

    Args:
        options: of the command.
        setup: what was searched with.
        outcomes: of every searcher or round.
        metrics: of the record.
        seconds: wall time by stage.
        opinion: of B3LYP; None if it was not asked.
    """
    first = outcomes[0]
    countable = any(row.hit is not None for row in first.rows)
    facts = {}
    for outcome in outcomes if countable else ():
        hits = sum(bool(row.hit) for row in outcome.rows)
        label = "hits" if len(outcomes) == 1 else f"hits, {outcome.label}"
        facts[label] = f"{hits} of {options.designs} ({hits / options.designs:.0%})"
    base = base_share(setup)
    if countable:
        facts["same share among training molecules"] = "unknown" if base is None else f"{base:.1%}"
    for want in setup.objective.wants:
        name, unit = want.name, unit_of(setup, want.name)
        prefix = "" if len(setup.objective.wants) == 1 else f"{name}: "
        error = next(
            (
                m.value
                for m in metrics
                if m.variant == first.label and m.name == f"{prefix}error on designs (MAE)"
            ),
            None,
        )
        unit = "" if unit in ("", "1") else f" {unit}"
        facts[f"{prefix}error on the designs (MAE)"] = (
            "none verified" if error is None else f"{error:.2f}{unit}"
        )
        known = setup.knowledge.errors.get(name)
        facts[f"{prefix}validation error (MAE)"] = "unknown" if known is None else f"{known:.2f}{unit}"
    if opinion is not None and opinion.correlation is not None:
        low, high = opinion.interval
        facts[f"rank correlation with B3LYP, {len(opinion.smiles)} designs"] = (
            f"{opinion.correlation:.2f} ({low:.2f} to {high:.2f})"
        )
    compiling = f" ({seconds['compile']:.0f} s compiling)" if seconds["compile"] else ""
    facts["wall time"] = f"{seconds['run'] + seconds['compile']:.0f} s{compiling}"
    return facts


def print_closing(
    options: DesignOptions,
    rows: Sequence[DesignRow],
    units: Mapping[str, str],
    facts: Mapping[str, str],
    warning: str,
    out: Path,
) -> None:
    """The closing table, the facts and the warning, if there is one, on the terminal."""
    console.print(first_designs(rows, units))
    for name, value in facts.items():
        console.print(f"{name:>42}  [bold]{value}[/]")
    if warning:
        console.print(warning, style="yellow", highlight=False)
    if "gap" in units and options.oracle is None:
        console.print("A GFN2-xTB gap is a difference of orbital energies, not an optical gap.", style="dim")
    console.print(f"Report: {out / 'report.html'}")


def first_designs(rows: Sequence[DesignRow], units: Mapping[str, str]) -> Table:
    """The best `SHOWN` designs, narrow enough for a terminal of 80 columns.

    Args:
        rows: submissions of a searcher, best first.
        units: wanted property → unit.
    """
    table = Table(
        title=f"First designs of {len(rows)}, predicted → verified", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("rank", justify="right", min_width=4)
    table.add_column("SMILES", overflow="fold", min_width=14)
    for name, unit in units.items():
        suffix = "" if unit in ("", "1") else f" ({unit})"
        table.add_column(f"{name}{suffix}", justify="right", no_wrap=True)
    table.add_column("verdict", min_width=7)
    for row in rows[:SHOWN]:
        verdict = {True: "hit", False: "miss", None: "verified"}[row.hit] if row.verified else row.status
        cells = [_cell(judged, doubt=len(units) == 1) for judged in row.judged.values()]
        table.add_row(str(row.rank), row.smiles, *cells, verdict)
    return table


def _cell(judged: PropertyVerdict, doubt: bool) -> str:
    """Predicted and verified value; without the doubt where several properties share a line."""
    predicted = f"{judged.predicted:.2f}" + (f" ± {judged.std:.2f}" if doubt else "")
    return predicted if judged.verified is None else f"{predicted} → {judged.verified:.2f}"
