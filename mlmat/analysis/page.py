"""The frame of every HTML report: one self-contained page, nothing to fetch from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from mlmat.analysis.drawing import molecule_svg
from mlmat.analysis.figure import DPI
from mlmat.analysis.record import RunRecord
from mlmat.errors import DataError, SmilesError
from mlmat.files import atomic_write

TEMPLATE = Path(__file__).parent / "page.html.in"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_page(
    path: str | Path,
    *,
    title: str,
    summary: str,
    facts: Mapping[str, str],
    body: str,
    note: str,
    record: RunRecord,
) -> None:
    """Write a report, atomically.

    Args:
        path: HTML file.
        title: of the page, plain text.
        summary: one or two sentences, plain text.
        facts: headline numbers, label → plain text.
        body: HTML of everything between the facts and how it was made.
        note: HTML above the command that repeats the run.
        record: the run record; its command, seeds, data and versions are shown.

    Raises:
        OutputError: the file cannot be written.
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        summary=escape(summary),
        facts="".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items()),
        body=body,
        note=note,
        command=escape(record.command),
        origin=_origin(record),
    )
    with atomic_write(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def embedded_figures(figures: Iterable[tuple[str | Path, str]]) -> str:
    """PNG files with their captions as HTML, the images inside.

    Raises:
        DataError: a figure is missing or not a PNG file.
    """
    return "\n".join(_figure(Path(image), caption) for image, caption in figures)


def table(heads: Sequence[str], rows: Iterable[str]) -> str:
    """A table whose columns sort by a click on their heading; `rows` are ``<tr>`` elements."""
    cells = "".join(f'<th scope="col"><button type="button">{escape(head)}</button></th>' for head in heads)
    lines = "\n".join(rows)
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{cells}</tr></thead><tbody>\n'
        f"{lines}\n</tbody></table></div>"
    )


def drawing(smiles: str) -> str:
    """Drawing of a molecule as SVG; nothing for a SMILES that cannot be read."""
    try:
        return molecule_svg(smiles)
    except SmilesError:
        return ""


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


def _origin(record: RunRecord) -> str:
    """Everything beside the command that a repetition depends on."""
    parts = {
        "seeds": ", ".join(map(str, record.seeds)),
        "data (SHA-256)": ", ".join(f"{name} {digest}" for name, digest in record.data.items()),
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "device": record.device,
    }
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in parts.items() if v)
