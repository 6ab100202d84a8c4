"""Hyperparameters of training; free of JAX, so that a command line can show them."""

from __future__ import annotations

from dataclasses import dataclass

from mlmat.errors import InputError

PRECISIONS = ("default", "float32", "tensorfloat32", "bfloat16")

OPTIMISERS = ("adamw", "muon")
"""AdamW for all weights, or Muon for matrices and AdamW with Nesterov's momentum for the rest."""


@dataclass(frozen=True)
class TrainingConfig:
    """How an ensemble is trained.

    Attributes:
        members: models in the ensemble; they differ in weights, dropout and augmentation.
        epochs: passes over the training set.
        batch: examples a step.
        learning_rate: peak of the schedule: linear warm-up, then cosine decay to 1 % of it.
        warmup: share of all steps spent warming up.
        optimiser: of `OPTIMISERS`. Muon makes the update of a matrix orthogonal, so that no direction of it
            is learnt much slower than another; its step is that of AdamW in size, so that rates compare.
        weight_decay: of the optimiser.
        clip: largest global gradient norm.
        ema: decay of the averaged weights that are validated and kept. It starts at 0.1
            and rises as (1 + t) / (10 + t), so that short runs forget their first weights.
        patience: stop after so many epochs without a better validation error; None: never.
        shards: parts each step's batch is split into, so that as many devices can share it.
            Part of the numbers of a run; the number of devices is not.
        precision: of matrix products, one of `PRECISIONS`; everything else stays float32.
            "tensorfloat32" (NVIDIA) and "bfloat16" help accelerators; a CPU ignores them.
        seed: of weights, batch order, dropout and augmentation.
    """

    members: int = 4
    epochs: int = 60
    batch: int = 64
    learning_rate: float = 1.5e-3
    warmup: float = 0.05
    optimiser: str = "adamw"
    weight_decay: float = 1e-3
    clip: float = 1.0
    ema: float = 0.998
    patience: int | None = None
    shards: int = 1
    precision: str = "default"
    seed: int = 0

    def __post_init__(self):
        for name in ("members", "epochs", "batch", "shards"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, not {getattr(self, name)}")
        if not 0 <= self.ema < 1 or not 0 <= self.warmup < 1:
            raise InputError("ema and warmup must be at least 0 and below 1")
        if self.batch % self.shards:
            raise InputError(f"batch ({self.batch}) must be a multiple of shards ({self.shards})")
        if self.optimiser not in OPTIMISERS:
            raise InputError(f"optimiser must be one of {', '.join(OPTIMISERS)}, not {self.optimiser!r}")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision must be one of {', '.join(PRECISIONS)}, not {self.precision!r}")


LOSSES = ("huber", "mse", "mae")
"""Kinds of loss: the square of small residuals and the size of large ones, the square, the size."""


@dataclass(frozen=True)
class LossConfig:
    """What a residual costs, and the weights of energies and their derivatives where forces are learnt.

    Residuals of a target are measured in its standard deviation. Those of a potential are measured in the
    root mean square of the training forces (taken as eV): energies for each atom, force components in
    eV/Å, and stress times the volume for each atom.

    Attributes:
        energy: of an energy per atom.
        forces: of a force component.
        stress: of a stress component; 0: stress is neither learnt nor computed.
        kind: of `LOSSES`.
        delta: residual from which "huber" grows linearly.
    """

    energy: float = 1.0
    forces: float = 1.0
    stress: float = 0.0
    kind: str = "huber"
    delta: float = 0.3

    def __post_init__(self):
        if self.kind not in LOSSES:
            raise InputError(f"loss must be one of {', '.join(LOSSES)}, not {self.kind!r}")
        if min(self.energy, self.forces, self.stress) < 0 or self.forces == 0 or not self.delta > 0:
            raise InputError("weights of the loss must not be negative, that of forces not 0, delta positive")
