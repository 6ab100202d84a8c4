"""The shipped surrogates of RDKit's properties, against RDKit on molecules they were not fitted to."""

import numpy as np
import pytest

from mlmat.data import small_organics
from mlmat.predictor import load_predictor, predict_smiles, read_header
from mlmat.pretrained.make import gap_split
from mlmat.pretrained.make_rdkit import PROPERTIES, RDKIT, rdkit_targets


@pytest.fixture(scope="module")
def sample():
    smiles = small_organics.load()["smiles"]
    rows = np.random.default_rng(0).choice(gap_split().test, 200, replace=False)
    return smiles[rows].tolist()


def test_the_errors_written_in_the_file_are_those_of_the_file(sample):
    predictor, notes = load_predictor(RDKIT), read_header(RDKIT)["notes"]
    assert predictor.properties == PROPERTIES
    assert predictor.members == 3
    error = np.abs(predict_smiles(predictor, sample).mean - rdkit_targets(sample))
    for column, name in enumerate(PROPERTIES):
        spread = error[:, column].std() / np.sqrt(len(sample))
        assert abs(error[:, column].mean() - notes["test_mae"][name]) < 4 * spread
        assert notes["test_r2"][name] > 0.85


def test_the_file_is_small():
    assert RDKIT.stat().st_size < 1.5e6
