"""A potential that learns by exploring: end to end with tiny networks, interrupted, and at its bounds."""

import csv

import ase.io
import numpy as np
import pytest
from ase.cluster import Octahedron

from mlmat.design.campaign.explorations import LearningConfig, _picked, rattled
from mlmat.design.campaign.frames import Committee
from mlmat.design.campaign.potential import learn_potential
from mlmat.errors import DataError, InputError
from mlmat.oracles.structures import StructureOracle
from mlmat.simulate.explore import Explored

CONFIG = LearningConfig(
    rounds=2, labels=6, temperatures=(300.0, 900.0), frames=5, interval=2, least=0.0, furthest=50.0
)
COMMITTEE = Committee(cutoff=3.5, epochs=3)


def judge(oracle, tasks, **options):
    """The oracle in this process: starting workers is tested elsewhere."""
    return ((index, oracle(task)) for index, task in enumerate(tasks))


@pytest.fixture(autouse=True, scope="module")
def _no_workers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlmat.design.campaign.potential.judge", judge)
        yield


def particle():
    atoms = Octahedron("Cu", 2)
    atoms.symbols[:2] = "Au"
    return atoms


def learn(folder, config=CONFIG, **options):
    return learn_potential([particle()], StructureOracle("emt"), config, COMMITTEE, folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, learn(folder)


def test_rounds_label_explore_and_train(whole):
    folder, learned = whole
    first, second = learned.rounds
    assert (first.known, first.submitted, first.labelled) == (0, 6, 6)
    assert first.survived is None
    assert second.known == 6
    assert 0 < second.survived <= 1
    assert second.disagreement > 0
    assert learned.labels == 6 + second.labelled
    frames = ase.io.read(folder / "labels.extxyz", ":")
    assert len(frames) == learned.labels
    # The labels are EMT's of just these positions.
    from ase.calculators.emt import EMT

    again = frames[-1].copy()
    again.calc = EMT()
    assert frames[-1].get_potential_energy() == pytest.approx(again.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(frames[-1].get_forces(), again.get_forces(), atol=1e-6)


def test_the_table_has_each_label_beside_what_was_foreseen(whole):
    folder, learned = whole
    rows = list(csv.DictReader((folder / "campaign.csv").read_text().splitlines()))
    assert [row["structure"] for row in rows[:7]] == [f"1-{k}" for k in range(1, 7)] + ["2-1"]
    asked = [row for row in rows if row["round"] == "2"]
    errors = [float(row["force_MAE_eV_per_A"]) for row in asked]
    assert np.mean(errors) == pytest.approx(learned.rounds[1].force_error, rel=1e-4)
    proposed = ase.io.read(folder / "round-2" / "proposed.extxyz", ":")
    labels = ase.io.read(folder / "labels.extxyz", ":")[6:]
    error = np.abs(proposed[0].get_forces() - labels[0].get_forces()).mean()
    assert errors[0] == pytest.approx(error, rel=1e-4)


def test_a_campaign_interrupted_twice_ends_with_the_same_files(whole, tmp_path):
    class Killed(BaseException):
        pass

    for stop in (("train", 1, 2), ("verify", 2, 3)):

        def kill(number, stage, done, total, stop=stop):
            if (stage, number, done) == stop:
                raise Killed

        with pytest.raises(Killed):
            learn(tmp_path, report=kill)
    assert learn(tmp_path).rounds == whole[1].rounds
    for name in ("labels.extxyz", "predictor-2.mlmat"):
        assert (tmp_path / name).read_bytes() == (whole[0] / name).read_bytes()


def test_a_finished_campaign_goes_on_and_others_are_not_mixed_in(whole):
    folder, learned = whole
    seen = []
    again = learn(folder, report=lambda number, stage, done, total: seen.append(stage))
    assert again.rounds == learned.rounds
    assert set(seen) == {"verify"}
    with pytest.raises(DataError, match="another labels"):
        learn(folder, LearningConfig(labels=7))


def test_frames_beyond_all_bounds_are_not_submitted():
    spread = np.array([0.1, 0.4, 0.2, 0.3, 0.6, 2.0])
    found = Explored([particle()] * 6, spread, "the members differ")
    rng = np.random.default_rng(0)
    config = LearningConfig(least=0.15, furthest=1.0)
    assert _picked(found, 2, config, rng) == [1, 4]
    config = LearningConfig(pick="random", furthest=1.0)
    assert len(_picked(found, 9, config, rng)) == 5


def test_starting_structures_are_displaced_more_and_more():
    atoms = particle()
    frames = rattled([atoms], LearningConfig(labels=40, rattle=0.2)).frames
    sizes = [np.std(one.positions - atoms.positions) for one in frames]
    assert sizes[-1] == pytest.approx(0.2, rel=0.2)
    assert np.corrcoef(np.arange(40), sizes)[0, 1] > 0.95


def test_a_committee_of_one_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least two members"):
        learn_potential([particle()], StructureOracle("emt"), CONFIG, Committee(members=1), tmp_path)
    with pytest.raises(InputError, match="labels"):
        LearningConfig(labels=2)
