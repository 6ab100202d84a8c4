"""Options of `mlmat design`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Many = tyro.conf.UseAppendAction
Flag = tyro.conf.FlagCreatePairsOff


@dataclass(frozen=True)
class DesignOptions:
    """Design molecules or crystals with the properties you want; molecules are verified.

    The gradient of a predictor turns noise into molecules of 6 to 10 heavy atoms (C, N, O, F,
    S), and then chooses how to mutate them. An oracle that is not in the loop judges
    every one: GFN2-xTB for gap, homo and lumo (eV; differences of orbital energies, not optical
    gaps), RDKit for logp, qed and sa_score, or a function of your own.

    Wants: gap=4.0 (a hit within 0.3), gap=4.0+-0.1, gap=2..3, homo=min, logp=2..max; give --want
    again for several at once, 2*gap=4.0 to weigh one more. Values and ranges are met first; min and
    max choose among what meets them.

    Examples: mlmat design --want gap=2.5 | mlmat design --want gap=6..7 --want logp=1..2 |
    mlmat design --want gap=3 --keep c1ccncc1 --compare | mlmat design --want gap=5 --start "CCOC(C)=O"

    Crystals: --prototype with a predictor of structures (mlmat train --model cgcnn, crystal, schnet) designs
    the elements on the sites of a prototype; no oracle judges them, predictions are written with structures.
    mlmat design --prototype perovskite --predictor gap.mlmat --sites X=O,N --want gap=1.5

    Args:
        want: what is wanted; repeatable.
        designs: molecules submitted to the oracle.
        out: folder for the results. Default: runs/design-<time>.
        resume: go on with an interrupted run in this folder; other options are taken from it.
        method: how to search: gradient descends from noise, informed lets the gradient choose mutations,
            hybrid does one after the other, which finds most.
        compare: let a genetic algorithm and random members of the space spend the same budget.
        rounds: of a campaign: propose, verify, retrain on what was verified, propose again.
        budget: predictor evaluations of a search (of each round); a gradient counts as three.
        caution: weight of the predictor's uncertainty against the distance from what is wanted.
        diversity: charge for designs of one chemical family; 0: only the prediction counts.
        pareto: choose along the front of the best compromises, instead of by the sum of the wants.
        elements: heavy elements that may occur, e.g. C,N,O.
        size: heavy atoms, e.g. 6..9.
        rings: ring sizes that may occur, e.g. 5,6; none for chains only.
        keep: SMILES or SMARTS of a substructure that every design must have.
        start: SMILES of a molecule to start from, instead of noise.
        oracle: your own judge, as MODULE:FUNCTION; it takes a SMILES and returns a number or a dict.
        second_opinion: designs that B3LYP judges, too (about a minute each).
        predictor: predictor file to use instead of the ones that ship with mlmat.
        train: train the predictor anew first (about 15 minutes on two cores).
        data: train on this CSV file (a column smiles, and one for each want) instead of the embedded set.
        epochs: passes over the data when training.
        seed: of everything random.
        workers: processes for the oracle. Default: one per core.
        prototype: design crystals of perovskite, elpasolite, rocksalt, zincblende or fluorite, or of the
            structure in this file.
        sites: elements of a group of sites, e.g. A=Ca,Sr or X=O,O2N; repeatable. Default: all that the
            predictor knows.
        charged: crystals whose common oxidation states do not balance may be designed, too.
        deform: let cells and positions change, as the symmetry allows or freely (SchNet).
    """

    want: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="WANT")] = ()
    designs: int = 128
    out: Path | None = None
    resume: Path | None = None
    method: Literal["gradient", "genetic", "random", "screening", "hybrid", "informed"] = "hybrid"
    compare: Annotated[bool, Flag] = False
    rounds: int = 1
    budget: int = 5_000
    caution: float = 1.0
    diversity: float = 0.2
    pareto: Annotated[bool, Flag] = False
    elements: str | None = None
    size: str | None = None
    rings: str | None = None
    keep: str | None = None
    start: str | None = None
    oracle: str | None = None
    second_opinion: int = 0
    predictor: Path | None = None
    train: Annotated[bool, Flag] = False
    data: Path | None = None
    epochs: int = 50
    seed: int = 0
    workers: int | None = None
    prototype: str | None = None
    sites: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="GROUP=ELEMENTS")] = ()
    charged: Annotated[bool, Flag] = False
    deform: Literal["none", "symmetric", "free"] = "none"


OPTIONS = DesignOptions
"""What the command line parser reads."""
