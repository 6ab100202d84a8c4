"""The embedded set: complete, consistent with itself, and remade the same."""

import numpy as np
import pytest

from mlmat.data import small_organics
from mlmat.data.small_organics.pack import gfn2_checksum
from mlmat.data.small_organics.sample import random_member, sample_space
from mlmat.files import cut_torn_line, read_lines, sha256
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles
from mlmat.graphs.stability import stability_violations
from mlmat.oracles.xtb import label_smiles


@pytest.fixture(scope="module")
def data():
    return small_organics.load()


def test_it_has_the_promised_size(data):
    assert len(data) >= 10_000
    assert set(data["n_heavy"]) == set(range(3, 11))
    assert (small_organics.FOLDER / "small_organics.npz").stat().st_size < 5 * 2**20


def test_checksums_hold():
    notes = small_organics.provenance()
    assert sha256(small_organics.FOLDER / "small_organics.npz") == notes["sha256"]
    packed = dict(np.load(small_organics.FOLDER / "small_organics.npz"))
    assert gfn2_checksum(packed) == notes["gfn2_sha256"]


def test_molecules_are_distinct_members_of_the_space(data):
    assert len(set(data["smiles"])) == len(data)
    for smiles in data["smiles"][::97]:
        molecule = parse_smiles(smiles)
        assert canonical_smiles(molecule) == smiles
        assert not stability_violations(molecule)


def test_numbers_fit_together(data):
    np.testing.assert_allclose(data["lumo"] - data["homo"], data["gap"], atol=1e-4)
    assert (data["gap"] > 0).all()
    assert (data["atomisation_energy"] < 0).all()
    computed = np.isfinite(data["mp2_energy"])
    assert computed.any()
    assert (data["mp2_energy"][computed] < data["hf_energy"][computed]).all()
    for index in (0, 5000, len(data) - 1):
        numbers, positions = data.molecule(index)
        assert (numbers > 1).sum() == data["n_heavy"][index]
        distances = np.linalg.norm(positions[:, None] - positions, axis=-1) + 9 * np.eye(len(numbers))
        assert 0.9 < distances.min() < 1.2


def test_a_stored_label_is_made_again(data):
    index = list(data["smiles"]).index("CC=O")
    verdict = label_smiles("CC=O")
    assert verdict.values["gap"] == pytest.approx(data["gap"][index], abs=0.02)
    assert verdict.values["energy"] == pytest.approx(data["energy"][index], abs=0.01)


def test_sampling_repeats_and_respects_size():
    one, two = (sample_space({5: 15, 8: 15}, seed=3) for _ in range(2))
    assert one == two
    sizes = [parse_smiles(s).GetNumAtoms() for s in one.smiles]
    assert sizes == [5] * 15 + [8] * 15
    assert one.drawn > 30
    assert sum(one.rejected.values()) > 0


def test_random_members_pass_their_own_filter():
    rng = np.random.default_rng(0)
    for size in (4, 7, 10):
        assert not stability_violations(random_member(rng, size))


def test_a_torn_last_line_is_dropped(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"key": "CC"}\n{"key": "CC')
    assert [r["key"] for r in read_lines(path)] == ["CC"]
    cut_torn_line(path)
    assert path.read_text() == '{"key": "CC"}\n'
