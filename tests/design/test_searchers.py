"""What the contract promises of every searcher: budget, determinism, members only, exact resume."""

from functools import partial

import pytest
from fakes import PROBLEM, CarbonObjective, carbon_predictor

from mlmat.design.molecules.members import MOLECULES
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.searcher import SEARCHERS, Candidate, Search, get_searcher, submit
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.searchers.gradient import GradientConfig
from mlmat.design.searchers.hybrid import HybridConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.searchers.screening import search as screen
from mlmat.errors import DataError, InputError, NoDesignError
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles
from mlmat.graphs.stability import stability_violations

BUDGET = 203
"""Not a multiple of anything, so that a last round has to be cut."""

GRADIENT = GradientConfig(steps=4, chunk=2, parallel=8, learning_rate=0.5, harvest=0.5)
OBJECTIVE = CarbonObjective(8)


@pytest.fixture(scope="module")
def runs():
    predictor = carbon_predictor(8)
    problem = molecule_problem(OBJECTIVE, 8)
    breeding = GeneticConfig(population=24, children=16, lineage=120)
    moves = InformedConfig(genetic=breeding, parents=2, mutants=24, chosen=6, waves=2, bred=8)
    options = {
        "gradient": {"config": GRADIENT},
        "genetic": {"config": breeding},
        "hybrid": {"config": HybridConfig(share=0.3, gradient=GRADIENT, informed=moves)},
        "informed": {"config": moves},
    }
    return {
        name: partial(get_searcher(name), problem, predictor, OBJECTIVE, BUDGET, 5, **options.get(name, {}))
        for name in SEARCHERS
    }


@pytest.mark.parametrize("name", SEARCHERS)
def test_the_contract(runs, name, tmp_path):
    class Killed(Exception):
        pass

    def kill(spent, found):
        if spent > BUDGET / 2:
            raise Killed

    options = {"known": {"CCCCCCCC"}, "allowed": lambda smiles: "S" not in smiles.upper()}
    whole = runs[name](**options)
    smiles = [candidate.smiles for candidate in whole.pool]
    assert 0 < len(smiles) == len(set(smiles)) <= whole.spent <= BUDGET
    assert not set(smiles) & options["known"]
    assert all(map(options["allowed"], smiles))
    for text in smiles:
        molecule = parse_smiles(text)
        assert canonical_smiles(molecule) == text
        assert not stability_violations(molecule)

    state, spent = tmp_path / "search.state", []
    with pytest.raises(Killed):
        runs[name](state_file=state, report=kill, **options)
    resumed = runs[name](state_file=state, report=lambda done, found: spent.append(done), **options)
    assert resumed.pool == whole.pool
    assert resumed.spent == whole.spent
    assert name == "hybrid" or min(spent) > BUDGET / 2


def test_evolution_beats_drawing(runs):
    def merit(name):
        search = runs[name]()
        return sum(c.merit for c in submit(carbon_predictor(), search, OBJECTIVE, 16))

    drawn = merit("random")
    assert merit("genetic") < 0.6 * drawn
    assert merit("informed") < 0.8 * drawn


def test_the_best_are_submitted_once_each():
    pool = [Candidate(s) for s in ("CCO", "CCCC", "CO", "CCCC")]
    chosen = submit(carbon_predictor(), Search(pool, 4, None, {}, MOLECULES), CarbonObjective(4), 2)
    assert [c.smiles for c in chosen] == ["CCCC", "CCO"]
    assert chosen[0].merit == pytest.approx(0.02, abs=1e-5)
    assert chosen[0].mean == pytest.approx((4.0,))
    with pytest.raises(NoDesignError, match="3 peroxide"):
        submit(carbon_predictor(), Search([], 4, None, {"peroxide": 3}, MOLECULES), OBJECTIVE, 2)
    with pytest.raises(InputError, match="choose one of gradient"):
        get_searcher("annealing")


def test_a_stream_is_screened_in_constant_memory(tmp_path):
    lines = ["CCCCCCC", "CC", "OCC", "CCO", "COOC", "CCCCCCCCCCCC", "C[Si]", "nonsense", "CCCC"]
    file = tmp_path / "stream.smi"
    file.write_text("".join(f"{line} name\n" for line in lines))
    found = screen(PROBLEM, carbon_predictor(), OBJECTIVE, 100, 0, stream=file, keep=2)
    assert [c.smiles for c in found.pool] == ["CCCCCCC", "CCCC"]
    assert found.spent == 4  # CC and CCO too, once
    assert found.lost == {
        "found before": 1,
        "peroxide": 1,
        "size": 1,
        "UnknownElementError": 1,
        "SmilesError": 1,
    }
    assert screen(PROBLEM, carbon_predictor(), OBJECTIVE, 2, 0, stream=lines).spent == 2


def test_a_state_of_other_settings_is_refused(runs, tmp_path):
    runs["random"](state_file=tmp_path / "s")
    with pytest.raises(DataError, match="other settings"):
        runs["genetic"](state_file=tmp_path / "s")
