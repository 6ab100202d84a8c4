"""Verdicts are kept as they arrive."""

import pytest

from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.searcher import Candidate
from mlmat.design.verification import verify_designs
from mlmat.design.wants import parse_want
from mlmat.oracles.verdict import OK, Verdict


def test_finished_verdicts_are_never_asked_for_twice(tmp_path):
    asked = []

    def oracle(smiles):
        for index, text in enumerate(smiles):
            asked.append(text)
            if len(asked) == 3:
                raise KeyboardInterrupt
            yield index, Verdict(OK, {"gap": 1.0}, 0.1)

    fake = molecule_problem(parse_want("gap=6.5"), 10)._replace(verify=oracle)
    designs = [Candidate(s, 0, (1.0,)) for s in ("CC", "CCO", "CN", "CS")]
    with pytest.raises(KeyboardInterrupt):
        verify_designs(fake, designs, tmp_path / "v.jsonl")
    verdicts = verify_designs(fake, designs, tmp_path / "v.jsonl")
    assert [v.ok for v in verdicts] == [True] * 4
    assert asked == ["CC", "CCO", "CN", "CN", "CS"]
