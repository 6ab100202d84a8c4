"""Screening: the predictor's own numbers, whatever stopped the run, and however many devices there are."""

import subprocess
import sys
import textwrap

import ase.io
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk

from mlmat.cli import main
from mlmat.errors import DataError, InputError
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.models.cgcnn import CGCNN
from mlmat.predictor import Predictor, predict_items, save_predictor
from mlmat.predictor.encoding import encoding_processes
from mlmat.recipes.screen import Candidate, Screening, screen

ELEMENTS = ("O", "Na", "Mg", "Cl", "Cu")


def cgcnn(seed=3):
    encoder = CrystalGraphEncoder(ELEMENTS)
    model = CGCNN(ELEMENTS, 1, features=5, layers=1, hidden=4)
    shapes = jax.eval_shape(model.init, jax.random.key(0), encoder(bulk("Cu")))
    rng = np.random.default_rng(seed)
    variables = jax.tree.map(
        lambda leaf: jnp.asarray(rng.uniform(0.1, 0.9, (2, *leaf.shape)), jnp.float32), shapes
    )
    return Predictor(variables, jnp.ones(1), jnp.ones(1), model, encoder, ("energy",), ("eV/atom",))


def made(k):
    """Crystals of one to four atoms; every seventh has an element that the predictor does not know."""
    atoms = bulk("Cu" if k % 7 else "Au", a=3.5 + 0.01 * k) * (1 + k % 2, 1 + k % 3 // 2, 1)
    return Candidate(100 + k, k % 3, atoms)


SPACE = Screening(23, made, {"what": "copper"})


def contents(files):
    parts = [dict(np.load(file)) for file in files]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("screen")
    return screen(cgcnn(), SPACE, out, batch=4, rows=10, format="npz")


def test_the_numbers_are_those_of_a_prediction_one_by_one(finished):
    assert [file.name for file in finished] == ["part-000000.npz", "part-000001.npz", "part-000002.npz"]
    found = contents(finished)
    np.testing.assert_array_equal(found["number"], 100 + np.arange(23))
    np.testing.assert_array_equal(found["origin"], np.arange(23) % 3)
    good = np.arange(23) % 7 > 0
    expected = predict_items(cgcnn(), [made(k).atoms for k in np.flatnonzero(good)])
    np.testing.assert_allclose(found["energy"][good], expected.mean[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found["energy std"][good], expected.std[:, 0], rtol=1e-3, atol=1e-6)
    assert np.isnan(found["energy"][~good]).all()
    assert all("unknown element 'Au'" in reason for reason in found["reason"][~good])
    assert (found["reason"][good] == "").all()


def test_a_stopped_run_goes_on_and_finished_files_are_not_touched(finished, tmp_path):
    def stops(done):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screen(cgcnn(), SPACE, tmp_path, batch=4, rows=10, format="npz", report=stops)
    first = tmp_path / "part-000000.npz"
    written = first.stat().st_mtime_ns
    assert not (tmp_path / "part-000002.npz").exists()
    files = screen(cgcnn(), SPACE, tmp_path, batch=4, rows=10, format="npz")
    assert first.stat().st_mtime_ns == written
    for name, values in contents(finished).items():
        np.testing.assert_array_equal(contents(files)[name], values)
    with pytest.raises(DataError, match="another predictor"):
        screen(cgcnn(4), SPACE, tmp_path, batch=4, rows=10, format="npz")
    with pytest.raises(DataError, match="another what"):
        screen(cgcnn(), SPACE._replace(description={"what": "gold"}), tmp_path, rows=10, format="npz")
    with pytest.raises(InputError, match="formats"):
        screen(cgcnn(), SPACE, tmp_path, format="csv")


def test_three_devices_give_the_same_numbers(finished, tmp_path):
    script = """
        import sys, jax
        from pathlib import Path
        from tests.recipes.test_screen import SPACE, cgcnn
        from mlmat.recipes.screen import screen
        assert len(jax.devices()) == 3
        screen(cgcnn(), SPACE, Path(sys.argv[1]), batch=4, rows=10, format="npz")
    """
    environment = {**__import__("os").environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=3"}
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=True, env=environment
    )
    found = contents(sorted(tmp_path.glob("part-*.npz")))
    for name, values in contents(finished).items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(found[name], values)


def test_processes_encode_the_same():
    items = [made(k).atoms for k in range(9)]
    with encoding_processes(2) as encoded:
        found = list(encoded(cgcnn().encoder, items))
    assert isinstance(found[0], InputError)
    np.testing.assert_array_equal(found[1].senders, cgcnn().encoder(items[1]).senders)


def test_the_command(tmp_path, capsys):
    save_predictor(cgcnn(), tmp_path / "p.mlmat")
    ase.io.write(tmp_path / "salt.vasp", bulk("NaCl", "rocksalt", 5.64))
    words = ["screen", str(tmp_path / "p.mlmat"), str(tmp_path / "salt.vasp"), "--out", str(tmp_path / "out")]
    assert main([*words, "--rows", "8", "--format", "npz"]) == 0
    assert "20 of 20 candidates from 1 prototypes" in capsys.readouterr().out.replace("\n", " ")
    found = contents(sorted((tmp_path / "out").glob("part-*.npz")))
    assert len(found["number"]) == 20
    assert len(set(found["formula"])) == 10
    assert np.isfinite(found["energy"]).all()
    assert main([*words, "--element", "Au"]) == 2
    assert main([*words, "--count", "21"]) == 2


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    files = screen(cgcnn(), SPACE._replace(count=9), tmp_path, batch=4, rows=5)
    table = parquet.read_table(files[0])
    assert table.column_names == ["number", "origin", "formula", "energy", "energy std", "reason"]
    assert table.column("formula").to_pylist()[1] == "Cu2"
    assert sum(parquet.read_metadata(file).num_rows for file in files) == 9
