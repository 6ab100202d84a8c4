"""Training steps side by side: every contender is a process of its own, on the same cores, in turns.

A contender is a command that makes its first step at once and prints a JSON line about it, then
reads a number of steps from each line and answers with their times; `steps_jax.py` does that for
anything in JAX.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from mlmat.files import write_json


class Contender:
    """A process that makes its first step at once and further ones when told to.

    Args:
        command: see the head of this file.
        threads: cores of this process's that it may use; all by default.
    """

    def __init__(self, command: list[str], threads: int | None = None):
        start = time.perf_counter()
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(len(cores))},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self.first = self._answer()
        self.seconds_to_first_step = time.perf_counter() - start

    def steps(self, count: int) -> dict:
        """Make so many steps; ``{"ms": [...], "loss": last}``."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate(timeout=30)

    def _answer(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])


def pin(threads: int) -> None:
    """Keep this process and its contenders to so many cores, without accelerators or old programs."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, cores)
    os.environ |= {"OMP_NUM_THREADS": str(len(cores)), "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)


def measure(
    commands: dict[str, list[str]],
    rounds: int,
    steps: int,
    agree: Callable[[dict[str, float]], None],
    threads: dict[str, int] | None = None,
) -> list[dict]:
    """One row for each contender that starts: times over all rounds, and ratios to the first.

    Args:
        commands: name → command; the first must run.
        rounds: in which each contender has its turn.
        steps: of a turn.
        agree: raises if losses (name → loss) are not those of the same training; it sees those of
            the first step, and of the last step of every turn.
        threads: name → cores that it may use; all without.
    """
    contenders = {}
    for name, command in commands.items():
        try:
            contenders[name] = Contender(command, (threads or {}).get(name))
        except (OSError, RuntimeError) as error:
            print(f"{name} is left out, it does not run: {error}")
    agree({name: contender.first["loss"] for name, contender in contenders.items()})
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        answers = {name: contender.steps(steps) for name, contender in contenders.items()}
        agree({name: answer["loss"] for name, answer in answers.items()})
        for name, answer in answers.items():
            times[name] += answer["ms"]
    ours = times[next(iter(commands))]
    rows = []
    for name, contender in contenders.items():
        contender.close()
        low, middle, high = statistics.quantiles(times[name], n=4)
        rows.append(
            {
                "name": name,
                "median_ms": middle,
                "quartiles_ms": [low, high],
                "fastest_ms": min(times[name]),
                "ratio_to_first": middle / statistics.median(ours),
                # Other jobs on the machine disturb the fastest step least.
                "ratio_of_fastest": min(times[name]) / min(ours),
                "compile_s": contender.first["compile_s"],
                "start_to_first_step_s": contender.seconds_to_first_step,
                "first_loss": contender.first["loss"],
                "versions": contender.first["versions"],
            }
        )
    return rows


def report(benchmark: str, config: dict, rows: list[dict], load: float, out: str | Path) -> None:
    """Print the table of `measure` and write it as JSON.

    Args:
        benchmark: its name.
        config: what was run.
        rows: of `measure`.
        load: average of the machine before the run.
        out: JSON file.
    """
    print(
        "| | step, ms (quartiles) | fastest, ms | ratio (of fastest) | compile, s | start to first step, s |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        low, high = row["quartiles_ms"]
        print(
            f"| {row['name']} | {row['median_ms']:.1f} ({low:.1f} to {high:.1f}) | {row['fastest_ms']:.1f} "
            f"| {row['ratio_to_first']:.1f} ({row['ratio_of_fastest']:.1f}) | {row['compile_s']:.1f} "
            f"| {row['start_to_first_step_s']:.1f} |"
        )
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    machine = {"arch": platform.machine(), "cores": os.cpu_count(), "load": load}
    versions = {"mlmat": version("mlmat")}
    record = {"benchmark": benchmark, "config": config, "machine": machine}
    write_json(out, {**record, "versions": versions, "rows": rows})
