"""Options of `mlmat train`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Many = tyro.conf.UseAppendAction


@dataclass(frozen=True)
class TrainOptions:
    """Train a predictor on your own data, and see beside which baselines it stands.

    Takes a CSV with a SMILES column; an extxyz file or an ASE database; or a folder of
    structure files (CIF, POSCAR, xyz, SDF) with a CSV of ids. Duplicates never part between
    training and test. You get a predictor file, scores beside a mean, a nearest neighbour and
    kernel ridge, predictions for every test item, figures, and one HTML report.

    Examples: mlmat train dyes.csv --target "Absorption/nm" --unit nm | mlmat train frames.xyz
    --target energy --unit eV --split random | mlmat train --data mlearn_si --model equivariant |
    mlmat train more.csv --target gap --unit eV --init old.mlmat

    Args:
        file: CSV, extxyz, ASE database, or a folder.
        data: a set of mlmat data list instead of a file; energy, forces and stress are its targets.
        data_dir: folder to look in first for a set of --data.
        target: name of the property; give it again for several at once: energy, forces, stress.
        unit: its unit; one for all targets, or one for each.
        task: a number, or a class.
        smiles: column with SMILES; found out if left out.
        id: column with names of the rows.
        structures: folder that holds the structures named in the table.
        split: random, skeleton (families of molecules apart), group:LABEL, kfold or kfold:10,
            kfold:10:LABEL, leave-out:LABEL (each group tested on once). LABEL is a column, or of
            structures formula, system (their elements) or anion. published, for a set of --data
            with a test part. auto is that, or else random.
        fractions: train, validation and test part.
        model: auto, bond-mpnn or soft-mpnn (SMILES), schnet, dtnn, hdnnp, ani, equivariant,
            cgcnn, crystal or sgcnn (structures; cgcnn and the faster crystal are for crystals, sgcnn
            for slabs), amp (hdnnp with the defaults of AMP) or amp-image (one network for structures of
            one size and order). auto is bond-mpnn for SMILES, crystal for crystals without forces, and
            schnet for other structures.
        preset: how much work: quick, default (minutes on two cores), large (an accelerator).
        seed: of the split, the weights and the order.
        seeds: repeat everything with so many seeds and report the spread.
        init: predictor file to go on from (fine-tuning).
        freeze: parts of its network that stay as they are, by the start of their name; repeatable.
        extensive: whether targets grow with the number of atoms; found out by default.
        search: hyperparameter settings to try on the validation part (successive halving).
        members: models in the ensemble.
        epochs: passes over the data.
        batch: items a step.
        learning_rate: its peak.
        optimiser: adamw, or muon, which makes the step of every matrix orthogonal: it learns more in an
            epoch, and by heart sooner where items are few.
        features: width of the network.
        layers: its rounds of messages.
        cutoff: of neighbours in structures, Å; dtnn takes all pairs of atoms without it.
        neighbours: of each atom in cgcnn or crystal, the nearest; 12 or 16 without it.
        loss: "huber": squares of small residuals, sizes of large ones; "mse"; "mae", which serves the mean
            absolute error. Default: huber, and mse for amp.
        loss_weights: of energy per atom, forces and stress, where forces are learnt. Default: 1 1 1,
            and 1 0.04 0 for amp.
        patience: stop after so many epochs without improvement.
        baseline_rows: training rows that the kernel baselines see at most.
        out: folder for the results. Default: runs/train-<time>.
        resume: go on with an interrupted run in this folder; other options are taken from it.
    """

    file: tyro.conf.Positional[Path | None] = None
    data: str | None = None
    data_dir: Path | None = None
    target: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="NAME")] = ()
    unit: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="UNIT")] = ()
    task: Literal["regression", "classification"] = "regression"
    smiles: str | None = None
    id: str | None = None
    structures: Path | None = None
    split: str = "auto"
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    model: Literal[
        "auto",
        "bond-mpnn",
        "soft-mpnn",
        "schnet",
        "dtnn",
        "hdnnp",
        "ani",
        "equivariant",
        "cgcnn",
        "crystal",
        "sgcnn",
        "amp",
        "amp-image",
    ] = "auto"
    preset: Literal["quick", "default", "large"] = "default"
    seed: int = 0
    seeds: int = 1
    init: Path | None = None
    freeze: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="PART")] = ()
    extensive: Literal["auto", "yes", "no"] = "auto"
    search: int = 0
    members: int | None = None
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    optimiser: Literal["adamw", "muon"] | None = None
    features: int | None = None
    layers: int | None = None
    cutoff: float | None = None
    neighbours: int | None = None
    loss: Literal["huber", "mse", "mae"] | None = None
    loss_weights: tuple[float, float, float] | None = None
    patience: int | None = None
    baseline_rows: int = 4000
    out: Path | None = None
    resume: Path | None = None

    @property
    def source(self) -> str:
        """Name of the file or data set."""
        return self.data or self.file.name


OPTIONS = TrainOptions
