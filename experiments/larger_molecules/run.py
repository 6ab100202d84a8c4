"""What does inverse design cost, and how valid and how right does it stay, as molecules grow?

    MLMAT_DATA=… python -m experiments.larger_molecules.run --preset full --out runs/larger_molecules

For each capacity a small soft-graph ensemble learns RDKit's logP (and SA score) on ZINC-like
molecules of 0.6 to 1 times that many heavy atoms. Starts from noise then descend to the 5th
and the 95th percentile of the training logP, each lives once, and the best are submitted.
RDKit's own values are the truth. A capacity that is done is not run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from experiments.larger_molecules.figure import draw_sizes
from experiments.larger_molecules.sizes import Settings, measure, processor_seconds, result_file
from experiments.larger_molecules.zinc import FILES, data_file
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.files import sha256
from mlmat.metrics import wilson_interval
from mlmat.training.config import TrainingConfig


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all capacities; quick: two, with a tenth of the work.
        out: folder for the results; what is finished there is not run again.
        capacities: most heavy atoms; default by preset.
        seed: of molecules, split, weights and starts.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/larger_molecules")
    capacities: tuple[int, ...] = ()
    seed: int = 0


def settings(config: Config) -> Settings:
    """Sizes of everything by preset."""
    if config.preset == "quick":
        training = TrainingConfig(members=2, epochs=3, batch=32, seed=config.seed)
        return Settings(
            300, training, features=16, layers=3, starts=32, designs=16, members=64, seed=config.seed
        )
    training = TrainingConfig(members=2, epochs=20, batch=64, learning_rate=3e-3, seed=config.seed)
    return Settings(
        2000, training, features=32, layers=4, starts=128, designs=64, members=512, seed=config.seed
    )


def main(config: Config) -> RunRecord:
    prepare_process()
    config.out.mkdir(parents=True, exist_ok=True)
    # The ends and the middle first, so that an interrupted run shows the whole range.
    capacities = config.capacities or ((10, 30, 20, 15, 25) if config.preset == "full" else (10, 20))
    finished = [n for n in capacities if result_file(n, config.out).exists()]
    chosen, results = settings(config), {}
    for capacity in sorted(capacities, key=lambda n: n not in finished):
        results[capacity] = measure(capacity, chosen, config.out, lambda text: print(text, flush=True))
        if len(results) >= len(finished):
            record = report(config, [results[n] for n in sorted(results)])
    return record


def metrics_of(results: Sequence[dict[str, Any]], designs: int) -> list[Metric]:
    """What the README shows, capacity by capacity."""
    found = []
    for result in results:
        capacity, runs = result["capacity"], result["runs"]
        whole = {"variant": f"up to {capacity} heavy atoms", "n_train": result["train"]}
        starts = sum(run["starts"] for run in runs)
        found += [
            Metric("starts that become valid molecules", _share(runs, "valid"), n_test=starts, **whole),
            Metric(
                "starts that become different molecules", _share(runs, "distinct"), n_test=starts, **whole
            ),
            Metric("gradient step of a start", 1e3 * _mean(runs, "step_seconds"), "ms", **whole),
            Metric("rounding and repair of a start", 1e3 * _mean(runs, "realise_seconds"), "ms", **whole),
            Metric("compilation", _mean(runs, "compile_seconds"), "s", **whole),
            Metric("memory of a start", _mean(runs, "bytes") / runs[0]["starts"] / 1024, "KiB", **whole),
            Metric("logP test error (MAE)", result["test_error"], "1", n_test=result["test"], **whole),
            Metric("spread of the training logP", result["spread"], "1", n_test=result["train"], **whole),
            Metric(
                "mean SA score, training", result["training_sa_score"], "1", n_test=result["train"], **whole
            ),
        ]
        if result["random_sa_score"] is not None:
            count = result["members"]
            found.append(
                Metric("mean SA score, random members", result["random_sa_score"], "1", n_test=count, **whole)
            )
        for run in runs:
            label = f"up to {capacity} heavy atoms, {run['percentile']}th percentile ({run['target']:.2f})"
            found.append(_hits("hit share", run["hits"], designs, label))
            if result["members"]:
                name = "hit share of random members nobody chose"
                found.append(_hits(name, run["base_hits"], result["members"], label))
            if run["error"] is not None:
                common = {"variant": label, "n_test": run["submitted"]}
                found.append(Metric("logP error on designs (MAE)", run["error"], "1", **common))
                found.append(Metric("mean SA score, designs", run["sa_score"], "1", **common))
    return found


def _share(runs: Sequence[dict], name: str) -> float:
    return sum(run[name] for run in runs) / sum(run["starts"] for run in runs)


def _mean(runs: Sequence[dict], name: str) -> float:
    return sum(run[name] for run in runs) / len(runs)


def _hits(name: str, hits: int, count: int, variant: str) -> Metric:
    low, high = wilson_interval(hits, count)
    return Metric(name, hits / count, std=(high - low) / (2 * 1.96), variant=variant, n_test=count)


def report(config: Config, results: Sequence[dict[str, Any]]) -> RunRecord:
    """Record and figure of what is there so far."""
    chosen = settings(config)
    record = RunRecord(
        system="inverse design of larger molecules",
        preset=config.preset,
        command=f"python -m experiments.larger_molecules.run --preset {config.preset}",
        config={"capacities": [r["capacity"] for r in results], **asdict(chosen)},
        seeds=[config.seed],
        data={Path(path).name: sha256(data_file(path)) for path in FILES},
        seconds={"run": round(sum(processor_seconds(result) for result in results), 1)},
        metrics=metrics_of(results, chosen.designs),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_sizes(results, chosen.designs, config.out / "sizes.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
