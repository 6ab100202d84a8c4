"""`mlmat design`: noise → gradient → real molecules → quantum chemistry → report."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.table import Table

from mlmat.commands.design_options import DesignOptions
from mlmat.commands.runs import (
    command_line,
    console,
    plain_options,
    prepare,
    prepare_process,
    progress_bar,
)
from mlmat.design.wants import Want, check_range, parse_want
from mlmat.errors import InputError, NoDesignError


class Knowledge(NamedTuple):
    """What the predictor was trained on: SMILES, gaps, and where they are from."""

    smiles: list[str]
    values: np.ndarray
    data: dict[str, str]
    validation_mae: float | None


def run(options: DesignOptions) -> int:
    """Run the command; returns the exit code."""
    began = time.perf_counter()
    if options.resume is None:
        parse_want(options.want)  # before a folder is made
    options, out = prepare(options, "design")
    want = parse_want(options.want)
    if options.designs < 1:
        raise InputError(f"--designs must be at least 1, not {options.designs}")
    console.print(f"[bold]mlmat design[/] {options.want} eV, {options.designs} designs → {out}")

    prepare_process()
    import jax

    from mlmat.design import run as design
    from mlmat.design.gradient import make_chunk
    from mlmat.design.molecules import molecule_problem, verify_smiles

    predictor, knowledge = _predictor(options, out, want.name)
    predictor.index(want.name)
    if len(knowledge.values):
        check_range(want, float(knowledge.values.min()), float(knowledge.values.max()))
    problem = molecule_problem(want, predictor.capacity)
    problem = problem._replace(verify=partial(verify_smiles, workers=options.workers))
    config = design.SearchConfig(want, options.designs, options.budget, options.seed)
    setup = time.perf_counter() - began

    compile_began = time.perf_counter()
    starts = config.gradient.starts(config.budget, predictor.members)
    chunk = _compiled(problem, predictor, config, starts, make_chunk(problem, config.gradient), jax)
    compile_seconds = time.perf_counter() - compile_began

    search_began = time.perf_counter()
    with progress_bar() as progress:
        bar = progress.add_task(f"descending from {starts} starts", total=config.gradient.steps)
        search = design.search_pool(
            problem,
            predictor,
            config,
            chunk=chunk,
            state_file=out / "search.state",
            report=lambda step, found: progress.update(bar, completed=step),
        )
    chosen = design.select(predictor, search.pool, want, options.designs)
    search_seconds = time.perf_counter() - search_began
    console.print(f"{len(search.pool)} different molecules found, {len(chosen)} submitted to GFN2-xTB")

    verify_began = time.perf_counter()
    with progress_bar() as progress:
        bar = progress.add_task("quantum chemistry", total=len(chosen))
        verdicts = design.verify_designs(
            problem, chosen, out / "verdicts.jsonl", lambda done: progress.update(bar, completed=done)
        )
    seconds = {
        "setup": setup,
        "compile": compile_seconds,
        "search": search_seconds,
        "verify": time.perf_counter() - verify_began,
        "run": time.perf_counter() - began - compile_seconds,
    }
    _write(options, out, want, search, chosen, verdicts, knowledge, seconds)
    if not any(verdict.ok for verdict in verdicts):
        raise NoDesignError(
            f"none of {len(chosen)} designs survived quantum chemistry; reasons in {out / 'designs.csv'}"
        )
    return 0


def _predictor(options: DesignOptions, out: Path, name: str):
    """The predictor asked for, and what it was trained on."""
    from mlmat.data import small_organics
    from mlmat.data.tables import read_table
    from mlmat.predictor import SHIPPED, load_predictor, read_header
    from mlmat.pretrained.make import gap_split, train_gap_predictor, train_on
    from mlmat.training.config import TrainingConfig

    trained = out / "trained.mlmat"
    training = TrainingConfig(epochs=options.epochs)
    if options.data is not None:
        smiles, values = read_table(options.data, target=name)
        if not trained.exists():
            with progress_bar() as progress:
                bar = progress.add_task("training", total=options.epochs)
                train_on(
                    smiles,
                    values[:, None],
                    (name,),
                    trained,
                    training,
                    lambda i: progress.update(bar, completed=i["epoch"]),
                )
        mae = read_header(trained)["notes"]["validation_mae"].get(name)
        return load_predictor(trained), Knowledge(smiles, values, {str(options.data): ""}, mae)
    if options.train and not trained.exists():
        with progress_bar() as progress:
            bar = progress.add_task("training", total=options.epochs)
            train_gap_predictor(trained, training, lambda i: progress.update(bar, completed=i["epoch"]))
    path = trained if options.train else options.predictor
    predictor = load_predictor(path)
    notes = read_header(path or SHIPPED)["notes"]
    mae = notes.get("validation_mae", {}).get(name)
    if notes.get("data", {}).get("sha256") != small_organics.provenance()["gfn2_sha256"]:
        return predictor, Knowledge([], np.zeros(0), {}, mae)
    data, rows = small_organics.load(), gap_split().train
    checksum = {"small_organics": notes["data"]["sha256"]}
    values = data[name][rows] if name in data.arrays else np.zeros(0)
    return predictor, Knowledge(data["smiles"][rows].tolist(), values, checksum, mae)


def _compiled(problem, predictor, config, starts: int, chunk, jax):
    """Compile the search ahead of time, so that its time is reported apart."""
    from mlmat.design.gradient import init_search

    with console.status("compiling the search"):
        state = init_search(problem, config.gradient, starts, predictor.members, jax.random.key(config.seed))
        return chunk.lower(predictor, state).compile()


def _write(options, out: Path, want: Want, search, chosen, verdicts, knowledge: Knowledge, seconds) -> None:
    """All result files, and the closing table."""
    from mlmat.analysis import plots
    from mlmat.analysis.design_table import write_csv, write_structures
    from mlmat.analysis.record import RunRecord, save_record
    from mlmat.analysis.report import write_report
    from mlmat.design.rows import design_metrics, design_rows

    rows = design_rows(chosen, verdicts, knowledge.smiles, want)
    write_csv(rows, out / "designs.csv")
    ok = [
        (row, verdict.values["positions"]) for row, verdict in zip(rows, verdicts, strict=True) if verdict.ok
    ]
    write_structures(ok, out / "structures.sdf")
    metrics = design_metrics(rows, want, options.designs)
    record = RunRecord(
        system="inverse design of small organic molecules",
        preset="design",
        command=command_line(options, "design"),
        config=plain_options(options) | {"lost": search.lost},
        seeds=[options.seed],
        data=knowledge.data,
        seconds={name: round(value, 2) for name, value in seconds.items()},
        metrics=metrics,
    )
    save_record(record, out / "results.json")
    window = want.window
    verified = np.array([row.gap_verified for row in rows if row.gap_verified is not None])
    plots.draw_molecules(rows, window, out / "molecules.png")
    plots.draw_descent(search.history, window, verified, knowledge.values, out / "descent.png")
    plots.draw_parity(rows, window, out / "parity.png")

    hits = sum(want.hit(value) for value in verified)
    base = float(np.mean([want.hit(v) for v in knowledge.values])) if len(knowledge.values) else None
    error = next((m.value for m in metrics if m.name.startswith("error on designs")), None)
    facts = {
        "hits": f"{hits} of {options.designs}",
        "hit share": f"{hits / options.designs:.0%}",
        "same share among training molecules": "unknown" if base is None else f"{base:.1%}",
        "error on the designs (MAE)": "none verified" if error is None else f"{error:.2f} eV",
        "validation error (MAE)": "unknown"
        if knowledge.validation_mae is None
        else f"{knowledge.validation_mae:.2f} eV",
        "wall time": f"{seconds['run'] + seconds['compile']:.0f} s ({seconds['compile']:.0f} s compiling)",
    }
    write_report(
        out / "report.html",
        title=f"Molecules with {options.want} eV",
        summary=(
            f"{options.designs} molecules were designed by gradient descent through the predictor; GFN2-xTB, "
            f"which was not in the loop, finds {hits} of them between {window[0]:.2f} and {window[1]:.2f} eV."
        ),
        facts=facts,
        figures=[
            (
                out / "molecules.png",
                "The most trusted designs. Blue: verified inside the window; orange: outside.",
            ),
            (out / "descent.png", "Left: relaxed molecules following the gradient. Right: verified values."),
            (out / "parity.png", "Predicted against verified; bars: ensemble standard deviation."),
        ],
        rows=rows,
        window=window,
        record=record,
    )
    _print_table(rows, want, facts, out)


def _print_table(rows, want: Want, facts: dict[str, str], out: Path) -> None:
    table = Table(title=f"First designs of {len(rows)}", title_justify="left")
    for head in ("rank", "SMILES", "predicted (eV)", "GFN2-xTB (eV)", "verdict"):
        table.add_column(head, justify="left" if head in ("SMILES", "verdict") else "right")
    for row in rows[:12]:
        verdict = (
            row.status if row.gap_verified is None else ("hit" if want.hit(row.gap_verified) else "miss")
        )
        verified = "" if row.gap_verified is None else f"{row.gap_verified:.2f}"
        table.add_row(
            str(row.rank), row.smiles, f"{row.gap_predicted:.2f} ± {row.gap_std:.2f}", verified, verdict
        )
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name:>38}  [bold]{value}[/]")
    console.print("A GFN2-xTB gap is a difference of orbital energies, not an optical gap.", style="dim")
    console.print(f"Report: {out / 'report.html'}")
