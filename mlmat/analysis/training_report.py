"""One self-contained HTML page about a training run: scores beside baselines, figures, worst items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from mlmat.analysis.page import drawing, embedded_figures, table, write_page
from mlmat.analysis.record import RunRecord
from mlmat.errors import InputError

Cell = str | float | int | None
Table = tuple[str, Sequence[str], Sequence[Sequence[Cell]]]
"""Caption, headings, rows; a row that starts with `OURS` is emphasised."""

OURS = "★ "
"""Mark in front of the first cell of the row that is the trained model."""

NOTE = (
    "<p>Every score is of items that the model never saw, neither in training nor in choosing the best epoch "
    "or the hyperparameters, unless a table says otherwise. To repeat the run:</p>"
)


class WorstItem(NamedTuple):
    """An item with a large error.

    Attributes:
        name: what the user calls it: an identifier, or the SMILES.
        smiles: for the drawing; None for a structure.
        observed: value in the data; a class name for classification.
        predicted: value of the model.
        std: standard deviation of the prediction, None if there is none.
        remark: anything worth saying, e.g. where the item came from.
    """

    name: str
    smiles: str | None
    observed: float | str
    predicted: float | str
    std: float | None = None
    remark: str = ""


def write_training_report(
    path: str | Path,
    *,
    title: str,
    summary: str,
    facts: Mapping[str, str],
    tables: Sequence[Table],
    figures: Sequence[tuple[str | Path, str]],
    worst: Sequence[WorstItem],
    record: RunRecord,
    unit: str = "",
    warnings: Sequence[str] = (),
) -> None:
    """Write the report, atomically.

    Args:
        path: HTML file.
        title: of the page.
        summary: one or two sentences.
        facts: headline numbers, label → text.
        tables: (caption, headings, rows); numbers are shown with three significant digits,
            None as an empty cell.
        figures: PNG files with their captions, embedded into the page.
        worst: items in the order in which they are shown, the largest error first.
        record: the run record; its command, seeds, data and versions are shown.
        unit: of the property, for the table of the worst items.
        warnings: what a reader must know before trusting the scores (leakage, rows left
            out), one sentence each.

    Raises:
        DataError: a figure is missing or not a PNG file.
        InputError: a row with more or fewer cells than its table has headings.
        OutputError: the file cannot be written.
    """
    parts = []
    if warnings:
        lines = "".join(f"<li>{escape(text)}</li>" for text in warnings)
        parts.append(f'<h2>Before you trust this</h2>\n<ul class="warnings">{lines}</ul>')
    if tables:
        parts.append("<h2>Scores</h2>")
        parts += [_table(*content) for content in tables]
    if figures:
        parts.append(f"<h2>Figures</h2>\n{embedded_figures(figures)}")
    if worst:
        parts.append(_worst(worst, unit))
    write_page(
        path, title=title, summary=summary, facts=facts, body="\n".join(parts), note=NOTE, record=record
    )


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    for row in rows:
        if len(row) != len(heads):
            raise InputError(f"table {caption!r}: {len(row)} cells under {len(heads)} headings in {row!r}")
    lines = (f"<tr{_emphasis(row)}>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="part"><h3>{escape(caption)}</h3>\n{table(heads, lines)}</div>'


def _emphasis(row: Sequence[Cell]) -> str:
    return ' class="ours"' if row and isinstance(row[0], str) and row[0].startswith(OURS) else ""


def _cell(value: Cell) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    return f'<td data-sort="{float(value)!r}">{_number(value)}</td>'


def _number(value: float) -> str:
    """Whole numbers in full, others with three significant digits."""
    if not math.isfinite(value):
        return "not defined"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    return (f"{value:#.3g}".rstrip(".") if value else "0").replace("-", "−", 1)


def _worst(worst: Sequence[WorstItem], unit: str) -> str:
    suffix = f" ({unit})" if unit not in ("", "1") else ""
    numbers = all(not isinstance(value, str) for item in worst for value in (item.observed, item.predicted))
    shown = {
        "molecule": any(item.smiles for item in worst),
        f"±{suffix}": any(item.std is not None for item in worst),
        f"error{suffix}": numbers,
        "remark": any(item.remark for item in worst),
    }
    columns = ["molecule", "item", f"observed{suffix}", f"predicted{suffix}", *list(shown)[1:]]
    columns = [column for column in columns if shown.get(column, True)]
    rows = []
    for item in worst:
        cells = {
            "molecule": f'<td class="drawing">{drawing(item.smiles) if item.smiles else ""}</td>',
            "item": f'<td class="smiles">{escape(item.name)}</td>',
            f"observed{suffix}": _cell(item.observed),
            f"predicted{suffix}": _cell(item.predicted),
            f"±{suffix}": _cell(item.std),
            f"error{suffix}": _cell(item.predicted - item.observed) if numbers else "",
            "remark": _cell(item.remark),
        }
        rows.append(f"<tr>{''.join(cells[column] for column in columns)}</tr>")
    lead = (
        "Look here first: a wrong label, a wrong unit or a new chemistry shows as a large error. "
        "Click a heading to sort."
    )
    return f'<h2>Largest errors</h2>\n<p class="lead">{lead}</p>\n{table(columns, rows)}'
