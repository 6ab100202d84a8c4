"""SGCNN: the published size, the equations written out in NumPy, invariances, padding, lengths."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.data.alloy_slabs import alloy_slab
from mlmat.descriptors.element_vectors import surface_vectors
from mlmat.elements import element
from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.slab_graph import SlabGraphEncoder
from mlmat.models.sgcnn import SGCNN

SYMBOLS = ("H", "N", "Ni", "Cu", "Pt")
ENCODER = SlabGraphEncoder(SYMBOLS)
PUBLISHED = SGCNN(SYMBOLS)
SHALLOW = SGCNN(SYMBOLS, layers=2)
LONG = SGCNN(SYMBOLS, layers=2, distances=6)
NORMALISED = SGCNN(SYMBOLS, layers=2, distances=6, normalised=True)


def slabs():
    return [
        alloy_slab("Ni", "Pt", "L1_2", "hollow|A_A_B|HCP", "NH"),
        alloy_slab("Cu", "Ni", "L1_0", "top|B", "N"),
        alloy_slab("Cu", "Cu", "fcc"),
    ]


def batch_of(structures, nodes=96, edges=1400, graphs=5):
    return next(iter(pack([ENCODER(atoms) for atoms in structures], Budget(nodes, edges, graphs))))


def drawn(model, scale=0.12):
    """Variables larger than those at the start, so that a mistake shows; without compiling a program."""
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch_of(slabs()))
    generator = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: jnp.asarray(scale * generator.normal(size=leaf.shape), leaf.dtype), shapes
    )


@pytest.fixture(scope="module", params=[SHALLOW, LONG, NORMALISED], ids=["published", "distances", "norms"])
def trained(request):
    return request.param, drawn(request.param), jax.jit(request.param.apply)


def values(trained, structures, **padding):
    _, variables, predict = trained
    return np.asarray(predict(variables, batch_of(structures, **padding)))[: len(structures)]


def test_node_features_are_those_of_the_paper():
    bits = surface_vectors(("N", "Pt"))
    assert bits.shape == (2, 58)
    pt = element("Pt")
    places = [
        int(pt.group) - 1,
        18 + int((pt.electronegativity - 0.5) / 0.35),
        28 + int((np.log(pt.atomic_volume) - 1.5) / 0.28),
        38 + int((pt.electron_affinity + 2.4) / 0.6),
        48 + int(pt.mass / 27),
    ]
    assert np.flatnonzero(bits[1]).tolist() == places
    # Nitrogen binds no further electron: it has no affinity.
    assert bits[0].sum() == 4


def test_it_has_the_size_of_the_paper():
    shapes = jax.eval_shape(PUBLISHED.init, jax.random.key(0), batch_of(slabs()))["params"]
    # Two branches of three convolutions with a gate and a core, 117 to 58 each; readout 116, 10, 4, 1.
    assert shapes["convolutions_0"]["kernel"].shape == (2, 117, 116)
    convolutions = 2 * 3 * 2 * (117 * 58 + 58)
    readout = 116 * 10 + 10 + 10 * 4 + 4 + 4 + 1
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == convolutions + readout == 83_347


def test_it_is_what_the_paper_says(trained):
    model, variables, _ = trained
    atoms = slabs()[0]
    p = jax.tree.map(np.asarray, variables["params"])
    graph = ENCODER(atoms)
    bits = surface_vectors(SYMBOLS)
    pooled = []
    for branch in (0, 1):
        inside = np.flatnonzero(graph.nodes["branch"] == branch)
        v = {i: bits[graph.nodes["species"][i]].astype(float) for i in inside}
        for layer in range(model.layers):
            kernel = p[f"convolutions_{layer}"]["kernel"][branch]
            bias = p[f"convolutions_{layer}"]["bias"][branch]
            total = {i: np.zeros(58) for i in inside}
            for e, (i, j) in enumerate(zip(graph.receivers, graph.senders, strict=True)):
                if i not in v:
                    continue
                bond = np.ones(1)
                if model.distances:
                    ends = graph.nodes["positions"][j] + graph.edges["shift"][e] - graph.nodes["positions"][i]
                    centres = np.linspace(0, 6, model.distances)
                    bond = np.exp(-0.5 * ((np.linalg.norm(ends) - centres) / centres[1]) ** 2)
                f, s = np.split(np.concatenate([v[i], v[j], bond]) @ kernel + bias, 2)
                total[i] += np.where(s > 0, s, np.expm1(s)) / (1 + np.exp(-f))
            if model.normalised:
                norm = p[f"convolutions_{layer}"]["norm"]
                centred = {i: (t - t.mean()) / np.sqrt(t.var() + 1e-6) for i, t in total.items()}
                total = {i: t * norm["scale"] + norm["bias"] for i, t in centred.items()}
            v = {i: v[i] + total[i] for i in inside}
        pooled.append(np.mean(list(v.values()), axis=0))
    x = np.concatenate(pooled)
    x = x @ p["readout_0"]["kernel"] + p["readout_0"]["bias"]
    x = np.where(x > 0, x, np.expm1(x))
    for layer in ("readout_1", "readout_2"):
        x = x @ p[layer]["kernel"] + p[layer]["bias"]
    np.testing.assert_allclose(values(trained, [atoms])[0], x, rtol=2e-4)


def test_moved_turned_and_permuted_slabs_are_the_same(trained):
    atoms = slabs()[0]
    turned = atoms.copy()
    turned.rotate(40, "z", rotate_cell=True)
    moved = atoms.copy()
    moved.translate((0.3, -1.0, 2.2))
    moved.wrap(pbc=(True, True, False))
    shuffled = atoms[np.random.default_rng(0).permutation(len(atoms))]
    wider = atoms.repeat((1, 1, 1))
    wider.cell[2, 2] += 7.0
    for other in (turned, moved, shuffled, wider):
        other.info["bulk"] = atoms.info["bulk"].repeat((1, 2, 1))
        np.testing.assert_allclose(values(trained, [other]), values(trained, [atoms]), rtol=3e-4, atol=1e-5)


def test_padding_and_neighbours_change_neither_values_nor_gradients(trained):
    model, variables, _ = trained
    model = dataclasses.replace(model, layers=1)
    with jax.enable_x64():
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables)
        loss = jax.jit(jax.value_and_grad(lambda v, batch: (model.apply(v, batch)[:2] ** 2).sum()))
        # Of one shape, so that one program serves both: the third slab takes the place of padding.
        found = [loss(exact, batch_of(structures)) for structures in (slabs(), slabs()[:2])]
    for one, two in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


def test_other_paddings_give_the_same_values(trained):
    one, two = values(trained, slabs()), values(trained, slabs(), nodes=120, edges=2000, graphs=9)
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_only_the_variant_sees_lengths(trained):
    atoms = slabs()[1]
    stretched = atoms.copy()
    stretched.positions[-1, 2] += 0.1
    one, two = (values(trained, [s]) for s in (atoms, stretched))
    assert np.array_equal(one, two) == (trained[0].distances == 0)


def test_weights_begin_as_published():
    # One kernel has enough numbers to tell their deviation.
    quickly = jax.jit(SGCNN(SYMBOLS, layers=1).init, compiler_options={"xla_backend_optimization_level": 0})
    start = quickly(jax.random.key(0), batch_of(slabs()))["params"]
    kernel = np.asarray(start["convolutions_0"]["kernel"])
    assert kernel.std() == pytest.approx(0.02, rel=0.02)
    assert not np.any(start["readout_1"]["bias"])


def test_a_mixture_of_one_element_is_that_element():
    model, batch = SGCNN(SYMBOLS, layers=1), batch_of(slabs())
    shares = np.eye(len(SYMBOLS), dtype=np.float32)[batch.nodes["species"]]
    both = [batch, batch._replace(nodes=batch.nodes | {"mixture": shares})]
    predict = jax.jit(model.apply)
    one, two = (np.asarray(predict(drawn(model), graph))[:3] for graph in both)
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_dropout_acts_in_training_only():
    model = SGCNN(SYMBOLS, layers=1)
    variables, batch = drawn(model), batch_of(slabs())
    train = jax.jit(lambda key: model.apply(variables, batch, train=True, rngs={"dropout": key}))
    found = [np.asarray(train(jax.random.key(k)))[:3] for k in range(6)]
    assert np.ptp(found, axis=0).max() > 1e-3
    assert (
        np.ptp([np.asarray(jax.jit(model.apply)(variables, batch))[:3] for _ in range(2)], axis=0).max() == 0
    )


def test_one_gaussian_is_none():
    with pytest.raises(InputError, match="at least 2 Gaussians"):
        SGCNN(SYMBOLS, distances=1).init(jax.random.key(0), batch_of(slabs()))
