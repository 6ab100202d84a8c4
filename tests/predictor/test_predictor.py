"""The predictor and its file: round trip, damage, tracing, ensembles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import CapacityError, InputError, PredictorFileError, SmilesError, UnknownElementError
from mlmat.graphs.softgraph import SoftGraphEncoder, from_smiles
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.predictor import (
    SHIPPED,
    Predictor,
    load_predictor,
    predict_graphs,
    predict_smiles,
    read_header,
    save_predictor,
)

SMILES = ["CCO", "c1ccccc1", "CC(=O)C", "C#N", "CSC"]
call, each_of, with_std, member = (
    jax.jit(method) for method in (Predictor.__call__, Predictor.each, Predictor.with_std, Predictor.member)
)


@pytest.fixture(scope="module")
def predictor():
    model = SoftMPNN(outputs=2, features=8, layers=2)
    shapes = jax.eval_shape(model.init, jax.random.key(0), from_smiles(SMILES, 10))
    generator = np.random.default_rng(0)
    variables = jax.tree.map(
        lambda leaf: jnp.asarray(generator.normal(0, 0.3, (3, *leaf.shape)), leaf.dtype), shapes
    )
    mean, scale = jnp.array([4.0, -9.0]), jnp.array([2.0, 1.0])
    return Predictor(variables, mean, scale, model, SoftGraphEncoder(10), ("gap", "homo"), ("eV", "eV"))


def test_file_round_trip_is_exact(predictor, tmp_path):
    save_predictor(predictor, tmp_path / "p.mlmat", {"note": 1})
    again = load_predictor(tmp_path / "p.mlmat")
    assert (again.model, again.properties, again.units, again.capacity) == (
        predictor.model,
        predictor.properties,
        predictor.units,
        predictor.capacity,
    )
    graph = from_smiles(SMILES, 10)
    np.testing.assert_array_equal(call(again, graph), call(predictor, graph))
    assert read_header(tmp_path / "p.mlmat")["notes"] == {"note": 1}


@pytest.mark.parametrize("damage", ["truncated", "altered", "header", "other", "future", "missing"])
def test_damaged_files_are_refused_with_the_reason(predictor, tmp_path, damage):
    path = tmp_path / "p.mlmat"
    save_predictor(predictor, path)
    content = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(content[:-100])
        case "altered":
            path.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
        case "header":
            path.write_bytes(content[:9] + b"#" + content[10:])
        case "other":
            path.write_bytes(b"not a predictor")
        case "future":
            path.write_bytes(content.replace(b'"format": 2', b'"format": 9'))
        case "missing":
            path.unlink()
    with pytest.raises(PredictorFileError, match=str(path)):
        load_predictor(path)


def test_mean_and_std_are_of_the_members(predictor):
    graph = from_smiles(SMILES, 10)
    each = np.asarray(each_of(predictor, graph))
    mean, std = with_std(predictor, graph)
    assert each.shape == (3, 5, 2)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(std, each.std(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(member(predictor, 1, graph), each[1], rtol=1e-5, atol=1e-6)


def test_batches_do_not_change_predictions(predictor):
    mean, _ = predict_graphs(predictor, from_smiles(SMILES, 10), batch=2)
    np.testing.assert_allclose(mean, call(predictor, from_smiles(SMILES, 10)), rtol=1e-5, atol=1e-6)


def test_other_weights_do_not_recompile(predictor):
    traces = 0

    @jax.jit
    def run(p, graph):
        nonlocal traces
        traces += 1
        return p(graph)

    graph = from_smiles(SMILES, 10)
    other = jax.tree.map(lambda leaf: leaf * 1.1, predictor)
    assert not np.allclose(run(predictor, graph), run(other, graph))
    assert traces == 1


def test_unknown_property_is_named(predictor):
    with pytest.raises(InputError, match="dipole"):
        predictor.index("dipole")


@pytest.mark.parametrize(
    ("smiles", "error"),
    [
        ("C[Si]C", UnknownElementError),
        ("c1ccc", SmilesError),
        ("", SmilesError),
        ("[NH4+]", SmilesError),
        ("CCCCCCCCCCCC", CapacityError),
    ],
)
def test_bad_molecules_get_one_clear_error(predictor, smiles, error):
    with pytest.raises(error):
        predict_smiles(predictor, [smiles])


def test_shipped_predictor_knows_the_embedded_set_it_came_from():
    from mlmat.data import small_organics

    header = read_header(SHIPPED)
    assert header["notes"]["data"]["sha256"] == small_organics.provenance()["gfn2_sha256"]
    assert header["properties"] == ["gap", "homo", "lumo"]
    # Acetone absorbs near 4.5 eV, ethane has no low-lying orbital: the order must be right.
    (gaps, _) = predict_smiles(load_predictor(), ["CC(=O)C", "CC", "C=CC=CC=O"])
    assert gaps[1, 0] > gaps[0, 0] > gaps[2, 0]
    np.testing.assert_allclose(gaps[:, 2] - gaps[:, 1], gaps[:, 0], atol=0.5)  # LUMO - HOMO = gap
