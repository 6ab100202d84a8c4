"""Parts that the experiments on descriptor potentials share."""

import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT

from experiments.hdnnp_mlearn.potential import chosen, fewer, fitted, scores
from mlmat.data.splits import Split
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig


def test_fewer_leaves_the_other_parts_alone():
    parts = Split(np.arange(10), np.arange(10, 12), np.arange(12, 15))
    small = fewer(parts, 4, seed=1)
    assert len(small.train) == 4
    assert set(small.train) <= set(parts.train)
    assert small.validation is parts.validation
    assert small.test is parts.test
    assert fewer(parts, None, 0) is parts
    assert fewer(parts, 20, 0) is parts


def test_fit_score_and_a_second_call_reads_the_first(tmp_path, capsys):
    """Copper atoms shaken about: forces are learnt better than by saying zero."""
    items, energies, forces = [], [], []
    for seed in range(14):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.15, seed=seed)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
        atoms.calc = None
        items.append(atoms)
    task = Task("structure", items, np.array(energies)[:, None], ("energy",), ("eV",), forces=forces)
    parts = Split(np.arange(10), np.arange(10, 12), np.arange(12, 14))
    given = {"seed": 0, "members": 1, "epochs": 30, "batch": 5, "learning_rate": 1e-2, "cutoff": 3.5}
    choice = chosen(10, {"hidden": (8, 8)}, LossConfig(), **given)
    _, seconds = fitted(task, parts, choice, tmp_path / "cu")
    again, same = fitted(task, parts, choice, tmp_path / "cu")
    assert same == seconds
    common = {"dataset": "none", "split": "none", "n_train": 10}
    found = scores(again, task, parts.test, variant="Cu", seed=0, **common)
    rmse = next(metric.value for metric in found if metric.name == "forces RMSE")
    assert rmse < 0.7 * np.sqrt(np.mean(np.square([forces[row] for row in parts.test])))
    assert "forces RMSE" in capsys.readouterr().out
