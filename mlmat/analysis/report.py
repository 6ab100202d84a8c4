"""One self-contained HTML page about an inverse design: figures inside, nothing to fetch."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.record import RunRecord
from mlmat.files import atomic_write

TEMPLATE = Path(__file__).parent / "report.html.in"

HEADS = ("rank", "SMILES", "verdict", "relaxed (eV)", "predicted (eV)", "± (eV)", "verified (eV)", "error (eV)",
         "known", "similarity")  # fmt: skip


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
        record: the run record; its command and versions are shown.
    """
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        summary=escape(summary),
        facts="".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items()),
        figures="\n".join(_figure(image, caption) for image, caption in figures),
        heads="".join(f"<th>{escape(head)}</th>" for head in HEADS),
        rows="\n".join(_row(row, window) for row in rows),
        command=escape(record.command),
        versions=escape(f"{versions}; {record.device}"),
    )
    with atomic_write(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _figure(image: Path, caption: str) -> str:
    data = base64.b64encode(Path(image).read_bytes()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _row(row: DesignRow, window: tuple[float, float]) -> str:
    if row.gap_verified is None:
        kind, verdict = "failed", row.status
    elif window[0] <= row.gap_verified <= window[1]:
        kind, verdict = "hit", "hit"
    else:
        kind, verdict = "miss", "miss"
    known = "" if row.in_training is None else ("yes" if row.in_training else "new")
    cells = [
        f"<td>{row.rank}</td>",
        f'<td class="smiles">{escape(row.smiles)}</td>',
        f'<td class="verdict">{escape(verdict)}</td>',
        *(_number(v) for v in (row.gap_relaxed, row.gap_predicted, row.gap_std, row.gap_verified, row.gap_error)),
        f"<td>{known}</td>",
        _number(row.nearest_tanimoto),
    ]
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _number(value: float | None) -> str:
    return "<td></td>" if value is None else f"<td>{value:.2f}</td>"
