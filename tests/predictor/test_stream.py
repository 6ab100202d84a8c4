"""Streams of rows: order kept, bad rows kept with their reason, workers change nothing."""

from itertools import count, islice

import numpy as np
import pytest

from mlmat.data.own.contents import Row
from mlmat.predictor import load_predictor, predict_smiles
from mlmat.predictor.stream import FEW, predict_rows

SMILES = ["CCO", "c1ccccc1", "CC(=O)C", "C#N", "CSC"]


def rows(texts):
    return [Row(k, str(k), text, text, None) for k, text in enumerate(texts, 1)]


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


def test_order_and_reasons_are_kept(predictor):
    given = rows(["CCO", "not a molecule", "C[Si]C", *SMILES])
    given.insert(2, Row(9, "x", "", None, "no SMILES"))
    answers = list(predict_rows(predictor, given, batch=3))
    assert [row.line for row, *_ in answers] == [row.line for row in given]
    reasons = [answer.reason for answer in answers]
    assert reasons[0] is None
    assert "bad SMILES" in reasons[1]
    assert reasons[2] == "no SMILES"
    assert "Si" in reasons[3]
    mean, std = predict_smiles(predictor, SMILES)
    np.testing.assert_allclose([answer.mean for answer in answers[4:]], mean, rtol=1e-5)
    np.testing.assert_allclose([answer.std for answer in answers[4:]], std, rtol=1e-4)


def test_workers_give_the_same_answers(predictor):
    given = rows((SMILES * (1 + FEW // 5))[: FEW + 10])
    one = list(predict_rows(predictor, given))
    two = list(predict_rows(predictor, given, workers=2))
    np.testing.assert_array_equal([a.mean for a in one], [a.mean for a in two])


def test_an_endless_stream_is_read_only_as_far_as_needed(predictor):
    taken = 0

    def endless():
        nonlocal taken
        for k in count():
            taken = k + 1
            yield Row(k, "", "CCO", "CCO", None)

    assert len(list(islice(predict_rows(predictor, endless()), 10))) == 10
    assert taken <= 2 * FEW
