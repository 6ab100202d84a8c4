"""Campaigns with a cheap oracle and a tiny predictor: they learn, repeat nothing, and survive kills."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.data.small_organics.sample import sample_space
from mlmat.design.campaign.loop import round_seed
from mlmat.design.campaign.round import CampaignConfig
from mlmat.design.campaign.run import run_campaign
from mlmat.design.campaign.training import CampaignData, Labelled, Retraining, examples, retrain
from mlmat.design.molecules.members import MOLECULES
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, Search
from mlmat.design.wants import parse_want
from mlmat.errors import DataError, InputError, NoDesignError
from mlmat.graphs.softgraph import SoftGraphEncoder, from_smiles
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.oracles.verdict import OK, Verdict
from mlmat.predictor import Predictor, predict_smiles
from mlmat.training.config import TrainingConfig
from mlmat.training.loop import initial_variables
from mlmat.typing import Problem

OBJECTIVE = Objective((parse_want("gap=2..9"),))
TRAINING = TrainingConfig(epochs=20, batch=20, learning_rate=1e-2, ema=0.9)
CONFIG = CampaignConfig(
    rounds=2, designs=6, budget=40, retraining=Retraining(TRAINING, repeats=4, rehearsal=60)
)


def truth(smiles):
    """The cheap oracle's property: four for a molecule with oxygen, less what nitrogen takes."""
    return 4.0 * ("O" in smiles) - 0.5 * smiles.upper().count("N")


def verify(smiles):
    for index, text in enumerate(smiles):
        ok = "F" not in text
        yield index, Verdict(OK, {"gap": truth(text)}, 0.5) if ok else Verdict("fluorine", {}, 0.5)


def search(
    problem, predictor, objective, budget, seed, *, known=(), allowed=None, state_file=None, report=None
):
    """Random members: what the contract asks of a searcher, and no more."""
    found = sample_space({5: budget // 2, 6: budget // 2}, seed, exclude=frozenset(known)).smiles
    pool = [Candidate(s) for s in found if allowed is None or allowed(s)]
    return Search(pool, len(pool), np.zeros((0, 0)), {}, MOLECULES)


search.__module__ = "searchers"  # the same name when this file is run as a program


def labelled(count, seed):
    smiles = list(sample_space({4: count // 2, 5: count // 2}, seed).smiles)
    return Labelled(smiles, np.array([[truth(s)] for s in smiles]))


def tiny_predictor():
    model = SoftMPNN(outputs=1, features=8, layers=1)
    example = jax.tree.map(jnp.asarray, from_smiles(["CCO"], 6))
    variables = initial_variables(model, example, TrainingConfig(members=2))
    mean, scale = jnp.array([1.0]), jnp.array([2.0])
    return Predictor(variables, mean, scale, model, SoftGraphEncoder(6), ("gap",), ("eV",))


PROBLEM = Problem(None, None, None, None, verify, MOLECULES)


@pytest.fixture(scope="module")
def data():
    return CampaignData(labelled(60, 1), labelled(20, 2), labelled(20, 3))


@pytest.fixture(scope="module")
def predictor():
    return tiny_predictor()


@pytest.fixture(scope="module")
def whole(data, predictor, tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    return folder, run_campaign(PROBLEM, predictor, OBJECTIVE, search, data, CONFIG, folder)


def designs(folder, number):
    return [
        row[0] for row in json.loads((folder / f"round-{number}" / "proposed.json").read_text())["designs"]
    ]


def test_the_error_on_designs_falls_and_every_verdict_is_kept(whole):
    folder, rounds = whole
    assert [row.round for row in rounds] == [1, 2]
    before, after = (row.errors["gap"] for row in rounds)
    assert after.mae < 0.75 * before.mae  # an untrained predictor learns
    assert after.test < before.test
    assert len((folder / "campaign.csv").read_text().splitlines()) == 1 + 2 * 6
    assert len((folder / "verdicts.jsonl").read_text().splitlines()) == 2 * 6


def test_nothing_labelled_or_verified_is_submitted_again(whole, data):
    folder, _ = whole
    submitted = [s for number in (1, 2) for s in designs(folder, number)]
    assert len(set(submitted)) == 12
    assert not set(submitted) & {s for part in data for s in part.smiles}


def test_a_round_without_anything_new_says_so(data, predictor, tmp_path):
    with pytest.raises(NoDesignError):
        run_campaign(
            PROBLEM, predictor, OBJECTIVE, search, data, CONFIG, tmp_path, allowed=lambda smiles: False
        )


@pytest.mark.parametrize("stop", [("retrain", 2, 18), ("verify", 2, 3)])
def test_an_interrupted_campaign_ends_as_an_uninterrupted_one(stop, whole, data, predictor, tmp_path):
    class Killed(BaseException):
        pass

    def kill(number, stage, done, total):
        if (stage, number, done) == stop:
            raise Killed

    arguments = (PROBLEM, predictor, OBJECTIVE, search, data, CONFIG, tmp_path)
    with pytest.raises(Killed):
        run_campaign(*arguments, report=kill)
    seen = []
    again = run_campaign(
        *arguments, report=lambda number, stage, done, total: seen.append((stage, number, done))
    )
    if stop[0] == "retrain":
        assert ("retrain", 2, 1) not in seen  # from its checkpoint, not from the beginning
        assert ("retrain", 2, 20) in seen
    assert (tmp_path / "campaign.csv").read_text() == (whole[0] / "campaign.csv").read_text()
    assert again == whole[1]


def test_a_finished_campaign_costs_nothing_and_can_go_on(whole, data, predictor, tmp_path):
    folder, rounds = whole
    calls = []

    def counted(*args, **kwargs):
        calls.append("search")
        return search(*args, **kwargs)

    counted.__module__, counted.__qualname__ = search.__module__, search.__qualname__
    arguments = (PROBLEM, predictor, OBJECTIVE, counted, data)
    assert run_campaign(*arguments, CONFIG, folder) == rounds
    assert calls == []
    longer = run_campaign(*arguments, replace(CONFIG, rounds=3), folder, learn=stand_in)
    assert calls == ["search"]
    assert longer[:2] == rounds
    assert longer[2].submitted == 6


def test_other_settings_do_not_mix(whole, data, predictor):
    with pytest.raises(DataError, match="another designs"):
        run_campaign(PROBLEM, predictor, OBJECTIVE, search, data, replace(CONFIG, designs=7), whole[0])
    other = replace(predictor, mean=predictor.mean + 1)
    with pytest.raises(DataError, match="another predictor"):
        run_campaign(PROBLEM, other, OBJECTIVE, search, data, CONFIG, whole[0])


def test_examples_hold_each_verified_design_so_many_times(data):
    from mlmat.design.campaign.table import Judged

    def row(smiles, verdict):
        return Judged(1, 1, smiles, {"gap": 1.0, "homo": -7.0}, {}, verdict)

    judged = [
        row("CCCCO", Verdict(OK, {"gap": 4.0})),
        row("CCCCF", Verdict("timeout")),
        row("CCCCN", Verdict(OK, {"gap": float("nan")})),
    ]
    two = data._replace(train=Labelled(data.train.smiles, np.repeat(data.train.targets, 2, axis=1)))
    found = examples(two, judged, ("gap", "homo"), Retraining(repeats=3, rehearsal=10), seed=0)
    assert found.smiles[10:] == ["CCCCO"] * 3
    assert found.targets[10:].tolist() == [[4.0, -7.0]] * 3  # what was not reported stays as predicted
    assert set(found.smiles[:10]) <= set(data.train.smiles)
    for k in range(10):
        assert found.targets[k, 0] == truth(found.smiles[k])


def test_retraining_leaves_other_predictors_alone(data, predictor):
    assert retrain(predictor, data, [], Retraining()) is predictor
    with pytest.raises(InputError, match="retrain function of your own"):
        retrain(replace(predictor, encoder=None), data, [], Retraining())


def test_rounds_have_seeds_of_their_own():
    assert len({round_seed(seed, number) for seed in range(20) for number in range(1, 6)}) == 100


def stand_in(predictor, data, judged, config, *, seed, checkpoint, report):
    """Retraining without training: corrects the mean error, for the test below."""
    found = [item for item in judged if item.verdict.ok]
    predicted = predict_smiles(predictor, [item.smiles for item in found])[0][:, 0]
    shift = np.mean([truth(item.smiles) for item in found] - predicted)
    return replace(predictor, mean=predictor.mean + np.float32(shift))


def test_a_campaign_survives_sigkill_in_the_middle_of_a_line(tmp_path):
    parts = {name: tmp_path / name for name in ("whole", "killed")}
    for folder in parts.values():
        folder.mkdir()
    done = subprocess.run([sys.executable, __file__, str(parts["killed"])], timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert (parts["killed"] / "verdicts.jsonl").read_text().endswith('{"smiles": "CC')
    for folder in parts.values():
        short_campaign(folder)
    whole, killed = (folder.joinpath("campaign.csv").read_text() for folder in parts.values())
    assert whole == killed
    assert len(whole.splitlines()) == 1 + 2 * 6


def short_campaign(folder, report=lambda number, stage, done, total: None):
    data = CampaignData(labelled(20, 1), Labelled([], np.zeros((0, 1))), Labelled([], np.zeros((0, 1))))
    learn = {"learn": stand_in, "report": report}
    run_campaign(PROBLEM, tiny_predictor(), OBJECTIVE, search, data, CONFIG, folder, **learn)


def main(folder):
    """Run by the test above in a process of its own, which dies while it writes a verdict."""

    def report(number, stage, done, total):
        if (number, stage, done) == (2, "verify", 4):
            with open(folder / "verdicts.jsonl", "a") as stream:
                stream.write('{"smiles": "CC')
            os.kill(os.getpid(), signal.SIGKILL)

    short_campaign(folder, report)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
