"""Writing the measured numbers into the READMEs, from the stored run records.

    python -m experiments.tables

Every README holds a pair of marks; what stands between them comes from
``results/full.json`` (or ``quick.json``) of the experiments and is never typed by hand. A mark may
name the one metric it wants: ``<!-- numbers: inverse_gap, only hit share -->``, or set it out in rows
and columns, by what stands before and after the first comma of its variants:
``<!-- numbers: inverse_gap, grid hit share -->``.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlmat.analysis.record import RunRecord, load_record
from mlmat.files import atomic_write

ROOT = Path(__file__).parent
BLOCK = re.compile(r"(<!-- numbers: (\w+)(?:, (only|grid) (.+?))? -->\n).*?(<!-- end -->)", re.DOTALL)


def measured(value: float, unit: str, digits: int = 4) -> str:
    """A number with its unit: shares in percent, eV to the meV, others with so many digits."""
    if not unit:
        return f"{value:.1%}"
    if unit == "eV":
        return f"{value:.3f} eV"
    return f"{value:.{digits}g}" if unit == "1" else f"{value:.{digits}g} {unit}"


def table(record: RunRecord, only: str | None = None) -> str:
    """Markdown table of a record's metrics (or those of one name), with how they were made."""
    lines = ["| what | of | measured | n |", "|---|---|---|---|"]
    for metric in record.metrics:
        if only not in (None, metric.name):
            continue
        value = measured(metric.value, metric.unit)
        if metric.std is not None:
            value += (
                f" ± {measured(1.96 * metric.std, metric.unit, digits=2).removesuffix(metric.unit).strip()}"
            )
        lines.append(
            f"| {metric.name} | {metric.variant or metric.split or ''} | {value} | {metric.n_test or ''} |"
        )
    return "\n".join([*lines, "", origin(record)])


def grid(record: RunRecord, name: str) -> str:
    """Markdown table of one metric: variants ``"row, column"`` set out; a row without a column fills all.

    A column whose name begins with that of a broader one takes its value where it has none itself.
    """
    cells: dict[str, dict[str, str]] = {}
    for metric in record.metrics:
        if metric.name == name:
            row, _, column = (metric.variant or "").partition(", ")
            value = measured(metric.value, metric.unit)
            if metric.std is not None:
                half = measured(1.96 * metric.std, metric.unit, digits=2)
                value += f" ± {half.removesuffix(metric.unit).strip()}"
            cells.setdefault(row, {})[column] = value
    names = list(dict.fromkeys(column for row in cells.values() for column in row))
    columns = [c for c in names if not any(other != c and other.startswith(c) for other in names)]

    def value(row: dict[str, str], column: str) -> str:
        return next((text for name, text in row.items() if column.startswith(name)), "")

    lines = [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {label} | {' | '.join(value(row, column) for column in columns)} |"
        for label, row in cells.items()
    ]
    return "\n".join([*lines, "", origin(record)])


def origin(record: RunRecord) -> str:
    """How the numbers were made, in one line."""
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in record.seconds.items())
    return (
        f"`{record.command}`; {seconds}; {record.device}; jax {record.versions['jax']}; "
        f"seeds {record.seeds}; ± is half of a 95 % interval."
    )


def main() -> None:
    """Renew the block of every README."""
    for readme in (ROOT.parent / "README.md", *ROOT.glob("*/README.md")):

        def renew(match: re.Match) -> str:
            results = ROOT / match[2] / "results"
            stored = [results / f"{preset}.json" for preset in ("full", "quick")]
            found = next((path for path in stored if path.exists()), None)
            if found is None:
                print(f"{match[2]} has no stored results yet")
                return match[0]
            record = load_record(found)
            shown = grid(record, match[4]) if match[3] == "grid" else table(record, match[4])
            return f"{match[1]}{shown}\n{match[5]}"

        text = BLOCK.sub(renew, readme.read_text(encoding="utf-8"))
        with atomic_write(readme, "w", encoding="utf-8") as stream:
            stream.write(text)


if __name__ == "__main__":
    main()
