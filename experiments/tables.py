"""Writing the measured numbers into the READMEs, from the stored run records.

    python -m experiments.tables

Every README holds a pair of marks; what stands between them comes from
``results/full.json`` (or ``quick.json``) of the experiments and is never typed by hand. A mark may
name the one metric it wants: ``<!-- numbers: inverse_gap, only hit share -->``, or set it out in rows
and columns, by what stands before and after the first comma of its variants:
``<!-- numbers: inverse_gap, grid hit share -->``; ``<!-- numbers: cgcnn, grid -->`` does so with every
metric. ``<!-- dots: hdnnp_mlearn, forces MAE -->`` draws a metric as a picture, into the folder
``figures`` of its experiment.
"""

from __future__ import annotations

import re
from pathlib import Path

from experiments.dots import draw_dots
from mlmat.analysis.record import RunRecord, load_record
from mlmat.files import atomic_write

ROOT = Path(__file__).parent
BLOCK = re.compile(r"(<!-- numbers: (\w+)(?:, (only|grid)(?: ([^>]+?))?)? -->\n).*?(<!-- end -->)", re.DOTALL)

PICTURE = re.compile(r"(<!-- dots: (\w+), (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def measured(value: float, unit: str, digits: int = 4) -> str:
    """A number with its unit: shares in percent, eV to the meV, others with so many digits."""
    if not unit:
        return f"{value:.1%}"
    if unit == "eV":
        return f"{value:.3f} eV"
    return f"{value:.{digits}g}" if unit == "1" else f"{value:.{digits}g} {unit}"


def table(record: RunRecord, only: str | None = None) -> str:
    """Markdown table of a record's metrics (or those of one name), with how they were made."""
    metrics = [metric for metric in record.metrics if only in (None, metric.name)]
    published = any(metric.paper is not None for metric in metrics)
    extra = " published |" if published else ""
    lines = [f"| what | of | measured |{extra} n |", "|---|---|---|---|" + "---|" * published]
    for metric in metrics:
        value = measured(metric.value, metric.unit)
        if metric.std is not None:
            value += (
                f" ± {measured(1.96 * metric.std, metric.unit, digits=2).removesuffix(metric.unit).strip()}"
            )
        if published:
            value += f" | {'' if metric.paper is None else measured(metric.paper, metric.unit)}"
        lines.append(
            f"| {metric.name} | {metric.variant or metric.split or ''} | {value} | {metric.n_test or ''} |"
        )
    return "\n".join([*lines, "", origin(record)])


def grids(record: RunRecord, only: str | None = None) -> str:
    """Markdown table of each metric (or the one of a name), see `grid`, with how they were made."""
    names = dict.fromkeys(metric.name for metric in record.metrics if only in (None, metric.name))
    return "\n\n".join([*(grid(record, name) for name in names), origin(record)])


def grid(record: RunRecord, name: str) -> str:
    """Markdown table of one metric: variants ``"row, column"`` set out; a row without a column fills all.

    A column "name, more" takes the value of the column "name" where it has none itself. Published values are
    the last row.
    """
    cells: dict[str, dict[str, str]] = {}
    published: dict[str, str] = {}
    for metric in record.metrics:
        if metric.name == name:
            row, _, column = (metric.variant or "").partition(", ")
            value = measured(metric.value, metric.unit)
            if metric.std is not None:
                half = measured(1.96 * metric.std, metric.unit, digits=2)
                value += f" ± {half.removesuffix(metric.unit).strip()}"
            cells.setdefault(row, {})[column] = value
            if metric.paper is not None:
                published[column] = measured(metric.paper, metric.unit)
    if published:
        cells["published"] = published
    names = list(dict.fromkeys(column for row in cells.values() for column in row))

    def inside(column: str, broader: str) -> bool:
        return not broader or f"{column}, ".startswith(f"{broader}, ")

    columns = [c for c in names if not any(other != c and inside(other, c) for other in names)]

    def value(row: dict[str, str], column: str) -> str:
        return next((text for name, text in row.items() if inside(column, name)), "")

    lines = [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {label} | {' | '.join(value(row, column) for column in columns)} |"
        for label, row in cells.items()
    ]
    return "\n".join(lines)


def origin(record: RunRecord) -> str:
    """How the numbers were made, in one line."""
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in record.seconds.items())
    return (
        f"`{record.command}`; {seconds}; {record.device}; jax {record.versions['jax']}; "
        f"seeds {record.seeds}; ± is half of a 95 % interval."
    )


def stored(name: str) -> RunRecord | None:
    """The record of an experiment; None if none is stored yet."""
    paths = [ROOT / name / "results" / f"{preset}.json" for preset in ("full", "quick")]
    found = next((path for path in paths if path.exists()), None)
    return None if found is None else load_record(found)


def numbers(match: re.Match) -> str:
    """A block of numbers, renewed."""
    record = stored(match[2])
    if record is None:
        print(f"{match[2]} has no stored results yet")
        return match[0]
    shown = grids(record, match[4]) if match[3] == "grid" else table(record, match[4])
    return f"{match[1]}{shown}\n{match[5]}"


def picture(match: re.Match) -> str:
    """A picture, drawn anew."""
    record = stored(match[2])
    if record is None:
        return match[0]
    file = f"figures/{re.sub(r'[^a-z0-9]+', '_', match[3].lower())}.png"
    path = ROOT / match[2] / file
    path.parent.mkdir(exist_ok=True)
    draw_dots([metric for metric in record.metrics if metric.name == match[3]], path)
    return f"{match[1]}![{match[3]}]({file})\n{match[4]}"


def main() -> None:
    """Renew the blocks of every README."""
    for readme in (ROOT.parent / "README.md", *ROOT.glob("*/README.md")):
        text = BLOCK.sub(numbers, readme.read_text(encoding="utf-8"))
        text = PICTURE.sub(picture, text)
        with atomic_write(readme, "w", encoding="utf-8") as stream:
            stream.write(text)


if __name__ == "__main__":
    main()
