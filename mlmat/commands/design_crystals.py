"""`mlmat design --prototype …`: elements on the sites of a prototype, by a predictor of structures."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import Any

from mlmat.commands.design_options import DesignOptions
from mlmat.commands.runs import command_line, console, plain_options, progress_bar
from mlmat.errors import InputError, NoDesignError, UnknownElementError
from mlmat.files import atomic_write

ROUNDS = 10
"""Evaluations for each member of a space, beyond which nothing new is to be found."""


def design_crystals(options: DesignOptions, out: Path) -> None:
    """Search, and write ``designs.csv``, ``designs.extxyz``, a CIF for each and ``results.json``.

    Args:
        options: with a prototype and a predictor.
        out: folder of the run.

    Raises:
        InputError, NoDesignError: see `mlmat.design.crystals`.
    """
    from mlmat.analysis.record import Metric, RunRecord, save_record
    from mlmat.design.crystals.climb import climbable
    from mlmat.design.crystals.lattice import covalent_lattice
    from mlmat.design.crystals.problem import crystal_problem, distinct_compositions
    from mlmat.design.crystals.realise import atoms_of, implausible
    from mlmat.design.objective import scaled_objective
    from mlmat.design.searcher import get_searcher, submit
    from mlmat.design.wants import parse_wants
    from mlmat.predictor import load_predictor

    began = time.perf_counter()
    predictor = load_predictor(options.predictor)
    wants = parse_wants(options.want, predictor.properties)
    space = crystal_space(options, predictor)
    climbed = climbable(
        predictor,
        space,
        covalent_lattice(space.prototype, predictor.encoder.elements),
        deform=options.deform != "none",
        symmetric=options.deform != "free",
    )
    objective = scaled_objective(
        wants, climbed, options.caution, pareto=options.pareto, diversity=options.diversity
    )
    problem = crystal_problem(objective, space, climbed)
    budget = min(options.budget, ROUNDS * len(space.rows)) if space.listed else options.budget
    size = f"{len(space.rows):,}" if space.listed else f"up to {math.prod(map(len, space.fillings)):,}"
    console.print(f"{size} crystals of {space.prototype.name}, {budget:,} evaluations")
    with progress_bar("{task.fields[found]}") as progress:
        bar = progress.add_task(f"{options.method} search", total=budget, found="")
        search = get_searcher(options.method)(
            problem,
            climbed,
            objective,
            budget,
            options.seed,
            state_file=out / f"search-{options.method}.state",
            report=lambda spent, found: progress.update(bar, completed=spent, found=f"{found:,} crystals"),
        )
    sound = [c for c in search.pool if not implausible(atoms_of(space, climbed, c.name))]
    search = distinct_compositions(search._replace(pool=sound), problem.members)
    chosen = submit(climbed, search, objective, options.designs)
    structures = [atoms_of(space, climbed, candidate.name) for candidate in chosen]
    _write(out, space, climbed, chosen, structures, wants)
    said = f"{len(chosen)} designs, not verified: predictions of {options.predictor}, lattices from radii"
    console.print(f"{said}\n→ {out / 'designs.csv'}, {out / 'designs.extxyz'}, {out / 'cif'}")
    record = RunRecord(
        system="design of crystals",
        preset="design",
        command=command_line(options, "design"),
        config={k: v for k, v in plain_options(options).items() if k not in ("out", "resume")},
        seeds=[options.seed],
        data={},
        seconds={"run": round(time.perf_counter() - began, 2)},
        metrics=[
            Metric("designs", float(len(chosen)), "1"),
            Metric("crystals predicted", float(len(search.pool)), "1"),
            Metric("best merit", float(chosen[0].merit), "1"),
        ],
    )
    save_record(record, out / "results.json")


def crystal_space(options: DesignOptions, predictor: Any) -> Any:
    """The space that the options describe.

    Raises:
        InputError: an unknown prototype or group, elements that cannot be read, or a space without members.
    """
    from mlmat.design.crystals.fillings import parse_filling
    from mlmat.design.crystals.prototypes import PROTOTYPES, get_prototype, prototype_from_atoms
    from mlmat.design.crystals.space import make_space
    from mlmat.elements.oxidation import oxidation_states

    name = options.prototype
    if name not in PROTOTYPES and Path(name).exists():
        import ase.io

        try:
            prototype = prototype_from_atoms(ase.io.read(name), Path(name).stem)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"cannot read a structure from {name}: {error}") from error
    else:
        prototype = get_prototype(name)
    states = oxidation_states()
    every = [s for s in predictor.encoder.elements if options.charged or s in states]
    fillings = {label: list(every) for label in prototype.labels}
    for text in options.sites:
        label, equals, elements = text.partition("=")
        if not equals or label not in fillings or not elements.strip(","):
            raise InputError(
                f"cannot read --sites {text!r}: write GROUP=ELEMENTS, e.g. {prototype.labels[0]}=Ca,Sr; "
                f"{prototype.name} has the groups {', '.join(prototype.labels)}"
            )
        group = prototype.groups[prototype.labels.index(label)]
        fillings[label] = [parse_filling(word, len(group)) for word in elements.split(",") if word]
        for filling in fillings[label]:
            for symbol in filling:
                if symbol not in predictor.encoder.elements:
                    raise UnknownElementError(symbol, predictor.encoder.elements)
    return make_space(prototype, list(fillings.values()), neutral=not options.charged)


def _write(out: Path, space: Any, climbed: Any, chosen: list, structures: list, wants: tuple) -> None:
    """Table and structures."""
    import ase.io

    from mlmat.design.crystals.relaxed import parse_name

    if not chosen:
        raise NoDesignError("no crystal came out of the search: raise --budget or give more elements")
    folder = out / "cif"
    folder.mkdir(exist_ok=True)
    properties, units = climbed.properties, climbed.units
    rows = []
    for rank, (one, atoms) in enumerate(zip(chosen, structures, strict=True), 1):
        hits = [want.hit(one.mean[climbed.index(want.name)]) for want in wants]
        counted = [hit for hit in hits if hit is not None]
        charges = space.charges(parse_name(space, one.name, len(climbed.frame.strains))[0])
        row = {"rank": rank, "name": one.name, "formula": atoms.get_chemical_formula()}
        for name, unit, mean, std in zip(properties, units, one.mean, one.std, strict=True):
            row |= {f"{name}_{unit}": f"{mean:.5g}", f"{name}_std_{unit}": f"{std:.3g}"}
        row |= {
            "predicted_hit": all(counted) if counted else "",
            "charges": "" if charges is None else " ".join(f"{charge:+d}" for charge in charges),
            "volume_A3": f"{atoms.cell.volume:.3f}",
        }
        rows.append(row)
        atoms.info = {"rank": rank, "name": one.name} | dict(zip(properties, one.mean, strict=True))
        with atomic_write(folder / f"{rank:03d}-{row['formula']}.cif") as stream:
            ase.io.write(stream, atoms, format="cif")
    with atomic_write(out / "designs.csv", "w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    with atomic_write(out / "designs.extxyz", "w", encoding="utf-8") as stream:
        ase.io.write(stream, structures, format="extxyz")
