"""Writing the measured numbers into the READMEs, from the stored run records.

    python -m experiments.tables

Every README holds a pair of marks; what stands between them comes from
``results/full.json`` (or ``quick.json``) of the experiments and is never typed by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlmat.analysis.record import RunRecord, load_record
from mlmat.files import atomic_write

ROOT = Path(__file__).parent
BLOCK = re.compile(r"(<!-- numbers: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(record: RunRecord) -> str:
    """Markdown table of a record's metrics, with how they were made."""
    lines = ["| what | of | measured | n |", "|---|---|---|---|"]
    for metric in record.metrics:
        value = f"{metric.value:.1%}" if not metric.unit else f"{metric.value:.3f} {metric.unit}"
        if metric.std is not None:
            spread = f"{1.96 * metric.std:.1%}" if not metric.unit else f"{1.96 * metric.std:.3f}"
            value += f" ± {spread}"
        lines.append(
            f"| {metric.name} | {metric.variant or metric.split or ''} | {value} | {metric.n_test or ''} |"
        )
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in record.seconds.items())
    lines += [
        "",
        f"`{record.command}`; {seconds}; {record.device}; jax {record.versions['jax']}; "
        f"seeds {record.seeds}; ± is half of a 95 % interval.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Renew the block of every README."""
    for readme in (ROOT.parent / "README.md", *ROOT.glob("*/README.md")):

        def renew(match: re.Match) -> str:
            results = ROOT / match[2] / "results"
            stored = [results / f"{preset}.json" for preset in ("full", "quick")]
            record = load_record(next(path for path in stored if path.exists()))
            return f"{match[1]}{table(record)}\n{match[3]}"

        text = BLOCK.sub(renew, readme.read_text(encoding="utf-8"))
        with atomic_write(readme, "w", encoding="utf-8") as stream:
            stream.write(text)


if __name__ == "__main__":
    main()
