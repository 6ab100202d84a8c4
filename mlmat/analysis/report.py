"""One self-contained HTML page about an inverse design: figures inside, nothing to fetch."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.drawing import molecule_svg
from mlmat.analysis.figure import DPI
from mlmat.analysis.record import RunRecord
from mlmat.errors import DataError, SmilesError
from mlmat.files import atomic_write

TEMPLATE = Path(__file__).parent / "report.html.in"

HEADS = (
    "rank", "molecule", "SMILES", "verdict", "relaxed (eV)", "predicted (eV)", "± (eV)", "verified (eV)",
    "error (eV)", "known", "similarity", "time (s)",
)  # fmt: skip

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


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
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        summary=escape(summary),
        facts="".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items()),
        figures="\n".join(_figure(Path(image), caption) for image, caption in figures),
        failures=_failures(rows, window),
        heads="".join(
            f'<th scope="col"><button type="button">{escape(head)}</button></th>' for head in HEADS
        ),
        rows="\n".join(_row(row, window) for row in rows),
        command=escape(record.command),
        origin=_origin(record),
    )
    with atomic_write(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _figure(image: Path, caption: str) -> str:
    try:
        content = image.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the figure {image}: {error.strerror}") from error
    if content[:8] != PNG_SIGNATURE:
        raise DataError(f"the figure {image} is not a PNG file")
    # The PNG header holds width and height; the page shows figures at their size in inches.
    width, height = (int.from_bytes(content[k : k + 4], "big") * 96 // DPI for k in (16, 20))
    data = base64.b64encode(content).decode()
    return (
        f'<figure><img alt="{escape(caption)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


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
    try:
        drawing = molecule_svg(row.smiles)
    except SmilesError:
        drawing = ""
    cells = [
        f"<td>{row.rank}</td>",
        f'<td class="drawing">{drawing}</td>',
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


def _origin(record: RunRecord) -> str:
    """Everything beside the command that a repetition depends on."""
    parts = {
        "seeds": ", ".join(map(str, record.seeds)),
        "data (SHA-256)": ", ".join(f"{name} {digest}" for name, digest in record.data.items()),
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "device": record.device,
    }
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in parts.items() if v)
