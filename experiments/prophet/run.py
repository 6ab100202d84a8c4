"""Property from density: the kinetic energy of fermions in one dimension, learnt as a functional.

    python -m experiments.prophet.run --preset quick --out runs/prophet

A network integrated over the grid (`mlmat.models.density_functional`) learns T_s[n] from densities of
one to three fermions, all at once, beside Thomas-Fermi, Weizsäcker, their best mixture, and kernel
ridge regression on whole densities as in Snyder et al. (2012): once from energies alone, and once
with the functional derivative, which must be μ − v(x). Tested on new wells, and on four fermions,
which none of them has seen.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from experiments.prophet.fermions import Fermions, solve, thomas_fermi, weizsaecker, wells
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.learners.kernel_grid import search_grid
from mlmat.learners.kernel_ridge import fit as fit_ridge
from mlmat.learners.kernel_ridge import predict as predict_ridge
from mlmat.learners.kernels import kernel
from mlmat.metrics import mae
from mlmat.models.density_functional import Densities, DensityFunctional, functional_derivative
from mlmat.training.arrays import array_source
from mlmat.training.config import TrainingConfig
from mlmat.training.functional import FunctionalRegression
from mlmat.training.loop import fit, initial_variables
from mlmat.training.losses import Regression
from mlmat.units import HARTREE, KCAL_PER_MOL

KCAL = HARTREE / KCAL_PER_MOL
SEEN, UNSEEN = (1, 2, 3), 4
WIDTHS = np.geomspace(0.1, 30.0, 9)
REGULARISATIONS = 10.0 ** np.arange(-13, -3)


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: quick: 20 densities of each number of particles; full: 100.
        out: folder for the results.
        seed: of potentials and weights.
        points: of the grid.
        members: of the ensemble of networks.
        epochs: default by preset.
        test: densities of each number of particles.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/prophet")
    seed: int = 0
    points: int = 160
    members: int = 2
    epochs: int | None = None
    test: int = 200


class Part(NamedTuple):
    """Densities with their kinetic energies, of several numbers of particles.

    Attributes:
        density: ``[N, G]``.
        kinetic: ``[N]`` hartree.
        potential: ``[N, G]``.
        particles: ``[N]``.
    """

    density: np.ndarray
    kinetic: np.ndarray
    potential: np.ndarray
    particles: np.ndarray

    def of(self, particles: int) -> Part:
        """Those of so many particles."""
        return Part(*(column[self.particles == particles] for column in self))


def draw(count: int, particles: tuple[int, ...], points: int, seed: int) -> Part:
    """Random wells, other ones for each number of particles."""
    found: list[Fermions] = [solve(wells(count, points, 1000 * seed + n), n) for n in particles]
    names = ("density", "kinetic", "potential")
    columns = [np.concatenate([getattr(one, name) for one in found]) for name in names]
    return Part(*columns, np.repeat(particles, count))


def local(density: np.ndarray) -> np.ndarray:
    """Thomas-Fermi and Weizsäcker energies ``[N, 2]``."""
    return np.stack([thomas_fermi(density), weizsaecker(density)], axis=1)


def train(part: Part, check: Part, base: np.ndarray, config: Config, epochs: int, derivative: bool):
    """The network as a functional ``densities → [N]`` of what the mixture of local functionals leaves."""
    spacing = jnp.array([1.0 / (config.points + 1)])
    assemble = partial(Densities, spacing=spacing)
    model = DensityFunctional(hidden=(32, 32), widths=(0.03, 0.06, 0.12))
    rest, left = (one.kinetic - local(one.density) @ base for one in (part, check))
    targets = [rest[:, None], left[:, None]]
    mean, scale = jnp.array([rest.mean()]), jnp.array([rest.std()])
    objective = Regression(mean, scale, model, ("T",), "mse")
    if derivative:
        slopes = [-one.potential - slope_of_mixture(one.density, base) for one in (part, check)]
        targets = [np.concatenate(pair, axis=1) for pair in zip(targets, slopes, strict=True)]
        objective = FunctionalRegression(
            mean, scale, jnp.array(weighted_spread(slopes[0], part).mean()), model
        )
    training = TrainingConfig(
        members=config.members, epochs=epochs, batch=10, learning_rate=5e-3,
        weight_decay=0.0, ema=0.99, seed=config.seed,
    )  # fmt: skip
    whole = assemble(jnp.asarray(part.density, jnp.float32))
    start = initial_variables(model, assemble(whole.values[:1]), training)
    arrays = [one.density.astype(np.float32) for one in (part, check)]
    fitted = fit(
        objective,
        array_source(arrays[0], targets[0], training.batch, config.seed, assemble),
        array_source(arrays[1], targets[1], 100, None, assemble),
        training,
        model.fitted(start, whole),
    )

    def functional(densities: Densities) -> jax.Array:
        found = jax.vmap(lambda one: model.apply(one, densities)[:, 0])(fitted.variables)
        return found.mean(axis=0) * scale[0] + mean[0]

    return functional


def mixed(base: np.ndarray, densities: Densities) -> jax.Array:
    """The mixture of the local functionals."""
    n = densities.values
    return base[0] * thomas_fermi(n) + base[1] * weizsaecker(n)


def slope_of_mixture(density: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Functional derivative of the mixture ``[N, G]``."""
    with jax.enable_x64(True):
        densities = Densities(jnp.asarray(density), jnp.array([1.0 / (density.shape[1] + 1)]))
        return np.asarray(jax.jit(partial(functional_derivative, partial(mixed, base)))(densities))


def weighted_spread(function: np.ndarray, part: Part) -> np.ndarray:
    """Standard deviation ``[N]`` of functions ``[N, G]`` where the particles are."""
    weights = part.density / part.density.sum(axis=1, keepdims=True)
    mean = (weights * function).sum(axis=1, keepdims=True)
    return np.sqrt((weights * (function - mean) ** 2).sum(axis=1))


def ridge(part: Part, check: Part, base: np.ndarray):
    """Kernel ridge regression on densities, distances being those of functions; σ and λ by validation."""
    step = np.sqrt(1.0 / (part.density.shape[1] + 1))
    rest, left = (one.kinetic - local(one.density) @ base for one in (part, check))
    (best,), _ = search_grid(
        part.density * step, rest[:, None], check.density * step, left[:, None],
        profile="gaussian", metric="l2", widths=WIDTHS, regularisations=REGULARISATIONS,
    )  # fmt: skip
    chosen = kernel("gaussian", "l2", best.width)
    state = fit_ridge(part.density * step, rest, kernel=chosen, regularisation=best.regularisation)

    def functional(densities: Densities) -> jax.Array:
        return predict_ridge(state, densities.values * step, kernel=chosen)

    return functional


def derivative_error(functional, part: Part, base: np.ndarray) -> float:
    """Spread of δT/δn + v over that of v, both weighted with n: 0 if δT/δn is μ − v, as it must be."""
    densities = Densities(jnp.asarray(part.density), jnp.array([1.0 / (part.density.shape[1] + 1)]))
    slope = jax.jit(partial(functional_derivative, lambda d: mixed(base, d) + functional(d)))(densities)
    wrong = weighted_spread(np.asarray(slope) + part.potential, part)
    return float(wrong.mean() / weighted_spread(part.potential, part).mean())


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    config.out.mkdir(parents=True, exist_ok=True)
    count, epochs = (100, 2000) if full else (20, 150)
    epochs = config.epochs or epochs
    part = draw(count, SEEN, config.points, 3 * config.seed)
    check = draw(max(5, count // 4), SEEN, config.points, 3 * config.seed + 1)
    test = draw(config.test, (*SEEN, UNSEEN), config.points, 3 * config.seed + 2)
    mixture = np.linalg.lstsq(local(part.density), part.kinetic, rcond=None)[0]
    nothing = np.zeros(2)

    def zero(densities: Densities) -> jax.Array:
        return jnp.zeros(len(densities.values), densities.values.dtype)

    methods = {
        "Thomas-Fermi": (zero, np.array([1.0, 0.0])),
        "Weizsäcker": (zero, np.array([0.0, 1.0])),
        "their best mixture": (zero, mixture),
        "network": (train(part, check, mixture, config, epochs, False), mixture),
        "network with derivative": (train(part, check, mixture, config, epochs, True), mixture),
    }
    with jax.enable_x64(True):
        methods["kernel ridge"] = (ridge(part, check, mixture), mixture)
        methods |= {
            f"kernel ridge of N={n}": (ridge(part.of(n), check.of(n), nothing), nothing) for n in SEEN
        }
    metrics = []
    for name, (functional, base) in methods.items():
        own, _, only = name.partition(" of N=")
        for n in (*SEEN, UNSEEN):
            if only and int(only) != n:
                continue
            some = test.of(n)
            with jax.enable_x64(name.startswith("kernel")):
                h = jnp.array([1.0 / (config.points + 1)])
                found = np.asarray(functional(Densities(jnp.asarray(some.density), h)), float)
                slope = derivative_error(functional, some, base)
            errors = found + local(some.density) @ base
            fields = {
                "variant": f"{own} of that N alone, N = {n}" if only else f"{own}, N = {n}",
                "n_test": len(some.kinetic),
                "n_train": count if only else count * len(SEEN),
            }
            error = KCAL * mae(errors, some.kinetic)
            metrics.append(Metric("kinetic energy MAE", error, "kcal/mol", **fields))
            metrics.append(Metric("error of the functional derivative", slope, **fields))
    record = RunRecord(
        system="PROPhet: kinetic energy from the density",
        preset=config.preset,
        command=f"python -m experiments.prophet.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data={},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    for one in metrics:
        print(f"{one.variant:<36} {one.name:<36} {one.value:.4g} {one.unit}", flush=True)
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
