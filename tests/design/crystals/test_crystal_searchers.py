"""Searchers over crystals: budget, members only, exact resume; what the gradient finds where it is known."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.design.crystals.guided import filling_vectors, rank_at
from mlmat.design.crystals.members import crystal_members
from mlmat.design.crystals.problem import crystal_problem, table_oracle
from mlmat.design.crystals.prototypes import PROTOTYPES
from mlmat.design.crystals.relaxed import SoftCrystal, corner
from mlmat.design.crystals.space import make_space
from mlmat.design.objective import Objective
from mlmat.design.searcher import get_searcher, submit
from mlmat.design.searchers.descent import make_chunk, make_restart
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.searchers.gradient import GradientConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.verification import verify_designs
from mlmat.design.wants import parse_want

BUDGET = 101


@partial(jax.tree_util.register_dataclass, data_fields=("table", "bias", "frame"), meta_fields=())
@dataclass(frozen=True)
class AdditivePredictor:
    """A value for every filling, added up: the best crystal is known, and a linearisation is exact."""

    table: jax.Array
    bias: jax.Array
    frame: object = None
    properties = ("energy",)
    units = ("eV",)
    scale = np.ones(1)

    @property
    def members(self):
        return len(self.bias)

    def index(self, name):
        return self.properties.index(name)

    def only(self, index):
        return AdditivePredictor(self.table, self.bias[index][None], self.frame)

    def with_std(self, crystal):
        value = (crystal.weights * self.table).sum() + (crystal.modes**2).sum() + self.bias
        return value.mean()[None], jax.lax.stop_gradient(value.std())[None]


jax.tree_util.register_pytree_node(
    SimpleNamespace, lambda x: ((x.strains,), None), lambda _, leaves: SimpleNamespace(strains=leaves[0])
)


@pytest.fixture(scope="module")
def setup(space):
    width = max(len(group) for group in space.fillings)
    table = np.random.default_rng(0).standard_normal((3, width))
    frame = SimpleNamespace(strains=jnp.zeros((0, 3, 3)))
    predictor = AdditivePredictor(jnp.asarray(table, jnp.float32), jnp.array([-0.01, 0.01]), frame)
    objective = Objective((parse_want("energy=min"),))
    return crystal_problem(objective, space, predictor), predictor, objective


GRADIENT = GradientConfig(steps=6, chunk=2, parallel=4, learning_rate=0.5, harvest=0.3)


@pytest.fixture(scope="module")
def descent(setup):
    """Compiled once: that takes longer than all searches."""
    return {"chunk": make_chunk(setup[0], GRADIENT), "restart": make_restart(setup[0], GRADIENT)}


def options(name):
    breeding = GeneticConfig(population=16, children=12, lineage=0)
    moves = InformedConfig(breeding, chosen=8, waves=2, bred=6)
    return {
        "gradient": {"config": GRADIENT},
        "genetic": {"config": breeding},
        "informed": {"config": moves},
    }.get(name, {})


@pytest.mark.parametrize("name", ["gradient", "genetic", "informed", "random", "screening"])
def test_the_contract(setup, space, descent, name, tmp_path):
    class Killed(Exception):
        pass

    def kill(spent, found):
        if spent > BUDGET / 2:
            raise Killed

    known = {space.name(row) for row in space.rows[:9]}
    more = options(name) | (descent if name == "gradient" else {})
    allowed = {"allowed": lambda text: "Pb" not in text}
    run = partial(get_searcher(name), *setup, BUDGET, 5, known=known, **allowed, **more)
    whole = run()
    names = [candidate.name for candidate in whole.pool]
    assert 0 < len(names) == len(set(names)) <= whole.spent <= BUDGET
    assert not set(names) & known
    assert not any("Pb" in text for text in names)
    assert all(space.contains(space.parse(text)) for text in names)
    with pytest.raises(Killed):
        run(state_file=tmp_path / "state", report=kill)
    assert run(state_file=tmp_path / "state").pool == whole.pool
    if name == "gradient":
        assert np.isfinite([candidate.relaxed for candidate in whole.pool]).all()


def test_gradients_find_the_best_first(setup, space):
    _, predictor, objective = setup
    values = np.asarray(predictor.table)[np.arange(3), space.rows].sum(axis=1)
    best = {space.name(row) for row in space.rows[np.argsort(values)[:8]]}

    def share(name):
        search = get_searcher(name)(*setup, 120, 0, **options(name))
        chosen = submit(predictor, search, objective, 8)
        return len(best & {c.name for c in chosen}) / 8

    assert share("informed") == 1.0
    assert share("random") < share("informed")


def test_a_linearisation_of_an_additive_predictor_is_exact(setup, space):
    _, predictor, _ = setup
    centre = SoftCrystal(
        *(
            np.mean(p, axis=0)
            for p in zip(*(corner(space, tuple(r)) for r in space.rows[:6].tolist()), strict=True)
        )
    )
    ranking = rank_at(filling_vectors(space), predictor, centre, space.rows, (0,))
    values = np.asarray(predictor.table)[np.arange(3), space.rows].sum(axis=1)
    np.testing.assert_allclose(ranking.linear[:, 0], values, atol=1e-5)


def test_children_of_a_listed_space_are_on_its_list():
    prototype, elements = PROTOTYPES["elpasolite"], ("Na", "K", "Rb", "Al", "In", "F", "Cl")
    rng = np.random.default_rng(0)
    free = make_space(prototype, [elements] * 4, neutral=False)
    names = [free.name(row) for row in free.rows[rng.choice(len(free.rows), 60, replace=False)]]
    space = make_space(prototype, [elements] * 4, neutral=False, listed=names)
    members = crystal_members(space)
    lost, seen = Counter(), set(names[:20])
    parents = [members.parse(name) for name in names[:20]]
    children = members.breed(rng, parents, 30, None, seen, lost, None, GeneticConfig())
    assert len(set(children)) == 30
    assert set(children) <= set(names) - seen


def test_verdicts_are_looked_up(setup):
    problem = setup[0]
    search = get_searcher("random")(*setup, 8, 0)
    names = [c.name for c in search.pool]
    verify = partial(table_oracle, {name: {"energy": 1.0} for name in names[:3]})
    verdicts = verify_designs(problem._replace(verify=verify), search.pool)
    assert [v.ok for v in verdicts] == [True] * 3 + [False] * 5
    assert verdicts[3].status == "not in the table"
