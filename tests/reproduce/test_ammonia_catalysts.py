"""Alloys for a wanted adsorption energy: names and genes, searchers that stay inside, verdicts, intervals."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.ammonia_catalysts import cells as cells_module
from experiments.ammonia_catalysts.cells import SEARCHERS, Cell, run_cell, wanted
from experiments.ammonia_catalysts.predictor import PROPERTY, AlloyEncoder, predict
from experiments.ammonia_catalysts.space import alloy_space, breed, design_problem, nearest
from experiments.ammonia_catalysts.summary import Quality, metrics
from mlmat.data.alloy_sites import AlloyRows, all_sites
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.searchers.gradient import GradientConfig
from mlmat.models.alloy_sites import AlloySiteNetwork, AlloySites
from mlmat.predictor import Predictor

SITES = all_sites()
ENCODER = AlloyEncoder(("Ag", "Cu", "Ni", "Pd", "Pt"), ("H", "N"), SITES)
PURE = [i for i, site in enumerate(SITES) if site.prototype == "fcc"]


def some_rows(count=160, seed=0):
    generator = np.random.default_rng(seed)
    genes = set()
    while len(genes) < count:
        a, b, site = (int(generator.integers(n)) for n in (5, 5, len(SITES)))
        if site in PURE or a == b:
            b, site = a, PURE[site % len(PURE)]
        genes.add((a, b, site))
    a, b, site = np.array(sorted(genes)).T
    adsorbate = np.ones(count, int)
    adsorbate[:4] = 0
    return AlloyRows(a, b, site, adsorbate, generator.normal(size=count), a.astype(str), np.arange(count))


@pytest.fixture(scope="module")
def space():
    return alloy_space(ENCODER, some_rows(), "N")


@pytest.fixture(scope="module")
def predictor():
    network = AlloySiteNetwork(ENCODER.symbols, SITES, features=3, hidden=(4,))
    zero = np.zeros((), int)
    shapes = jax.eval_shape(network.init, jax.random.key(0), ENCODER.batch(zero, zero, zero, zero))
    generator = np.random.default_rng(0)
    variables = jax.tree.map(lambda x: jnp.asarray(generator.normal(size=(2, *x.shape)), x.dtype), shapes)
    one = jnp.ones(1)
    return Predictor(variables, 0 * one, one, network, ENCODER, (PROPERTY,), ("eV",))


def test_members_have_names_and_only_their_adsorbate(space):
    rows = some_rows()
    assert len(space.names) == (rows.adsorbate == 1).sum()
    assert list(space.names) == sorted(space.names)
    for name, (a, b, site) in zip(space.names, space.genes, strict=True):
        formula, label = name.split()
        first, second, kind = ENCODER.symbols[a], ENCODER.symbols[b], SITES[site]
        assert label == kind.label
        assert formula == {"fcc": first, "L1_2": first + "3" + second, "L1_0": first + second}[kind.prototype]


def test_rows_of_one_name_have_their_mean():
    rows = some_rows(20)
    twice = AlloyRows(*(np.concatenate([column, column]) for column in rows))
    twice = twice._replace(energy=np.concatenate([rows.energy, rows.energy + 2.0]))
    one, two = alloy_space(ENCODER, rows, "N"), alloy_space(ENCODER, twice, "N")
    assert one.names == two.names
    np.testing.assert_allclose(two.energies, one.energies + 1.0)


def test_a_corner_is_its_own_nearest_member(space):
    for place in (0, 50, 120):
        name, genes = space.names[place], space.genes[place]
        corner = AlloySites(*map(np.asarray, ENCODER.batch(*genes, 1)))
        assert nearest(space, corner, lambda _: False).name == name
        second = nearest(space, corner, lambda other, name=name: other == name).name
        assert (space.genes[space.places[second]] == genes).sum() >= 1
    assert nearest(space, corner, lambda _: True) == "nothing new is left"


def test_children_are_new_members(space):
    parents = [tuple(genes) for genes in space.genes[::8].tolist()]
    lost = Counter()
    seen = set(space.names[::3])
    found = breed(space, np.random.default_rng(0), parents, 20, seen, lost, None, GeneticConfig())
    assert len(set(found)) == len(found) == 20
    assert set(found) <= set(space.names) - seen
    assert lost["found before"]


def test_predictions_of_many_are_those_of_one(predictor, space):
    genes = space.genes[:7]
    mean, std = predict(predictor, *genes.T, np.ones(7, int))
    assert mean.shape == std.shape == (7, 1)
    for k in (0, 6):
        alone = predict(predictor, *genes[k : k + 1].T, np.ones(1, int))
        np.testing.assert_allclose([mean[k], std[k]], np.concatenate(alone), rtol=1e-5)
    assert predict(predictor, *np.zeros((4, 0), int))[0].shape == (0, 1)


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_searchers_stay_in_the_space_and_within_their_budget(
    searcher, space, predictor, tmp_path, monkeypatch
):
    short = GradientConfig(steps=2, chunk=1, learning_rate=0.5, harvest=0.0, climb="ensemble", parallel=4)
    monkeypatch.setattr(cells_module, "gradient_config", lambda budget: short)
    cell = Cell(0.3, 80, searcher, 1, 8)
    path = tmp_path / "cells" / "one.json"
    result = run_cell(space, predictor, cell, path)
    assert result.spent <= 80
    names = [row[0] for row in result.designs]
    assert len(set(names)) == 8
    truth = [space.energies[space.places[name]] for name in names]
    np.testing.assert_allclose([row[3] for row in result.designs], truth)
    assert result.hits == (np.abs(np.array(truth) - 0.3) <= 0.2).sum()
    genes = space.genes[[space.places[name] for name in names]]
    mean = predict(predictor, *genes.T, np.ones(8, int))[0][:, 0]
    np.testing.assert_allclose([row[1] for row in result.designs], mean, atol=1e-5)
    monkeypatch.setattr(cells_module, "search", None)
    assert run_cell(space, predictor, cell, path) == result


def test_screening_the_whole_space_finds_the_best_there_is(space, predictor, tmp_path):
    found = run_cell(space, predictor, Cell(0.0, 0, "brute force", 0, 8), tmp_path / "cells" / "all.json")
    assert found.spent == len(space.names)
    objective = wanted(predictor)
    mean, std = predict(predictor, *space.genes.T, np.ones(len(space.names), int))
    merit = np.sort(objective.merit((PROPERTY,), mean, std, []))
    # Members of one alloy share their places, so that the best alone would be a little better.
    assert merit[:8].mean() <= found.merit + 1e-6
    assert found.merit <= np.median(merit)


def test_mixtures_keep_to_elements_and_sites_that_there_are(space, predictor):
    rows = some_rows()
    fewer = alloy_space(ENCODER, rows.part((rows.a != 0) & (rows.b != 0)), "N")
    problem = design_problem(fewer, wanted(predictor))
    key = jax.random.key(0)
    material = problem.decode(problem.init(key), 2.0, key)
    for part in material:
        assert float(part.sum()) == pytest.approx(1, abs=1e-5)
    assert float(material.a[0]) == float(material.b[0]) == 0
    assert material.adsorbate.tolist() == [0, 1]
    verdicts = dict(problem.verify([fewer.names[3], "Ag3Cu top|A"]))
    assert verdicts[0].values[PROPERTY] == fewer.energies[3]
    assert verdicts[1].status == "not in the table"


def test_shares_have_wilson_intervals_beside_random_choice():
    quality = Quality(10, 20, 5, 0.2, 0.3, 1.0, 1.1, 4, [0.0, 0.1, 1.0, 2.0])
    cell = Cell(0.0, 100, "genetic", 0, 20)
    result = cells_module.Result(10, 0.1, 0.05, 100, 1.0, [])
    found = {(m.name, m.variant): m for m in metrics({cell: result}, {0: quality})}
    assert found["hit share", "random choice, +0.0 eV"].value == 0.5
    share = found["hit share", "genetic with 100 evaluations, +0.0 eV"]
    assert share.value == 0.5
    assert share.std == pytest.approx((0.7007 - 0.2993) / 2 / 1.96, abs=1e-3)
    assert found["adsorption energy MAE", "nitrogen, network"].value == 0.3
