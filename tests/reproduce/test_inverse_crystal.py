"""The experiment on crystals: nothing learnt is designed, cells are looked up and stored, shares add up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.inverse_crystal.cells import Cell, Result, make_arena, read_cells, run_cell
from experiments.inverse_crystal.predictors import lattice_of
from experiments.inverse_crystal.run import ARMS, Config, cells, targets
from experiments.inverse_crystal.summary import cell_metrics, draw_budgets
from experiments.inverse_crystal.tables import TABLES, Table, halves
from mlmat.design.crystals.climb import climbable
from mlmat.errors import DataError
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.site_network import SiteNetwork
from mlmat.predictor import Predictor

CATIONS = ("Na", "K", "Mg", "Ca", "Sr", "Ba", "Al", "La", "Ti", "Zr", "Nb")


@pytest.fixture(scope="module")
def table():
    names = [f"{a}/{b}/{x}3" for a in CATIONS for b in CATIONS for x in ("O", "N")]
    rng = np.random.default_rng(0)
    values = {"formation_energy": rng.standard_normal(len(names)), "band_gap": rng.random(len(names)) * 3}
    families = np.array([name.split("/")[1] for name in names])
    scales = rng.uniform(3.8, 4.4, len(names))
    ends = (("O", "O", "O"), ("N", "N", "N"))
    return Table(
        "perovskites", "perovskite", (CATIONS, CATIONS, ends), np.array(names), values, ("eV", "eV"), scales,
        families,
    )  # fmt: skip


@pytest.fixture(scope="module")
def arena(table):
    parts = halves(table, "random")
    elements = table.space(np.arange(len(table.names))).elements
    encoder = RadiusGraphEncoder(elements, 0.5)
    model = SiteNetwork(elements, ((0,), (1,), (2, 3, 4)), outputs=2, hidden=8, layers=1)
    space = table.space(parts.held_out)
    graph = encoder(space.prototype.atoms(space.symbols(space.rows[0].tolist())))
    start = jax.jit(jax.vmap(lambda key: model.init(key, graph)))
    variables = start(jax.random.split(jax.random.key(0), 2))
    names, units = ("formation_energy", "band_gap"), ("eV", "eV")
    predictor = Predictor(variables, jnp.zeros(2), jnp.ones(2), model, encoder, names, units)
    climbed = climbable(predictor, space, lattice_of(table, parts.train[:8], elements))
    wants = targets(table, parts)["stable"]
    return parts, make_arena(table, parts, climbed, wants, neutral=False)


@pytest.mark.parametrize("split", ["random", "families"])
def test_nothing_learnt_is_in_the_space(table, split):
    parts = halves(table, split)
    rows = np.concatenate([parts.train, parts.validation, parts.held_out])
    assert sorted(rows.tolist()) == list(range(len(table.names)))
    space = table.space(parts.held_out)
    inside = {space.name(row) for row in space.rows.tolist()}
    assert inside == set(table.names[parts.held_out])
    neutral = table.space(parts.held_out, neutral=True)
    assert 0 < len(neutral.rows) < len(space.rows)
    if split == "families":
        learnt = set(table.families[parts.train])
        assert not learnt & set(table.families[parts.held_out])


def test_cells_are_looked_up_and_stored(table, arena, tmp_path):
    parts, shared = arena
    kinds = [("exhaustive", 0), ("random", 40), ("substitution", 40), ("genetic", 40), ("informed", 60)]
    for searcher, budget in kinds:
        cell = Cell("perovskites", "random", False, "stable", budget, searcher, 0, 4)
        result = run_cell(cell, shared, tmp_path)
        assert result.submitted == 4
        assert result.plausible == 4
        assert result.spent <= budget or searcher == "exhaustive"
        assert run_cell(cell, None, tmp_path) == result  # read, not run
    limit = shared.objective.wants[0].high
    low = (table.values["formation_energy"][parts.held_out] <= limit).sum()
    assert result.possible == low
    assert result.members == len(parts.held_out)
    assert len(read_cells(tmp_path)) == len(kinds)


def test_shares_and_figure(tmp_path):
    results = {}
    for searcher, hits in (
        ("genetic", (8, 8, 8, 8)),
        ("informed", (16, 16, 16, 16)),
        ("random", (0, 4, 0, 4)),
    ):
        for seed, n in enumerate(hits):
            cell = Cell("perovskites", "random", False, "stable", 100, searcher, seed, 32)
            results[cell] = Result(n, 32, 20, 1000, 0.1, 32, 32, 100, 100, 1.0)
    metrics = cell_metrics(results)
    shares = {m.variant: m for m in metrics if m.name == "hit share, perovskites, random half"}
    assert shares["base rate, stable"].value == pytest.approx(0.02)
    assert shares["informed with 100 evaluations, stable"].value == pytest.approx(0.5)
    random = shares["random with 100 evaluations, stable"]
    assert random.value == pytest.approx(1 / 16)
    # Student's t of four seeds: 3.182 s / √4.
    s = np.std([0, 1 / 8, 0, 1 / 8], ddof=1)
    assert 1.96 * random.std == pytest.approx(3.182 * s / 2, rel=1e-3)
    (difference,) = (m for m in metrics if m.name == "informed less genetic, hit share")
    assert difference.value == pytest.approx(0.25)
    draw_budgets(results, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_every_searcher_has_every_seed():
    found = cells(Config(preset="full"), ARMS[0], "stable")
    assert len(found) == 1 + 4 * 3 * 5
    assert len({cell.name for cell in found}) == len(found)


def test_the_tables_are_there():
    try:
        table = TABLES["perovskites"]()
    except DataError as error:
        pytest.skip(str(error))
    assert len(table.names) == len(set(table.names)) == 16_040
    assert len(TABLES["elpasolites"]().names) == 10_556
