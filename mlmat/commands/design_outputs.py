"""What `mlmat design` leaves behind: table, structures, record, figures, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.analysis import plots
from mlmat.analysis.comparison_plots import draw_comparison
from mlmat.analysis.design_table import write_csv, write_structures
from mlmat.analysis.record import RunRecord, save_record
from mlmat.analysis.report import write_report
from mlmat.commands.design_closing import (
    base_share,
    closing_facts,
    print_closing,
    summary,
    unit_of,
    unpredicted,
)
from mlmat.commands.design_options import DesignOptions
from mlmat.commands.design_outcome import Outcome
from mlmat.commands.design_setup import Setup
from mlmat.commands.runs import command_line, plain_options
from mlmat.design.rows import design_metrics


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
    units = {want.name: unit_of(setup, want.name) for want in setup.objective.wants}
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
    facts = closing_facts(options, setup, outcomes, metrics, seconds, opinion)
    first = outcomes[0]
    warning = unpredicted(setup.objective, first.rows)
    write_report(
        out / "report.html",
        title="Molecules with " + ", ".join(options.want),
        summary=f"{summary(options, setup, first)} {warning}".rstrip(),
        facts=facts,
        figures=[*_figures(options, out, setup, outcomes, units), *figures],
        rows=rows,
        units=units,
        record=record,
    )
    print_closing(options, first.rows, units, facts, warning, out)


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
