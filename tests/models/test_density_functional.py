"""The functional of densities against NumPy, its derivative against known ones and differences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.models.density_functional import (
    SCALING,
    Densities,
    DensityFunctional,
    averaged,
    differences,
    functional_derivative,
    integral,
    local_features,
)

FEATURES = jax.jit(local_features, static_argnums=(1, 2))


def lump(shape, centre, width, spacing):
    """A Gaussian density with one particle."""
    axes = np.meshgrid(*(h * np.arange(n) for n, h in zip(shape, spacing, strict=True)), indexing="ij")
    squared = sum((x - c) ** 2 for x, c in zip(axes, centre, strict=True))
    return np.exp(-squared / (2 * width**2)) / (2 * np.pi * width**2) ** (len(shape) / 2)


def fresh(model, densities, seed=0):
    variables = jax.jit(model.init)(jax.random.key(seed), densities)
    return jax.tree.map(
        lambda leaf: leaf[0], model.fitted(jax.tree.map(lambda a: a[None], variables), densities)
    )


def line(count=60, spacing=0.1):
    values = np.stack([lump((count,), (c,), 0.4, (spacing,)) for c in (2.8, 3.0)])
    values[0] += 0.5 * lump((count,), (3.5,), 0.3, (spacing,))
    return Densities(jnp.asarray(values), jnp.array([spacing]))


def test_the_functional_is_that_of_the_paper_written_out():
    with jax.enable_x64(True):
        densities = line(40, 0.15)
        model = DensityFunctional(outputs=2, hidden=(5,), widths=(0.3,))
        variables = fresh(model, densities)
        found = np.asarray(jax.jit(model.apply)(variables, densities))
    n, h = np.asarray(densities.values)[0], 0.15
    layers = variables["params"]["MLP_0"]
    mean, spread = (np.asarray(variables[SCALING][k], float) for k in ("mean", "spread"))
    expected = np.zeros(2)
    for i in range(len(n)):
        left, right = (n[i - 1] if i else 0.0), (n[i + 1] if i + 1 < len(n) else 0.0)
        smooth = sum(
            n[j] * np.exp(-0.5 * ((i - j) * h / 0.3) ** 2) * h / (0.3 * np.sqrt(2 * np.pi))
            for j in range(len(n))
        )
        slope, bend = (right - left) / (2 * h), (right - 2 * n[i] + left) / h**2
        ratio = n[i] / (n[i] ** 2 + 1e-8)
        x = np.array([n[i], slope**2 / (n[i] ** 2 + 1e-8), bend * ratio, smooth * ratio])
        x = np.arcsinh((x - mean) / spread)
        for k in ("Dense_0", "Dense_1"):
            x = x @ np.asarray(layers[k]["kernel"], float) + np.asarray(layers[k]["bias"], float)
            x = np.tanh(x) if k == "Dense_0" else x
        expected += n[i] * x * h
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_features_of_a_gaussian_are_its_derivatives():
    h, w = 0.02, 0.3
    n = lump((150,), (1.5,), w, (h,))
    x = h * np.arange(150) - 1.5
    with jax.enable_x64(True):
        found = np.asarray(FEATURES(Densities(n[None], np.array([h])), (0.4,), False))[0]
    inside = np.abs(x) < 0.8
    found, x = found[inside], x[inside]
    np.testing.assert_allclose(found[:, 1], (x / w**2) ** 2, rtol=0.02, atol=0.01)
    np.testing.assert_allclose(found[:, 2], x**2 / w**4 - 1 / w**2, rtol=0.02, atol=0.1)
    # Convolving two Gaussians adds their variances.
    smooth = lump((150,), (1.5,), 0.5, (h,))[inside] / n[inside]
    np.testing.assert_allclose(found[:, 3], smooth, rtol=2e-3)


def test_it_keeps_shifts_exchanged_axes_and_adds_up():
    spacing = (0.25, 0.25)
    values = np.stack(
        [
            lump((24, 24), (2.0, 3.5), 0.3, spacing),
            lump((24, 24), (2.5, 3.0), 0.3, spacing),  # shifted by whole points
            lump((24, 24), (3.5, 2.0), 0.3, spacing),  # axes exchanged
        ]
    )
    densities = Densities(values, np.array(spacing))
    model = DensityFunctional(hidden=(8,), widths=(0.4,))
    variables = fresh(model, densities)
    found = np.asarray(jax.jit(model.apply)(variables, densities))[:, 0]
    np.testing.assert_allclose(found, found[0], rtol=1e-4)
    # Two lumps too far apart to see each other count twice; no density counts nothing.
    wide = Densities(np.stack([lump((60,), (c,), 0.3, (0.2,)) for c in (2.0, 10.0)]), np.array([0.2]))
    both = Densities(np.stack([wide.values.sum(axis=0), 0 * wide.values[0]]), wide.spacing)
    variables = fresh(model, wide)
    alone, together = (np.asarray(jax.jit(model.apply)(variables, d))[:, 0] for d in (wide, both))
    assert together[0] == pytest.approx(alone.sum(), rel=1e-4)
    assert together[1] == 0


def test_a_grid_that_repeats_knows_no_end():
    values = np.asarray(line().values)
    model = DensityFunctional(hidden=(8,), widths=(0.4,), periodic=True)
    densities = Densities(values, np.array([0.1]))
    variables = fresh(model, densities)
    rolled = densities._replace(values=np.roll(values, 29, axis=1))
    found = [np.asarray(jax.jit(model.apply)(variables, d)) for d in (densities, rolled)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    first, second = differences(jnp.asarray(values), jnp.array([0.1]), 1, True)
    assert float(jnp.abs(integral(first, jnp.array([0.1]))).max()) < 1e-5
    assert float(jnp.abs(integral(second, jnp.array([0.1]))).max()) < 1e-4
    same = averaged(jnp.ones((1, 50)), jnp.array([0.1]), 0.3, True)
    np.testing.assert_allclose(same, 1.0, atol=1e-4)


def test_derivatives_of_thomas_fermi_and_weizsaecker():
    h = 0.05
    n = 2 * lump((120,), (3.0,), 0.5, (h,)) + 0.05
    x = h * np.arange(120) - 3.0
    slope, curvature = -(n - 0.05) * x / 0.25, (n - 0.05) * (x**2 / 0.0625 - 4.0)
    with jax.enable_x64(True):
        densities = Densities(jnp.asarray(n[None]), jnp.array([h]))

        def thomas_fermi(d):
            return integral(np.pi**2 / 6 * d.values**3, d.spacing)

        def weizsaecker(d):
            return integral(differences(d.values, d.spacing, 1, False)[0] ** 2 / (8 * d.values), d.spacing)

        found = [
            np.asarray(jax.jit(partial(functional_derivative, f))(densities))[0]
            for f in (thomas_fermi, weizsaecker)
        ]
    np.testing.assert_allclose(found[0], np.pi**2 / 2 * n**2, rtol=1e-10)
    inside = slice(10, -10)  # the steps to zero at the ends are no smooth density
    expected = slope**2 / (8 * n**2) - curvature / (4 * n)
    np.testing.assert_allclose(found[1][inside], expected[inside], atol=0.03)


def test_the_derivative_of_the_network_is_that_of_differences():
    with jax.enable_x64(True):
        densities = line(30, 0.2)
        model = DensityFunctional(hidden=(6,), widths=(0.3,))
        variables = fresh(model, densities)

        def functional(d):
            return jax.jit(model.apply)(variables, d)[:, 0]

        found = np.asarray(jax.jit(partial(functional_derivative, functional))(densities))
        for point in (3, 14, 22):
            change = np.zeros(densities.values.shape)
            change[:, point] = 1e-8  # small beside the floor of the ratios, which the first point is below
            up, down = (functional(densities._replace(values=densities.values + s * change)) for s in (1, -1))
            np.testing.assert_allclose(found[:, point], (up - down) / (2e-8 * 0.2), rtol=1e-4, atol=1e-6)


def test_no_particles_are_refused():
    densities = Densities(np.zeros((1, 10)), np.array([0.1]))
    model = DensityFunctional(hidden=(4,))
    with pytest.raises(InputError, match="no particles"):
        fresh(model, densities)
