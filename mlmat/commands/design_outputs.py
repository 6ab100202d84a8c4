"""What `mlmat design` leaves behind: table, structures, record, figures, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from mlmat.analysis import plots
from mlmat.analysis.comparison_plots import draw_comparison
from mlmat.analysis.design_table import DesignRow, write_csv, write_structures
from mlmat.analysis.record import RunRecord, save_record
from mlmat.analysis.report import write_report
from mlmat.commands.design_options import DesignOptions
from mlmat.commands.design_setup import Setup
from mlmat.commands.runs import command_line, console, plain_options
from mlmat.design.rows import design_metrics

FURTHER = ("logp", "qed", "sa_score")
"""RDKit's properties shown for every design."""

SHOWN = 12
"""Designs in the closing table."""


class Outcome(NamedTuple):
    """What one searcher, or one round of a campaign, did.

    Attributes:
        label: name of the searcher, or of the round.
        method: name of the searcher.
        search: pool, history, losses; None for a round.
        rows: its submissions with their verdicts.
        geometries: positions of each verified submission, None where there are none.
    """

    label: str
    method: str
    search: Any
    rows: list[DesignRow]
    geometries: list[Any]


def write_outputs(
    options: DesignOptions,
    out: Path,
    setup: Setup,
    outcomes: Sequence[Outcome],
    seconds: Mapping[str, float],
    opinion: Any = None,
    figures: Sequence[tuple[Path, str]] = (),
) -> None:
    """All result files, and the closing table.

    Args:
        options: of the command.
        out: folder.
        setup: what was searched with.
        outcomes: of every searcher or round; the first one is shown.
        seconds: wall time by stage.
        opinion: of B3LYP.
        figures: further figures with their captions.
    """
    units = {want.name: _unit(setup, want.name) for want in setup.objective.wants}
    rows = [row for outcome in outcomes for row in outcome.rows]
    write_csv(rows, out / "designs.csv", tuple(units))
    structures = [
        (row, positions)
        for outcome in outcomes
        for row, positions in zip(outcome.rows, outcome.geometries, strict=True)
        if positions is not None
    ]
    if structures:
        write_structures(structures, out / "structures.sdf")
    metrics = [m for o in outcomes for m in design_metrics(o.rows, units, options.designs, o.label)]
    metrics += _opinion_metrics(opinion)
    record = RunRecord(
        system="inverse design of small organic molecules",
        preset="design",
        command=command_line(options, "design"),
        config=plain_options(options)
        | {"lost": {o.label: o.search.lost for o in outcomes if o.search is not None}},
        seeds=[options.seed],
        data=setup.knowledge.data,
        seconds={name: round(value, 2) for name, value in seconds.items()},
        metrics=metrics,
    )
    save_record(record, out / "results.json")
    facts = _facts(options, setup, outcomes, metrics, seconds, opinion)
    first = outcomes[0]
    write_report(
        out / "report.html",
        title="Molecules with " + ", ".join(options.want),
        summary=_summary(options, setup, first),
        facts=facts,
        figures=[*_figures(options, out, setup, outcomes, units), *figures],
        rows=rows,
        units=units,
        record=record,
    )
    _print(options, first.rows, units, facts, out)


def further_names(setup: Setup) -> list[str]:
    """RDKit's properties that are not wanted anyway."""
    return [name for name in FURTHER if name not in {want.name for want in setup.objective.wants}]


def _unit(setup: Setup, name: str) -> str:
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


def _summary(options: DesignOptions, setup: Setup, first: Outcome) -> str:
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


def _facts(options, setup: Setup, outcomes, metrics, seconds, opinion) -> dict[str, str]:
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
        name, unit = want.name, _unit(setup, want.name)
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


def _opinion_metrics(opinion: Any) -> list[Any]:
    from mlmat.analysis.record import Metric

    if opinion is None or opinion.correlation is None:
        return []
    low, high = opinion.interval
    common = {"variant": "B3LYP/def2-SVP at the GFN2-xTB geometry", "n_test": len(opinion.smiles)}
    return [
        Metric("rank correlation with B3LYP", opinion.correlation, std=(high - low) / (2 * 1.96), **common),
        Metric("median shift to the B3LYP gap", opinion.shift, "eV", **common),
    ]


def _figures(
    options: DesignOptions, out: Path, setup: Setup, outcomes: Sequence[Outcome], units: dict[str, str]
) -> list[tuple[Path, str]]:
    first = outcomes[0]
    wants = [
        plots.Wanted(want.name, units[want.name], want.window, setup.oracle) for want in setup.objective.wants
    ]
    plots.draw_molecules(first.rows, wants[0], out / "molecules.png")
    caption = "The most trusted designs. Blue: verified as wanted; orange: not."
    figures = [(out / "molecules.png", caption)]
    if any(row.hit is not None for row in first.rows) and len({o.method for o in outcomes}) > 1:
        hits = {o.method: sum(bool(row.hit) for row in o.rows) for o in outcomes}
        path = out / "comparison.png"
        draw_comparison(hits, options.designs, path, ", ".join(options.want), base_share(setup))
        figures.append((path, f"The same budget of {options.budget:,} evaluations, spent in different ways."))
    if first.search is not None and first.method in ("gradient", "hybrid"):
        name = wants[0].name
        verified = [row.judged[name].verified for row in first.rows]
        verified = np.array([value for value in verified if value is not None], float)
        reference = setup.knowledge.values.get(name, np.zeros(0))
        plots.draw_descent(first.search.history, wants[0], verified, reference, out / "descent.png")
        caption = "Left: relaxed molecules following the gradient. Right: verified values."
        figures.append((out / "descent.png", caption))
    for number, want in enumerate(wants):
        path = out / ("parity.png" if number == 0 else f"parity-{want.name}.png")
        plots.draw_parity(first.rows, want, path)
        figures.append((path, f"{want.name}: predicted against verified; bars: standard deviation."))
    return figures


def _print(
    options: DesignOptions, rows: Sequence[DesignRow], units: dict[str, str], facts: dict[str, str], out: Path
) -> None:
    table = Table(title=f"First designs of {len(rows)}", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column("SMILES", overflow="fold", min_width=14)
    for name, unit in units.items():
        suffix = "" if unit in ("", "1") else f" ({unit})"
        table.add_column(f"{name}{suffix}", justify="right", no_wrap=True)
        table.add_column("verified", justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in rows[:SHOWN]:
        verdict = {True: "hit", False: "miss", None: "verified"}[row.hit] if row.verified else row.status
        cells = []
        for judged in row.judged.values():
            cells.append(f"{judged.predicted:.2f} ± {judged.std:.2f}")
            cells.append("" if judged.verified is None else f"{judged.verified:.2f}")
        table.add_row(str(row.rank), row.smiles, *cells, verdict)
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name:>42}  [bold]{value}[/]")
    if "gap" in units and options.oracle is None:
        console.print("A GFN2-xTB gap is a difference of orbital energies, not an optical gap.", style="dim")
    console.print(f"Report: {out / 'report.html'}")
