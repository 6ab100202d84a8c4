"""What is left to gain by searching: shares counted right, judged designs read, signals known by hand."""

import json
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.search_ceiling.run import DESIGNS, Config, main
from experiments.search_ceiling.signals import Judged, judged_designs, signal_metrics, slopes
from mlmat.errors import DataError
from mlmat.graphs.softgraph import from_smiles

CAPACITY = 6


@partial(jax.tree_util.register_dataclass, data_fields=("weight",), meta_fields=())
@dataclass(frozen=True)
class SumOfOrders:
    """The "gap" is a weight times the bond orders of a molecule; its deviation is the number of atoms."""

    weight: jax.Array
    capacity = CAPACITY

    def index(self, name):
        return 0

    def with_std(self, graph):
        atoms = (graph.types.sum(axis=-1) * graph.mask).sum(axis=-1)
        return self(graph), atoms[..., None]

    def __call__(self, graph):
        return self.weight * graph.bonds.sum(axis=(-2, -1))[..., None]


def test_a_small_run_is_stored_and_not_repeated(tmp_path):
    config = Config(out=tmp_path, budgets=(300,), searchers=("genetic", "random"))
    first = main(config)
    shares = {metric.variant.split(",")[0]: metric for metric in first.metrics if not metric.unit}
    # In a space where three of a hundred are inside, draws fill few places and breeding many.
    assert shares["random"].value < 0.25 < shares["genetic"].value <= 1
    cells = list((tmp_path / "cells").glob("*.json"))
    assert len(cells) == 2
    assert all(0 < json.loads(path.read_text())["spent"] <= 300 for path in cells)
    cells[0].write_text(json.dumps(json.loads(cells[0].read_text()) | {"inside": DESIGNS}))
    assert any(metric.value == 1 for metric in main(config).metrics)
    assert (tmp_path / "inside.png").stat().st_size > 10_000


def test_judged_designs_are_those_with_a_verdict_that_were_predicted_near(tmp_path):
    designs = [
        ["CCO", "ok", 2.05, 2.5],
        ["CCN", "ok", 2.3, 2.5],  # predicted too far away
        ["CCC", "timeout", 2.0, None],
    ]
    (tmp_path / "cells").mkdir()
    for seed in range(2):
        text = json.dumps({"cell": {"percentile": 5}, "designs": designs})
        (tmp_path / "cells" / f"{seed}.json").write_text(text)
    assert judged_designs(tmp_path, {5: 2.0, 95: 10.0}) == [Judged("CCO", 5, 2.05, 2.5)]
    with pytest.raises(DataError, match="no judged designs"):
        judged_designs(tmp_path, {95: 10.0})


def test_slopes_of_a_predictor_that_is_linear_in_the_bonds():
    found = np.asarray(slopes(SumOfOrders(jnp.array(0.5)), from_smiles(["CCCC", "CC=O"], CAPACITY)))
    # Three and two bonds, each in the matrix twice; the elements have no slope along the simplex.
    np.testing.assert_allclose(found[:, 1], 0.5 * np.sqrt([6, 4]), rtol=1e-6)
    np.testing.assert_allclose(found[:, [0, 2]], 0, atol=1e-6)


def test_a_signal_that_orders_the_errors_is_recognised():
    chains = ["C" * length for length in range(1, CAPACITY + 1)] + [
        "C" * length + "O" for length in range(1, 6)
    ]
    sizes = np.array([len(smiles) for smiles in chains])
    # The error grows with the number of atoms, which is what this predictor calls its deviation.
    designs = [Judged(s, 5, 2.0, 2.0 + 0.1 * n) for s, n in zip(chains, sizes, strict=True)]
    metrics = signal_metrics(SumOfOrders(jnp.array(0.5)), designs, ["CCCCC"], {5: 2.0})
    named = {(m.name, m.variant.split(",")[0]): m.value for m in metrics}
    assert named["rank correlation with the error", "deviation of the ensemble"] == pytest.approx(1)
    gain = named["hits of the lower half less those of the upper", "deviation of the ensemble"]
    hits = sizes <= 3
    little = sizes <= np.median(sizes)
    assert gain == pytest.approx(hits[little].mean() - hits[~little].mean())
