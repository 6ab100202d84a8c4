"""Silicon: lattice, elasticity and the vacancy, by Stillinger-Weber and by trained potentials.

    python -m experiments.silicon_vacancy.run --preset quick --out runs/silicon_vacancy
    python -m experiments.silicon_vacancy.run --preset full --predictors si.mlmat --out runs/silicon_vacancy

For each potential: spacing of the relaxed crystal, elastic constants (atoms follow the strain),
formation energy of a vacancy in place and relaxed, by size of the cell, and the vacancy's
barrier-free stability in dynamics: whether its cell, heated to 300 K, cools back to the same energy.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import tyro
from ase.build import bulk

from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.potentials import Potential, load_potential, stillinger_weber
from mlmat.potentials.learned import fitting
from mlmat.simulate.advance import advance
from mlmat.simulate.crystal import elastic_constants, vacancy_formation
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.relax import relax
from mlmat.simulate.run import frame
from mlmat.simulate.state import start


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: quick: cells of 8 and 64 atoms; full: 64 and 216.
        out: folder for the results.
        predictors: predictor files of potentials that know silicon.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/silicon_vacancy")
    predictors: tuple[Path, ...] = ()


def study(name: str, potential: Potential, sizes: tuple[int, ...]) -> list[Metric]:
    """Everything about one potential."""
    common = {"variant": name}
    (primitive,) = relax(potential, [bulk("Si", a=5.43)], cell=True, force=1e-4, stress=1e-3)
    spacing = (4.0 * primitive.atoms.get_volume()) ** (1 / 3)
    constants = elastic_constants(potential, primitive.atoms)
    metrics = [
        Metric("lattice constant", spacing, "Å", **common),
        Metric("energy", primitive.energy / 2, "eV/atom", **common),
        *(
            Metric(label, constants[i, j], "GPa", **common)
            for label, i, j in (("C11", 0, 0), ("C12", 0, 1), ("C44", 3, 3))
        ),
    ]
    for repeat in sizes:
        crystal = bulk("Si", cubic=True, a=spacing) * repeat
        found = vacancy_formation(potential, crystal, force=5e-3, steps=1500)
        place = {**common, "n_test": len(crystal)}
        metrics.append(Metric("vacancy, atoms in place", found.unrelaxed, "eV", **place))
        metrics.append(Metric("vacancy, relaxed", found.relaxed, "eV", **place))
    hot = found.structure.atoms
    potential = fitting(potential, [potential.encoder(hot)])
    system, grid, state = start(potential, hot, 300.0)
    ensemble = Langevin(1.0, 300.0, friction=5.0)
    state = ensemble(potential, system, grid).init(state)
    state = advance(ensemble, grid, potential, system, state, 1000).state
    (again,) = relax(potential, [frame(hot, state)], force=5e-3, steps=1500)
    change = again.energy - found.structure.energy
    metrics.append(Metric("vacancy after 1 ps at 300 K", found.relaxed + change, "eV", **place))
    return metrics


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    sizes = (2, 3) if config.preset == "full" else (1, 2)
    potentials = {"Stillinger-Weber": stillinger_weber()}
    potentials |= {path.stem: load_potential(path) for path in config.predictors}
    metrics = []
    for name, potential in potentials.items():
        for metric in study(name, potential, sizes):
            print(f"{name:20} {metric.name:28} {metric.value:.4f} {metric.unit}", flush=True)
            metrics.append(metric)
    names = " ".join(path.name for path in config.predictors)
    record = RunRecord(
        system="silicon: lattice, elasticity, vacancy",
        preset=config.preset,
        command=f"python -m experiments.silicon_vacancy.run --preset {config.preset}"
        + (f" --predictors {names}" if names else ""),
        config={**{k: v for k, v in asdict(config).items() if k != "out"}, "predictors": names},
        seeds=[0],
        data={},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
