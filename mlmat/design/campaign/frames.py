"""Structures of a potential's campaign: labels on them, and the table of what the committee foresaw."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

from mlmat.design.campaign.loop import Round
from mlmat.files import atomic_write
from mlmat.metrics import mae
from mlmat.oracles.verdict import Verdict
from mlmat.predictor import Predictor, load_predictor, save_predictor
from mlmat.recipes.choice import Choice, choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig

PROPOSED = "proposed.extxyz"
COLUMNS = (
    "round", "structure", "temperature_K", "disagreement_eV_per_A", "energy_eV", "energy_error_meV_per_atom",
    "force_MAE_eV_per_A", "status", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Committee:
    """The networks that are trained in every round; see `mlmat.recipes.choice.choose`.

    Attributes:
        model: name of a network on structures that gives forces.
        members: at least two, whose disagreement chooses the structures.
        preset: how much work goes into a training.
        cutoff: Å; None: the model's own.
        epochs: of each training; None: what suits the number of structures.
    """

    model: str = "hdnnp"
    members: int = 2
    preset: str = "quick"
    cutoff: float | None = None
    epochs: int | None = None

    def choice(self, frames: Sequence[ase.Atoms], seed: int) -> Choice:
        """Model and settings for some labelled structures."""
        size = float(np.mean([len(one) for one in frames]))
        choice = choose(
            "structure", len(frames), size, model=self.model, preset=self.preset, seed=seed,
            members=self.members, epochs=self.epochs, cutoff=self.cutoff,
        )  # fmt: skip
        return replace(choice, loss=LossConfig(stress=1.0))


def labelled(atoms: ase.Atoms, values: dict[str, Any]) -> ase.Atoms:
    """A structure with energy (eV), forces (eV/Å) and perhaps stress (eV/Å³), and nothing else."""
    clean = ase.Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    values = {name: np.array(values[name]) for name in ("energy", "forces", "stress") if name in values}
    clean.calc = SinglePointCalculator(clean, **values | {"energy": float(values["energy"])})
    return clean


def task_of_frames(frames: Sequence[ase.Atoms]) -> Task:
    """The task that labelled structures are: their energy, forces and, where known, stress."""
    stress = [one.calc.results.get("stress", np.full(6, np.nan)) for one in frames]
    return Task(
        "structure",
        list(frames),
        np.array([[one.get_potential_energy()] for one in frames]),
        ("energy",),
        ("eV",),
        forces=[one.get_forces() for one in frames],
        stress=np.array(stress) if np.isfinite(stress).any() else None,
    )


def errors_on_frames(predictor: Predictor, frames: Sequence[ase.Atoms]) -> dict[str, float]:
    """``energy`` (meV/atom) and ``forces`` (eV/Å), mean absolute errors on labelled structures."""
    found = predict_mechanics(predictor, frames)
    sizes = np.array([len(one) for one in frames])
    energies = np.array([one.get_potential_energy() for one in frames])
    forces = np.concatenate([one.get_forces() for one in frames])
    return {
        "energy": 1e3 * mae(found.energies / sizes, energies / sizes),
        "forces": mae(np.concatenate(found.forces).ravel(), forces.ravel()),
    }


def write_frames(path: Path, frames: Sequence[ase.Atoms]) -> None:
    """Structures as extended XYZ, atomically."""
    with atomic_write(path, "w", encoding="utf-8") as stream:
        ase.io.write(stream, list(frames), format="extxyz")


def read_proposed(place: Path) -> list[ase.Atoms]:
    """What a round submitted; energies and forces in it are the committee's."""
    return ase.io.read(place / PROPOSED, ":", format="extxyz")


def labels_of(history: Sequence[Round]) -> list[ase.Atoms]:
    """All structures that the oracle has labelled in some rounds."""
    return [
        labelled(atoms, verdict.values)
        for one in history
        for atoms, verdict in zip(read_proposed(one.place), one.verdicts, strict=True)
        if verdict.ok
    ]


def foreseen(atoms: ase.Atoms, verdict: Verdict) -> tuple[float, float] | None:
    """Errors of the committee on a structure it asked about: energy (meV/atom) and mean force (eV/Å)."""
    if not verdict.ok or atoms.calc is None:
        return None
    energy = 1e3 * (atoms.get_potential_energy() - verdict.values["energy"]) / len(atoms)
    return energy, float(np.abs(atoms.get_forces() - np.array(verdict.values["forces"])).mean())


def write_table(history: Sequence[Round], path: Path) -> None:
    """Every structure of every round as a row, failures kept."""
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in history:
            rows = zip(one.proposal["structures"], read_proposed(one.place), one.verdicts, strict=True)
            for row, atoms, verdict in rows:
                errors = foreseen(atoms, verdict) or (None, None)
                values = (row["disagreement"], verdict.values.get("energy"), *errors)
                cells = ["" if value is None else f"{value:.6g}" for value in values]
                kelvin = "" if row["temperature"] is None else f"{row['temperature']:g}"
                name = row["name"]
                writer.writerow([one.number, name, kelvin, *cells, verdict.status, f"{verdict.seconds:.3f}"])


def trained_committee(
    path: Path,
    frames: Sequence[ase.Atoms],
    committee: Committee,
    seed: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Predictor:
    """The committee trained on labelled structures; loaded if its file is there.

    Args:
        path: of the predictor; ``training.state`` lies beside it while it trains.
        frames: every eighth, drawn at random, chooses the epoch instead of being fitted.
        committee: networks.
        seed: of the draw and of the training.
        report: called with epochs done and planned.
    """
    if path.exists():
        return load_predictor(path)
    order = np.random.default_rng(seed).permutation(len(frames))
    cut = max(1, len(frames) // 8)
    choice = committee.choice(frames, seed)
    checkpoint = path.with_name("training.state")
    trained = fit_task(
        task_of_frames(frames),
        order[cut:],
        order[:cut],
        choice,
        extensive=True,
        checkpoint=checkpoint,
        report=lambda row: report(int(row["epoch"]), choice.training.epochs),
    )
    save_predictor(trained.predictor, path, {"campaign": {"labels": len(frames)}})
    checkpoint.unlink(missing_ok=True)
    return trained.predictor
