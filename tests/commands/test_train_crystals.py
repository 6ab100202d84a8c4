"""`mlmat train` on a folder of crystals: what it reads and how it splits, before anything is trained."""

from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from mlmat.commands import train
from mlmat.commands.train_options import TrainOptions
from mlmat.errors import InputError

ANIONS = ("O", "S", "Se", "Te")


@pytest.fixture
def folder(tmp_path):
    """Twenty-four chalcogenides of magnesium and calcium, with CGCNN's list of ids and values."""
    lines = []
    for k in range(24):
        metal = "Mg" if k % 3 else "Ca"
        ase.io.write(tmp_path / f"mp-{k}.cif", bulk(metal + ANIONS[k % 4], "rocksalt", 4.2 + 0.05 * k))
        lines.append(f"mp-{k},{k / 8}\n")
    (tmp_path / "id_prop.csv").write_text("".join(lines))
    return tmp_path


def splits(folder, name):
    options = TrainOptions(folder, target=("gap",), unit=("eV",), split=name)
    train._check(options)
    data, task, _ = train._task(options)
    return data, list(train._splits(options, data, task))


@pytest.mark.parametrize(
    ("name", "trainings"),
    [("leave-out:anion", 4), ("kfold:2:anion", 2), ("group:formula", 1), ("kfold:3", 3)],
)
def test_families_follow_from_the_structures(folder, name, trainings):
    data, found = splits(folder, name)
    assert len(data) == 24
    assert len(found) == trainings
    label = {"leave-out:anion": "anion", "kfold:2:anion": "anion", "group:formula": "formula"}.get(name)
    for title, _, parts in found:
        assert title.startswith("fold" if trainings > 1 else "seed")
        assert min(map(len, parts)) > 0
        if label:
            kinds = [{data.items[i].get_chemical_formula() for i in part} for part in parts]
            if label == "anion":
                kinds = [{formula.replace("Mg", "").replace("Ca", "") for formula in kind} for kind in kinds]
                # Four anions are too few for a validation part of their own.
                assert not (kinds[0] | kinds[1]) & kinds[2]
            else:
                assert sum(map(len, kinds)) == len(set.union(*kinds))


def test_crystals_get_the_crystal_network_and_potentials_do_not(folder):
    options = TrainOptions(folder, target=("gap",), unit=("eV",), split="kfold:3")
    data, task, _ = train._task(options)
    _, seed, parts = next(iter(train._splits(options, data, task)))
    model = {}
    free = [atoms.copy() for atoms in task.items]
    free[3].pbc = (True, True, False)
    forces = [np.zeros((len(atoms), 3)) for atoms in task.items]
    cases = {"crystals": task, "a slab": replace(task, items=free), "forces": replace(task, forces=forces)}
    for name, case in cases.items():
        model[name] = train._choice(options, folder / "run", case, parts, seed, None).model
    assert model == {"crystals": "crystal", "a slab": "schnet", "forces": "schnet"}
    given = replace(options, model="cgcnn")
    assert train._choice(given, folder / "run", task, parts, seed, None).model == "cgcnn"


def test_a_column_of_the_list_is_a_label_too(folder):
    rows = ["id,gap,batch\n"] + [f"mp-{k},{k / 8},b{k % 5}\n" for k in range(24)]
    (folder / "id_prop.csv").write_text("".join(rows))
    _, found = splits(folder, "leave-out:batch")
    assert sorted(len(parts.test) for _, _, parts in found) == [4, 5, 5, 5, 5]
    with pytest.raises(InputError, match="no column 'colour'"):
        splits(folder, "group:colour")
