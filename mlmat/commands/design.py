"""`mlmat design`: noise → gradient → real molecules → an oracle → report."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import Progress

from mlmat.commands.design_options import DesignOptions
from mlmat.commands.runs import console, prepare, prepare_process, progress_bar
from mlmat.errors import InputError, NoDesignError

WANT = ("gap=4.0",)
"""What is wanted where nothing else is said."""

MOLECULES_ONLY = (
    "compare", "rounds", "elements", "size", "rings", "keep", "start", "oracle", "second_opinion", "train",
    "data",
)  # fmt: skip
"""Options that say nothing of a crystal."""

BASELINES = ("genetic", "random")
"""Searchers that `--compare` runs beside the chosen one."""


def run(options: DesignOptions) -> int:
    """Run the command; returns the exit code."""
    began = time.perf_counter()
    options = replace(options, want=options.want or WANT)
    if options.resume is None:
        _check(options)
        _check_kind(options)
    options, out = prepare(options, "design")
    console.print(f"[bold]mlmat design[/] {', '.join(options.want)}: {options.designs} designs → {out}")
    prepare_process()
    if options.prototype is not None:
        from mlmat.commands.design_crystals import design_crystals

        design_crystals(options, out)
        return 0
    from mlmat.commands.design_campaign import run_rounds
    from mlmat.commands.design_outputs import write_outputs
    from mlmat.commands.design_setup import set_up

    setup = set_up(options, out)
    seconds = {"setup": time.perf_counter() - began, "compile": 0.0, "search": 0.0, "verify": 0.0}
    figures = []
    if options.rounds > 1:
        outcomes, figures = run_rounds(options, out, setup, seconds)
    else:
        methods = dict.fromkeys((options.method, *(BASELINES if options.compare else ())))
        outcomes = [_outcome(options, out, setup, name, seconds) for name in methods]
    opinion = _second_opinion(options, out, outcomes[0]) if options.second_opinion else None
    seconds["run"] = time.perf_counter() - began - seconds["compile"]
    write_outputs(options, out, setup, outcomes, seconds, opinion, figures)
    if not any(row.verified for row in outcomes[0].rows):
        raise NoDesignError(
            f"none of {len(outcomes[0].rows)} designs survived the oracle; reasons in {out / 'designs.csv'}"
        )
    return 0


def _check(options: DesignOptions) -> None:
    """What can be said before a folder is made."""
    from mlmat.design.wants import parse_wants

    names = [want.name for want in parse_wants(options.want)]
    if options.designs < 1:
        raise InputError(f"--designs must be at least 1, not {options.designs}")
    if options.rounds < 1 or (options.rounds > 1 and options.compare):
        raise InputError("--rounds must be at least 1, and goes with one searcher: leave out --compare")
    if options.pareto and len(names) < 2:
        raise InputError("--pareto chooses between several wants: give --want more than once")
    if options.second_opinion and ("gap" not in names or options.oracle is not None):
        raise InputError("--second-opinion compares gaps: want a gap, judged by GFN2-xTB (no --oracle)")
    if options.train and (options.data is not None or options.predictor is not None):
        raise InputError("--train makes the shipped predictor anew: leave out --data and --predictor")


def _check_kind(options: DesignOptions) -> None:
    """Refuse options of molecules for crystals, and the other way round."""
    plain = DesignOptions()

    def given(names: tuple[str, ...]) -> list[str]:
        return [
            f"--{name.replace('_', '-')}" for name in names if getattr(options, name) != getattr(plain, name)
        ]

    if options.prototype is None:
        if wrong := given(("sites", "charged", "deform")):
            raise InputError(f"{', '.join(wrong)} are for crystals: name their --prototype, e.g. perovskite")
    elif wrong := given(MOLECULES_ONLY):
        raise InputError(f"{', '.join(wrong)} are for molecules: leave them out with --prototype")
    elif options.predictor is None:
        raise InputError(
            "no predictor of crystals ships with mlmat: give one with --predictor (mlmat train --model cgcnn)"
        )


def _outcome(options: DesignOptions, out: Path, setup: Any, method: str, seconds: dict[str, float]) -> Any:
    """Search by one method, and have what it submits judged."""
    from mlmat.commands.design_outcome import Outcome, further_names
    from mlmat.design.rows import design_rows
    from mlmat.design.searcher import get_searcher, submit
    from mlmat.design.verification import verify_designs

    more = _compiled(options, setup, seconds) if method == "gradient" else {}
    began = time.perf_counter()
    with progress_bar("{task.fields[found]}") as progress:
        bar = progress.add_task(f"{method} search", total=options.budget, found="")
        search = get_searcher(method)(
            setup.problem,
            setup.predictor,
            setup.objective,
            options.budget,
            options.seed,
            allowed=setup.constraints.allows,
            state_file=out / f"search-{method}.state",
            report=lambda spent, found: _show(progress, bar, spent, found),
            **more,
        )
        progress.update(bar, completed=options.budget, found=f"{len(search.pool):,} molecules")
    chosen = submit(setup.predictor, search, setup.objective, options.designs)
    seconds["search"] += time.perf_counter() - began
    console.print(
        f"{len(search.pool):,} different molecules found, {len(chosen)} submitted to {setup.oracle}"
    )
    began = time.perf_counter()
    with progress_bar() as progress:
        bar = progress.add_task(setup.oracle, total=len(chosen))
        verdicts = verify_designs(
            setup.problem, chosen, out / "verdicts.jsonl", lambda done: progress.update(bar, completed=done)
        )
    seconds["verify"] += time.perf_counter() - began
    rows = design_rows(
        chosen,
        verdicts,
        setup.knowledge.smiles,
        setup.objective,
        setup.predictor.properties,
        method,
        further_names(setup),
    )
    geometries = [verdict.values.get("positions") if verdict.ok else None for verdict in verdicts]
    return Outcome(method, method, search, rows, geometries)


def _show(progress: Progress, bar: Any, spent: int, found: int) -> None:
    progress.update(bar, completed=spent, found=f"{found:,} molecules")


def _compiled(options: DesignOptions, setup: Any, seconds: dict[str, float]) -> dict[str, Any]:
    """The gradient search, compiled ahead of time, so that its time is reported apart."""
    import jax

    from mlmat.design.searchers.gradient import init_search, make_chunk, tuned

    began = time.perf_counter()
    config, members = tuned(options.budget), setup.predictor.members
    with console.status("compiling the search"):
        starts = config.starts(options.budget, members)
        state = init_search(setup.problem, config, starts, members, jax.random.key(options.seed))
        chunk = make_chunk(setup.problem, config).lower(setup.predictor, state).compile()
    seconds["compile"] += time.perf_counter() - began
    return {"config": config, "chunk": chunk}


def _second_opinion(options: DesignOptions, out: Path, outcome: Any) -> Any:
    """B3LYP gaps of the best designs."""
    from mlmat.design.verification import read_verdicts
    from mlmat.oracles.second_opinion import second_opinion

    found = read_verdicts(out / "verdicts.jsonl")
    smiles = [row.smiles for row in outcome.rows]
    with console.status(f"B3LYP of {options.second_opinion} designs, about a minute each"):
        return second_opinion(
            smiles,
            [found[text] for text in smiles],
            k=options.second_opinion,
            lines=out / "b3lyp.jsonl",
            workers=options.workers,
        )
