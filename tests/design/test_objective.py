"""The loss has the gradient it should, the merit the zero it should, and hits are of what was verified."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.design.molecules.problem import molecule_loss, molecule_problem, penalties
from mlmat.design.molecules.space import MoleculeVariables, decode_variables, init_variables
from mlmat.design.objective import (
    EXTREME_SHARE,
    SIMILARITY_SCALE,
    SPREAD_SHARE,
    STRICTNESS,
    Objective,
    scaled_objective,
)
from mlmat.design.wants import Want, parse_wants
from mlmat.errors import InputError, TargetError
from mlmat.graphs.softgraph import from_smiles
from mlmat.typing import SoftGraph

CAPACITY = 7
PROPERTIES = ("gap", "homo")


@dataclass(frozen=True)
class Formula:
    """A predictor of two members whose properties are smooth formulas of the graph."""

    properties: tuple[str, ...] = PROPERTIES
    members: int = 2
    scale: tuple[float, ...] = (2.0, 0.5)

    def index(self, name):
        return self.properties.index(name)

    def with_std(self, graph):
        order = (graph.bonds**2).sum() / 10
        hetero = jnp.einsum("ij,i,j->", graph.bonds, graph.types[:, 1], graph.types[:, 0])
        each = jnp.stack([jnp.stack([4 + order, -9 + hetero]), jnp.stack([4 + 1.2 * order, -9.1 + hetero])])
        return each.mean(axis=0), each.std(axis=0)


class Values(NamedTuple):
    """A predictor that says the same of every molecule."""

    values: jax.Array

    def index(self, name):
        return PROPERTIES.index(name)

    def with_std(self, graph):
        return self.values, jnp.zeros_like(self.values)


TINY = from_smiles("CC")
OBJECTIVE = scaled_objective(
    parse_wants(["gap=4.5", "2*homo=min..-9.2", "similarity=0.7.."]), Formula(), start="CC(N)=O"
)
start = jax.jit(lambda seed: init_variables(jax.random.key(seed), CAPACITY))


@pytest.fixture(scope="module")
def graph():
    return jax.tree.map(np.asarray, jax.jit(lambda x: decode_variables(x, 1.0))(start(4)))


def test_gradient_of_the_loss_is_that_of_finite_differences_in_float64():
    x = jax.tree.map(np.asarray, start(4))
    with jax.enable_x64(True):
        x = MoleculeVariables(*(jnp.asarray(leaf, jnp.float64) for leaf in x))

        def loss(types, bonds):
            # Without sharpening: straight-through rounding has a slope on purpose that is not its own.
            moved = decode_variables(x._replace(types=types, bonds=bonds), 1.0)
            return molecule_loss(OBJECTIVE, Formula(), moved)[0]

        value = jax.jit(loss)
        slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))(x.types, x.bonds)
        rng = np.random.default_rng(0)
        for _ in range(4):
            ways = [jnp.asarray(rng.normal(size=leaf.shape)) for leaf in (x.types, x.bonds)]
            h = 1e-5
            up = value(x.types + h * ways[0], x.bonds + h * ways[1])
            down = value(x.types - h * ways[0], x.bonds - h * ways[1])
            along = sum((slope * way).sum() for slope, way in zip(slopes, ways, strict=True))
            assert abs(along) > 1e-4
            np.testing.assert_allclose((up - down) / (2 * h), along, rtol=1e-6)


def test_order_and_padding_of_atoms_do_not_change_the_loss(graph):
    value = jax.jit(lambda g: molecule_loss(OBJECTIVE, Formula(), g)[0])
    order = np.random.default_rng(1).permutation(CAPACITY)
    shuffled = SoftGraph(graph.types[order], graph.bonds[order][:, order], graph.mask[order])
    types = np.pad(graph.types, [(0, 4), (0, 0)])
    padded = SoftGraph(types, np.pad(graph.bonds, (0, 4)), np.pad(graph.mask, (0, 4)))
    np.testing.assert_allclose(value(shuffled), value(graph), rtol=1e-5)
    np.testing.assert_allclose(value(padded), value(graph), rtol=1e-5)


def test_penalties_are_zero_for_real_molecules_alone(graph):
    assert float(penalties(from_smiles("CC(=O)Nc1ccccc1F"))) == pytest.approx(0, abs=1e-5)
    assert float(penalties(from_smiles("COOC"))) > 0.4
    assert float(penalties(graph)) > 0.01


def test_values_of_the_loss_are_those_of_the_predictor_and_the_similarity():
    _, values = OBJECTIVE.loss(Formula(), from_smiles("CC(N)=O", CAPACITY))
    mean, _ = Formula().with_std(from_smiles("CC(N)=O"))
    np.testing.assert_allclose(values, [*mean, 1.0], rtol=1e-5)


def merit(objective, mean, std):
    mean, std = np.atleast_2d(mean), np.atleast_2d(std)
    return objective.merit(PROPERTIES, mean, std, ["CC(N)=O"] * len(mean))


def test_merit_is_zero_exactly_when_all_wants_are_met_with_no_doubt():
    wanted = Objective(parse_wants(["gap=2..3", "homo=-9"]))
    assert merit(wanted, [2.0, -9.0], [0, 0]) == 0
    assert merit(wanted, [2.7, -9.0], [0, 0]) == 0
    for mean, std in (([1.9, -9], [0, 0]), ([3.1, -9], [0, 0]), ([2.5, -9.1], [0, 0]), ([2.5, -9], [0.1, 0])):
        assert merit(wanted, mean, std) == pytest.approx(0.1)
    rng = np.random.default_rng(0)
    means, stds = rng.normal([2.5, -9], 1, (200, 2)), rng.exponential(1, (200, 2))
    assert (merit(wanted, means, stds) > 0).all()


def test_weights_scales_and_caution_add_up():
    wanted = Objective(parse_wants(["3*gap=4", "homo=max"]), caution=2.0, scales=(0.5, 2.0))
    most = EXTREME_SHARE * (8 + 0.4) / 2
    assert merit(wanted, [5.0, -8.0], [0.1, 0.2])[0] == pytest.approx(3 * (STRICTNESS + 0.2) / 0.5 + most)
    careless = Objective((Want("gap", 4.0, 4.0),), caution=0.0)
    assert merit(careless, [4.0, 0], [9, 9]) == 0


def test_extremes_alone_count_in_full():
    wanted = Objective(parse_wants(["gap=max", "2*homo=min"]), scales=(0.5, 2.0))
    assert merit(wanted, [5.0, -8.0], [0.1, 0.2])[0] == pytest.approx(-4.9 / 0.5 + 2 * -7.8 / 2)


def test_an_extreme_does_not_pay_for_leaving_a_range_but_chooses_within_it():
    wanted = Objective(parse_wants(["gap=2..3", "homo=min"]), caution=0.0)
    inside, outside, better = merit(wanted, [[2.5, -8.0], [4.0, -9.5], [2.5, -9.0]], np.zeros((3, 2)))
    assert better < inside < outside
    slope = jax.grad(lambda x: Objective(wanted.wants).loss(Values(x), TINY)[0])
    np.testing.assert_allclose(slope(jnp.array([2.5, -8.0])), [0, EXTREME_SHARE], atol=1e-6)
    np.testing.assert_allclose(slope(jnp.array([6.0, -8.0])), [STRICTNESS, EXTREME_SHARE], atol=1e-6)


def test_the_threshold_of_an_extreme_is_met_before_going_beyond_it():
    wanted = Objective(parse_wants(["gap=2..3", "homo=min..-9"]), caution=0.0)
    short, met, beyond = merit(wanted, [[2.5, -8.0], [2.5, -9.0], [2.5, -10.0]], np.zeros((3, 2)))
    assert short - met == pytest.approx(STRICTNESS + EXTREME_SHARE)
    assert met - beyond == pytest.approx(EXTREME_SHARE)


def test_a_doubtful_molecule_ranks_behind_a_sure_one():
    wanted = Objective((Want("gap", 4.0, 4.0),))
    order = wanted.best(
        PROPERTIES, np.full((3, 2), 4.0), np.array([[0.3, 0], [0.1, 0], [0.2, 0]]), ["C"] * 3, 2
    )
    assert list(order) == [1, 2]


def test_pareto_keeps_the_ends_that_a_sum_would_drop():
    wants = parse_wants(["gap=max", "homo=max"])
    mean = np.array([[9.0, 0.0], [5.0, 5.0], [0.0, 9.0], [5.1, 5.1]])
    args = (PROPERTIES, mean, np.zeros_like(mean), ["C"] * 4, 2)
    assert set(Objective(wants).best(*args)) == {1, 3}
    assert set(Objective(wants, pareto=True).best(*args)) == {0, 2}


def test_similarity_needs_no_prediction():
    wanted = Objective(parse_wants(["similarity=0.9.."]), start="CCO")
    found = wanted.merit((), np.zeros((2, 0)), np.zeros((2, 0)), ["CCO", "c1ccccc1"])
    assert found[0] == 0
    assert found[1] > 0.5
    assert wanted.hit({}, "CCO")
    assert not wanted.hit({}, "c1ccccc1")


def test_hits_need_every_window_and_a_value():
    wanted = Objective(parse_wants(["gap=4", "homo=min"]))
    assert wanted.hit({"gap": 4.2, "homo": -1.0})  # the least homo has no threshold
    assert not wanted.hit({"gap": 4.4})
    assert not wanted.hit({"homo": -10.0})
    assert not Objective(parse_wants(["homo=min"])).hit({"homo": -20.0})
    assert Objective(parse_wants(["homo=min..-9"])).hit({"homo": -9.5})
    assert not Objective(parse_wants(["homo=min..-9"])).hit({"homo": -8.5})


def test_scales_come_from_the_predictor():
    assert OBJECTIVE.scales == pytest.approx((2 * SPREAD_SHARE, 0.5 * SPREAD_SHARE, SIMILARITY_SCALE))


def test_impossible_objectives_are_refused():
    gap = parse_wants(["gap=4"])
    with pytest.raises(TargetError, match="at least one want"):
        Objective(())
    with pytest.raises(InputError, match="one positive scale"):
        Objective(gap, scales=(1.0, 1.0))
    with pytest.raises(InputError, match="caution"):
        Objective(gap, caution=float("nan"))
    with pytest.raises(TargetError, match="--start"):
        Objective(parse_wants(["similarity=max"]))
    with pytest.raises(InputError, match="two wants"):
        Objective(gap, pareto=True)


def test_a_single_want_makes_the_same_problem_as_its_objective(graph):
    want = Want("gap", 3.0, 3.0)
    losses = [molecule_problem(w, CAPACITY).loss(Formula(), graph)[0] for w in (want, Objective((want,)))]
    assert float(losses[0]) == float(losses[1])
