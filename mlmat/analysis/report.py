"""One self-contained HTML page about an inverse design: figures inside, nothing to fetch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.figure import with_unit
from mlmat.analysis.page import drawing, embedded_figures, table, write_page
from mlmat.analysis.record import RunRecord

LEAD = """<p class="lead">Failures are kept, with their reason: they count as misses. Click a heading to sort.
Error is predicted minus verified; similarity is that to the nearest training molecule (Tanimoto).</p>"""

NOTE = (
    "<p>A GFN2-xTB gap is a difference of orbital energies of a semi-empirical method. "
    "It is not an optical gap.\nThe predictor proposes; the oracle that judges "
    "was never in the loop. To repeat the run:</p>"
)


def write_report(
    path: str | Path,
    *,
    title: str,
    summary: str,
    facts: dict[str, str],
    figures: Sequence[tuple[Path, str]],
    rows: Sequence[DesignRow],
    units: dict[str, str],
    record: RunRecord,
) -> None:
    """Write the report, atomically.

    Args:
        path: HTML file.
        title: of the page.
        summary: one or two sentences.
        facts: headline numbers, label → text.
        figures: PNG files with their captions, embedded into the page.
        rows: every submission.
        units: of the wanted properties.
        record: the run record; its command, seeds, data and versions are shown.

    Raises:
        DataError: a figure is missing or not a PNG file.
    """
    further = tuple(rows[0].further) if rows else ()
    body = (
        f"{embedded_figures(figures)}\n<h2>Every submission</h2>\n"
        f'<ul class="counts">{_counts(rows)}</ul>\n'
        f"{LEAD}\n{table(heads(units, further), map(_row, rows))}"
    )
    write_page(path, title=title, summary=summary, facts=facts, body=body, note=NOTE, record=record)


def heads(units: dict[str, str], further: Sequence[str] = ()) -> tuple[str, ...]:
    """Headings of the table of submissions."""
    parts = ("relaxed", "predicted", "±", "verified", "error")
    of_wants = []
    for name, unit in units.items():
        prefix = "" if len(units) == 1 else f"{name} "
        of_wants += [with_unit(f"{prefix}{part}", unit) for part in parts]
    return ("rank", "molecule", "SMILES", "verdict", *of_wants, "known", "similarity", "time (s)", *further)


def _verdict(row: DesignRow) -> tuple[str, str]:
    """Class of the table row, and what it says."""
    if not row.verified:
        return "failed", row.status
    return {True: ("hit", "✓ hit"), False: ("miss", "✗ miss"), None: ("open", "verified")}[row.hit]


def _counts(rows: Sequence[DesignRow]) -> str:
    """How many submissions ended how: hits, misses, then each reason of failure."""
    kinds = Counter(map(_verdict, rows))
    order = sorted(kinds, key=lambda k: (("hit", "miss", "open", "failed").index(k[0]), -kinds[k]))
    return "".join(
        f'<li class="{kind}"><b>{kinds[kind, text]}</b> {escape(text)}</li>' for kind, text in order
    )


def _row(row: DesignRow) -> str:
    kind, verdict = _verdict(row)
    known = "" if row.in_training is None else ("yes" if row.in_training else "new")
    judged = [
        value
        for one in row.judged.values()
        for value in (one.relaxed, one.predicted, one.std, one.verified, one.error)
    ]
    cells = [
        f"<td>{row.rank}</td>",
        f'<td class="drawing">{drawing(row.smiles)}</td>',
        f'<td class="smiles">{escape(row.smiles)}</td>',
        f'<td class="verdict">{escape(verdict)}</td>',
        *map(_number, judged),
        f"<td>{known}</td>",
        _number(row.nearest_tanimoto),
        _number(row.seconds),
        *map(_number, row.further.values()),
    ]
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _number(value: float | None) -> str:
    return "<td></td>" if value is None else f"<td>{value:.2f}</td>"
