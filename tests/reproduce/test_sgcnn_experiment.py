"""The experiment on slabs: sizes that compare, sets that are built, metrics beside the rival; a tiny run."""

import jax
import numpy as np
import pytest

from experiments.sgcnn.cells import FRACTIONS, MODELS, Config, settings
from experiments.sgcnn.run import main, metrics_of
from experiments.sgcnn.sets import SETS, Slabs, slabs
from mlmat.data.alloy_slabs import alloy_slab
from mlmat.data.splits import group_split
from mlmat.errors import DataError, InputError


def test_the_rival_has_no_fewer_parameters():
    items = [alloy_slab("Ni", "Pt", "L1_2", "top|A", "N")]
    sizes = []
    for model in MODELS:
        choice = settings(Config(), model, 500, 3e-3, 0)
        encoder = choice.encoder(items)
        shapes = jax.eval_shape(choice.network(encoder, 1, False).init, jax.random.key(0), encoder(items[0]))
        sizes.append(sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])))
    assert sizes == [83_347, 90_307, 90_655, 91_639]


def test_few_slabs_are_met_more_often():
    full = Config(preset="full")
    epochs = [settings(full, "SGCNN", n, 3e-3, 0).training.epochs for n in (500, 9_000, 25_000)]
    assert epochs == [200, 40, 30]


def test_networks_without_norms_learn_with_adamw():
    full = Config(preset="full")
    found = [settings(full, model, 500, 3e-3, 0).training for model in MODELS]
    assert [training.optimiser for training in found] == ["adamw", "adamw", "muon", "muon"]
    assert [training.epochs for training in found] == [200, 200, 80, 80]
    given = settings(Config(preset="full", optimiser="muon"), "SGCNN", 500, 3e-3, 0).training
    assert (given.optimiser, given.epochs) == ("muon", 80)


def row(model, seed, error, name="nitrogen"):
    sizes = {"n_train": 100, "n_test": 20, "seconds": 1.0}
    return {"set": name, "model": model, "seed": seed, "mae": error, "mean": 1.0, **sizes}


def test_errors_stand_beside_the_rival_and_the_paper():
    rows = [row("SGCNN", s, 0.2) for s in range(3)] + [row("CGCNN on the slab", s, 0.25) for s in range(3)]
    found = {(metric.name, metric.variant): metric for metric in metrics_of(rows)}
    assert found["adsorption energy MAE", "nitrogen, SGCNN"].paper == 0.23
    assert found["adsorption energy MAE", "nitrogen, training mean"].paper is None
    below = found["error below that of CGCNN on the slab", "nitrogen, SGCNN"]
    assert below.value == pytest.approx(0.2)
    assert below.std == pytest.approx(0, abs=1e-9)
    apart = [row("SGCNN", s, error) for s, error in enumerate((0.1, 0.2, 0.3))]
    # Student's t with two degrees of freedom at 95 %: 4.303; the deviation is 0.1 over the root of three.
    assert metrics_of(apart)[1].std == pytest.approx(4.303 * 0.1 / 3**0.5 / 1.96, rel=1e-3)
    # What the paper did not do has no published value beside it.
    assert all(metric.paper is None for metric in metrics_of([row("SGCNN", 0, 0.2, "hydroxyl")]))


def test_no_family_is_in_two_parts():
    families = [f"{k % 40}" for k in range(400)]
    rows = group_split(families, FRACTIONS, 0)
    parts = [{families[i] for i in part} for part in rows]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


def test_an_unknown_set():
    with pytest.raises(InputError, match="unknown set"):
        slabs("methane")


@pytest.mark.parametrize("name", list(SETS))
def test_slabs_of_the_sets_at_hand(name):
    try:
        found = slabs(name, limit=8)
    except DataError as error:
        pytest.skip(str(error))
    assert len(found.items) == len(found.values) == len(found.families) == 8
    assert np.isfinite(found.values).all()
    choice = settings(Config(), "SGCNN", 500, 3e-3, 0)
    encoder = choice.encoder(found.items)
    for atoms in found.items:
        graph = encoder(atoms)
        assert set(graph.nodes["branch"]) == {0, 1}
        if SETS[name].built:
            assert atoms.info["bulk"]


def test_a_tiny_run_is_stored_and_not_run_again(tmp_path, monkeypatch):
    metals = ("Ni", "Cu", "Pt", "Pd", "Ag", "Au")
    pairs = [(a, b) for a in metals for b in metals if a < b]
    items = [alloy_slab(*pair, "L1_0", "top|A", "N") for pair in pairs]
    tiny = Slabs(items, np.linspace(-1, 1, len(pairs)), ["-".join(pair) for pair in pairs], 0)
    monkeypatch.setattr("experiments.sgcnn.cells.slabs", lambda name, limit: tiny)
    monkeypatch.setattr("experiments.sgcnn.run.checksums", lambda name: {name: "0" * 64})
    # One convolution: most of the time goes into compiling the rest.
    monkeypatch.setitem(MODELS, "SGCNN", ("sgcnn", {"layers": 1}))
    config = Config(out=tmp_path, epochs=1, models=("SGCNN",))
    record = main(config)
    assert {metric.variant for metric in record.metrics} == {"hydroxyl, training mean", "hydroxyl, SGCNN"}
    monkeypatch.setattr("experiments.sgcnn.cells.fit_task", None)
    assert main(config).metrics == record.metrics
    assert str(tmp_path) not in (tmp_path / "quick.json").read_text()
