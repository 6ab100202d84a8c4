"""A copper-gold nanoparticle under molecular dynamics, by a network that learnt effective-medium theory.

    python -m experiments.nanoparticle_md.run --preset quick --out runs/nanoparticle_md

Particles of random composition are heated with EMT; their energies and forces train a small
ensemble of high-dimensional neural networks. It is judged on the trajectories of particles with
another order of the atoms, by its own dynamics beside EMT's (distances of pairs, energy, drift at
constant energy), and by whether the members' disagreement tells where it errs.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import ase
import numpy as np
import tyro
from ase.cluster import Icosahedron

from mlmat.analysis.figure import HIT, MISS, NEUTRAL, new_figure, save, tidy
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.metrics import mae, rmse
from mlmat.potentials import Potential, emt, fitting, from_predictor
from mlmat.potentials.committee import force_disagreement
from mlmat.predictor import load_predictor, save_predictor
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.recipes.task import Task
from mlmat.simulate.advance import advance
from mlmat.simulate.ensembles import NVE, Langevin
from mlmat.simulate.relax import relax
from mlmat.simulate.run import frame
from mlmat.simulate.state import start

ELEMENTS = ("Cu", "Au")
TIME_STEP = 2.0
"""fs."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: quick: 55 atoms, minutes; full: 147 atoms.
        out: folder for the results; a finished training is not run again.
        seed: of the order of atoms, velocities, weights.
        model: name of a network on structures, of `mlmat.recipes.choice.KINDS`.
        epochs: default by preset.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/nanoparticle_md")
    seed: int = 0
    model: str = "hdnnp"
    epochs: int | None = None


def particle(shells: int, seed: int) -> ase.Atoms:
    """Icosahedral particle, half gold at random sites, relaxed by EMT."""
    atoms = Icosahedron("Cu", shells, latticeconstant=3.75)
    atoms = ase.Atoms(atoms.get_chemical_symbols(), atoms.positions)
    gold = np.random.default_rng(seed).permutation(len(atoms))[: len(atoms) // 2]
    atoms.symbols[gold] = "Au"
    return relax(emt(ELEMENTS), [atoms], force=0.01)[0].atoms


def trajectory(
    potential: Potential, atoms: ase.Atoms, ensemble, frames: int, interval: int, kelvin: float, seed: int
) -> tuple[list[ase.Atoms], np.ndarray]:
    """Frames of a run with energy and forces, and the columns potential, kinetic and conserved (eV)."""
    potential = fitting(potential, [potential.encoder(atoms)])
    system, grid, state = start(potential, atoms, kelvin, seed)
    state = ensemble(potential, system, grid).init(state)
    found, rows = [], []
    for _ in range(frames):
        grid, potential, state, info = advance(ensemble, grid, potential, system, state, interval)
        found.append(frame(atoms, state))
        rows.append([float(info.potential), float(info.kinetic), float(info.conserved)])
    return found, np.array(rows)


def distances(frames: list[ase.Atoms], edges: np.ndarray) -> np.ndarray:
    """Pairs of atoms by distance, per atom and Å."""
    found = [np.histogram(one.get_all_distances()[np.triu_indices(len(one), 1)], edges)[0] for one in frames]
    return 2 * np.mean(found, axis=0) / len(frames[0]) / np.diff(edges)


def labelled(frames: list[ase.Atoms]) -> tuple[list[ase.Atoms], np.ndarray, list[np.ndarray]]:
    energies = np.array([[one.get_potential_energy()] for one in frames])
    return frames, energies, [one.get_forces() for one in frames]


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    config.out.mkdir(parents=True, exist_ok=True)
    shells, per_run = (4, 120) if full else (3, 40)
    temperatures = (300.0, 600.0, 900.0, 1200.0)
    reference = emt(ELEMENTS)

    def runs(seed: int, frames: int) -> list[ase.Atoms]:
        found = []
        for number, kelvin in enumerate(temperatures):
            ensemble = Langevin(TIME_STEP, kelvin, friction=5.0)
            start_at = particle(shells, seed + number)
            found += trajectory(reference, start_at, ensemble, frames, 25, kelvin, seed)[0]
        return found

    known, unseen = runs(config.seed, per_run), runs(config.seed + 100, per_run // 4)
    items, energies, forces = labelled(known)
    task = Task("structure", items, energies, ("energy",), ("eV",), forces=forces)
    order = np.random.default_rng(config.seed).permutation(len(items))
    cut = len(items) // 10
    seconds = {}
    file = config.out / f"{config.preset}-{config.model}.mlmat"
    if not file.exists():
        choice = choose(
            "structure", len(items) - cut, float(len(items[0])), model=config.model, preset="quick",
            seed=config.seed, members=2, epochs=config.epochs or (150 if full else 60), batch=4,
            cutoff=5.0, report=print,
        )  # fmt: skip

        def report(row: dict[str, float]) -> None:
            if row["epoch"] % 5 == 0:
                print(f"epoch {row['epoch']} score {row['score']:.5f} {row['seconds']:.1f} s", flush=True)

        trained = fit_task(
            task, order[cut:], order[:cut], choice, extensive=True,
            checkpoint=config.out / f"{config.preset}.state",
            log=config.out / f"{config.preset}.log.jsonl", report=report,
        )  # fmt: skip
        save_predictor(trained.predictor, file)
        seconds["training"] = round(trained.seconds["train"], 1)
    predictor = load_predictor(file)
    learned = from_predictor(predictor)
    metrics = [*_errors(predictor, unseen, config), *_disagreement(learned, predictor, unseen)]
    metrics += _dynamics(reference, learned, shells, full, config)
    record = RunRecord(
        system="copper-gold nanoparticle under dynamics",
        preset=config.preset,
        command=f"python -m experiments.nanoparticle_md.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data={},
        seconds={"run": round(time.perf_counter() - began, 1), **seconds},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


def _errors(predictor, unseen: list[ase.Atoms], config: Config) -> list[Metric]:
    """Errors on particles with another order of atoms, at each temperature's share and in all."""
    found = predict_mechanics(predictor, unseen)
    n = len(unseen[0])
    _, energies, forces = labelled(unseen)
    predicted, observed = np.concatenate(found.forces), np.concatenate(forces)
    common = {"split": "particles with another order", "variant": config.model, "n_test": len(unseen)}
    return [
        Metric("energy MAE", 1e3 * mae(found.energies, energies[:, 0]) / n, "meV/atom", **common),
        Metric("force MAE", mae(predicted.ravel(), observed.ravel()), "eV/Å", **common),
        Metric("force RMSE", rmse(predicted.ravel(), observed.ravel()), "eV/Å", **common),
        Metric("force MAE", float(np.abs(observed).mean()), "eV/Å", **{**common, "variant": "no force"}),
    ]


def _disagreement(learned: Potential, predictor, unseen: list[ase.Atoms]) -> list[Metric]:
    """Rank correlation of the members' disagreement with the largest error of a force."""
    spread = force_disagreement(learned, unseen)
    forces = predict_mechanics(predictor, unseen).forces
    errors = [
        np.linalg.norm(f - one.get_forces(), axis=1).max() for f, one in zip(forces, unseen, strict=True)
    ]
    ranks = [np.argsort(np.argsort(values)) for values in (spread, errors)]
    value = float(np.corrcoef(*ranks)[0, 1])
    return [Metric("rank correlation of disagreement and error", value, "1", n_test=len(unseen))]


def _dynamics(
    reference: Potential, learned: Potential, shells: int, full: bool, config: Config
) -> list[Metric]:
    """Dynamics of one particle by both potentials, from the same start."""
    atoms, kelvin = particle(shells, config.seed + 200), 600.0
    edges = np.linspace(2.0, 12.0, 121)
    frames = 400 if full else 120
    curves, metrics = {}, []
    for name, potential in (("EMT", reference), (config.model, learned)):
        ensemble = Langevin(TIME_STEP, kelvin, friction=5.0)
        found, rows = trajectory(potential, atoms, ensemble, frames, 25, kelvin, config.seed)
        later = found[frames // 5 :]
        curves[name] = distances(later, edges)
        # Energies of the frames by EMT, whoever made them: both samples on one scale.
        energies = [_energy(reference, one) for one in later]
        common = {"variant": name, "n_test": len(later)}
        mean = np.mean(energies) / len(atoms)
        metrics.append(Metric("mean EMT energy at 600 K", 1e3 * mean, "meV/atom", **common))
        _, rows = trajectory(potential, atoms, NVE(TIME_STEP), frames, 25, kelvin, config.seed)
        span = frames * 25 * TIME_STEP * 1e-3
        slope = np.polyfit(np.linspace(0, span, frames), 1e3 * rows[:, 2] / len(atoms), 1)[0]
        metrics.append(Metric("energy drift", slope, "meV/atom/ps", **common))
    a, b = curves.values()
    width = edges[1] - edges[0]
    share = float(0.5 * np.abs(a - b).sum() * width / (a.sum() * width))
    metrics.append(Metric("pairs at another distance", share, "", variant=f"{config.model}, of EMT's"))
    middle = 0.5 * (edges[1:] + edges[:-1])
    figure = new_figure(6.4, 3.8)
    axes = figure.subplots()
    for (name, curve), colour in zip(curves.items(), (NEUTRAL, HIT), strict=True):
        axes.plot(middle, curve, color=colour, lw=1.4, label=name)
    axes.plot(middle, curves[config.model] - curves["EMT"], color=MISS, lw=0.9, label="difference")
    axes.set(xlabel="distance (Å)", ylabel="pairs per atom and Å", xlim=(2, 12))
    axes.legend(frameon=False, fontsize=9)
    tidy(axes, "Cu–Au particle at 600 K")
    save(figure, config.out / f"{config.preset}.png")
    return metrics


def _energy(reference: Potential, atoms: ase.Atoms) -> float:
    from mlmat.potentials import MlmatCalculator

    copy = ase.Atoms(atoms.numbers, atoms.positions)
    copy.calc = MlmatCalculator(reference, double=False)
    return copy.get_potential_energy()


if __name__ == "__main__":
    main(tyro.cli(Config))
