"""The worker pool: order-free, time-limited, robust against workers that die."""

import os
import subprocess
import sys
import time

from mlmat.oracles.pool import judge
from mlmat.oracles.verdict import OK, Verdict


def moody(task):
    """Oracle for the tests: what it does is its task."""
    if task == "sleep":
        time.sleep(60)
    if task == "die":
        os._exit(3)
    if task == "raise":
        raise ValueError("no such molecule")
    return Verdict(OK, {"jax": "jax" in sys.modules, "threads": os.environ["OMP_NUM_THREADS"]})


def test_every_task_gets_its_verdict():
    tasks = ["fine", "sleep", "die", "raise", "fine"]
    verdicts = dict(judge(moody, iter(tasks), workers=2, time_limit=5))
    assert sorted(verdicts) == [0, 1, 2, 3, 4]
    assert verdicts[0].ok
    assert verdicts[4].ok
    assert verdicts[1].status == "timeout"
    assert verdicts[2].status.startswith("worker died")
    assert verdicts[3].status == "error: ValueError: no such molecule"
    assert verdicts[0].values["threads"] == "1"


def test_a_pool_can_be_left_early():
    began = time.monotonic()
    for _ in judge(moody, ["fine", "sleep", "sleep"], workers=2, time_limit=60):
        break
    assert time.monotonic() - began < 40


def test_a_script_without_its_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from mlmat.oracles.pool import judge\n"
        "from mlmat.oracles.rdkit import describe_smiles\n"
        "print('verdicts', list(judge(describe_smiles, ['CCO', 'CCN'], workers=1)))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "verdicts" not in done.stdout
    assert 'below if __name__ == "__main__"' in done.stderr.splitlines()[-1]
