"""Several runs of an experiment as one record, so that a table can grow part by part.

    python -m experiments.merge runs/dtnn/full.json runs/dtnn_c7h10o2/full.json --out FILE
    python -m experiments.merge experiments/NAME/results/full.json runs/NAME/full.json --out FILE

What a later record measured anew takes the place of what an earlier one has of the same name and
variant. Where the records are about different data sets, names of metrics say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from mlmat.analysis.record import Metric, RunRecord, load_record, save_record


@dataclass(frozen=True)
class Config:
    """Options.

    Attributes:
        records: files of run records.
        out: file to write.
        system: what the record says was studied; that of the first by default.
    """

    records: Annotated[tuple[Path, ...], tyro.conf.Positional]
    out: Path
    system: str | None = None


def merged(records: Sequence[RunRecord], system: str | None = None) -> RunRecord:
    """One record: metrics in order, commands joined, seconds summed.

    Args:
        records: at least one; versions and device are those of the last.
        system: what was studied; that of the first record by default.
    """
    first, last = records[0], records[-1]
    seconds: dict[str, float] = {}
    for record in records:
        for stage, value in record.seconds.items():
            seconds[stage] = round(seconds.get(stage, 0.0) + value, 1)
    peaks = [record.peak_memory for record in records if record.peak_memory is not None]
    several = len({metric.dataset for record in records for metric in record.metrics}) > 1
    metrics: dict[tuple[str, str | None], Metric] = {}
    for metric in (metric for record in records for metric in record.metrics):
        metric = named(metric) if several else metric
        metrics[metric.name, metric.variant] = metric
    return replace(
        last,
        system=system or first.system,
        command="; ".join(dict.fromkeys(one for record in records for one in commands(record))),
        config=configs(records),
        seeds=sorted({seed for record in records for seed in record.seeds}),
        data={name: digest for record in records for name, digest in record.data.items()},
        seconds=seconds,
        metrics=list(metrics.values()),
        peak_memory=max(peaks, default=None),
    )


def commands(record: RunRecord) -> list[str]:
    """The commands of a record that may be a merged one."""
    return record.command.split("; ")


def configs(records: Sequence[RunRecord]) -> dict[str, Any]:
    """Options of each run: by its command, or by number where several had the same command."""
    parts: list[tuple[str, Any]] = []
    for record in records:
        if set(record.config) == set(commands(record)):  # merged before, by command
            parts += record.config.items()
        else:
            parts += [(record.command, config) for config in numbered(record.config)]
    if all(config == parts[0][1] for _, config in parts):
        return records[-1].config
    if len({command for command, _ in parts}) == len(parts):
        return dict(parts)
    return {f"part {number}": config for number, (_, config) in enumerate(parts, 1)}


def numbered(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of each run of a record that was merged by number; else the only ones."""
    if not config or not all(name.startswith("part ") for name in config):
        return [config]
    return [one for part in config.values() for one in numbered(part)]


def named(metric: Metric) -> Metric:
    """The metric with its data set before its name."""
    if not metric.dataset or metric.name.startswith(f"{metric.dataset}: "):
        return metric
    return replace(metric, name=f"{metric.dataset}: {metric.name}")


def main(config: Config) -> None:
    """Read, merge, write."""
    save_record(merged([load_record(path) for path in config.records], config.system), config.out)


if __name__ == "__main__":
    main(tyro.cli(Config))
