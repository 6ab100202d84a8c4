"""Several runs of the experiment as one record, for the README: names of metrics say the data set.

python -m experiments.dtnn.merge runs/dtnn/full.json runs/dtnn_c7h10o2/full.json --out FILE
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from mlmat.analysis.record import Metric, RunRecord, load_record, save_record


@dataclass(frozen=True)
class Config:
    """Options.

    Attributes:
        records: files of run records.
        out: file to write.
    """

    records: Annotated[tuple[Path, ...], tyro.conf.Positional]
    out: Path


def merged(records: Sequence[RunRecord]) -> RunRecord:
    """One record: metrics one after the other, commands joined, seconds summed.

    Args:
        records: at least one; versions and device are those of the first.
    """
    first = records[0]
    seconds: dict[str, float] = {}
    for record in records:
        for stage, value in record.seconds.items():
            seconds[stage] = round(seconds.get(stage, 0.0) + value, 1)
    peaks = [record.peak_memory for record in records if record.peak_memory is not None]
    return replace(
        first,
        system="DTNN",
        command="; ".join(dict.fromkeys(record.command for record in records)),
        config={record.command: record.config for record in records},
        seeds=sorted({seed for record in records for seed in record.seeds}),
        data={name: digest for record in records for name, digest in record.data.items()},
        seconds=seconds,
        metrics=[named(metric) for record in records for metric in record.metrics],
        peak_memory=max(peaks, default=None),
    )


def named(metric: Metric) -> Metric:
    """The metric with its data set before its name."""
    if not metric.dataset or metric.name.startswith(f"{metric.dataset}: "):
        return metric
    return replace(metric, name=f"{metric.dataset}: {metric.name}")


def main(config: Config) -> None:
    """Read, merge, write."""
    save_record(merged([load_record(path) for path in config.records]), config.out)


if __name__ == "__main__":
    main(tyro.cli(Config))
