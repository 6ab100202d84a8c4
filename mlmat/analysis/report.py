"""One self-contained HTML page about an inverse design: figures inside, nothing to fetch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.page import drawing, embedded_figures, table, write_page
from mlmat.analysis.record import RunRecord

HEADS = (
    "rank", "molecule", "SMILES", "verdict", "relaxed (eV)", "predicted (eV)", "± (eV)", "verified (eV)",
    "error (eV)", "known", "similarity", "time (s)",
)  # fmt: skip

LEAD = """<p class="lead">Failures are kept, with their reason: they count as misses. Click a heading to sort.
Error is predicted minus verified; similarity is that to the nearest training molecule (Tanimoto).</p>"""

NOTE = (
    "<p>A GFN2-xTB gap is a difference of orbital energies of a semi-empirical method. "
    "It is not an optical gap.\nThe predictor proposes; the quantum-chemistry engine that judges "
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
    window: tuple[float, float],
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
        window: values that count as a hit, eV.
        record: the run record; its command, seeds, data and versions are shown.

    Raises:
        DataError: a figure is missing or not a PNG file.
    """
    body = (
        f"{embedded_figures(figures)}\n<h2>Every submission</h2>\n"
        f'<ul class="counts">{_failures(rows, window)}</ul>\n'
        f"{LEAD}\n{table(HEADS, (_row(row, window) for row in rows))}"
    )
    write_page(path, title=title, summary=summary, facts=facts, body=body, note=NOTE, record=record)


def _verdict(row: DesignRow, window: tuple[float, float]) -> tuple[str, str]:
    """Class of the table row, and what it says."""
    if row.gap_verified is None:
        return "failed", row.status
    return ("hit", "✓ hit") if window[0] <= row.gap_verified <= window[1] else ("miss", "✗ miss")


def _failures(rows: Sequence[DesignRow], window: tuple[float, float]) -> str:
    """How many submissions ended how: hits, misses, then each reason of failure."""
    kinds = Counter(_verdict(row, window) for row in rows)
    order = sorted(kinds, key=lambda k: (("hit", "miss", "failed").index(k[0]), -kinds[k]))
    return "".join(
        f'<li class="{kind}"><b>{kinds[kind, text]}</b> {escape(text)}</li>' for kind, text in order
    )


def _row(row: DesignRow, window: tuple[float, float]) -> str:
    kind, verdict = _verdict(row, window)
    known = "" if row.in_training is None else ("yes" if row.in_training else "new")
    cells = [
        f"<td>{row.rank}</td>",
        f'<td class="drawing">{drawing(row.smiles)}</td>',
        f'<td class="smiles">{escape(row.smiles)}</td>',
        f'<td class="verdict">{escape(verdict)}</td>',
        *(
            _number(v)
            for v in (row.gap_relaxed, row.gap_predicted, row.gap_std, row.gap_verified, row.gap_error)
        ),
        f"<td>{known}</td>",
        _number(row.nearest_tanimoto),
        _number(row.seconds),
    ]
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _number(value: float | None) -> str:
    return "<td></td>" if value is None else f"<td>{value:.2f}</td>"
