"""The records of all elements as one, for the README.

    python -m experiments.equivariant_potential.summary --out runs/equivariant_potential

Reads ``ELEMENT-PRESET.json`` of every element that is finished and writes ``PRESET.json`` beside
them. Run with several elements, the metrics keep their order: silicon first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from experiments.hdnnp_mlearn.published import beside_published
from mlmat.analysis.record import RunRecord, load_record, save_record
from mlmat.errors import DataError

ELEMENTS = ("Si", "Ge", "Mo", "Li", "Ni", "Cu")


@dataclass(frozen=True)
class Config:
    """Options.

    Attributes:
        out: folder with the records.
        preset: which of them.
    """

    out: Path = Path("runs/equivariant_potential")
    preset: Literal["quick", "full"] = "full"


def merged(records: dict[str, RunRecord], preset: str) -> RunRecord:
    """One record of several elements' records.

    Args:
        records: element → its record.
        preset: of all of them.
    """
    first = next(iter(records.values()))
    metrics = []
    for element, record in records.items():
        metrics += [beside_published(metric, element) for metric in record.metrics]
    return replace(
        first,
        command=f"python -m experiments.equivariant_potential.run --element ELEMENT --preset {preset}",
        config={element: record.config for element, record in records.items()},
        seeds=sorted({seed for record in records.values() for seed in record.seeds}),
        data={name: digest for record in records.values() for name, digest in record.data.items()},
        seconds={
            "run": sum(record.seconds["run"] for record in records.values()),
            **{f"training {element}": record.seconds["training"] for element, record in records.items()},
        },
        metrics=metrics,
    )


def main(config: Config) -> None:
    paths = {element: config.out / f"{element}-{config.preset}.json" for element in ELEMENTS}
    records = {element: load_record(path) for element, path in paths.items() if path.exists()}
    if not records:
        raise DataError(f"{config.out} holds no ELEMENT-{config.preset}.json: run the experiment first")
    save_record(merged(records, config.preset), config.out / f"{config.preset}.json")


if __name__ == "__main__":
    main(tyro.cli(Config))
