"""Options of `mlmat laws`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class LawsOptions:
    """Measure which physical laws a predictor really obeys: its law card.

    A network may predict well and still give another energy to the mirror image, to two molecules
    far apart, or to a bond pulled too far. The card asks, in double precision, with a few
    molecules: is the property the same when atoms are listed in another order (permutation), when
    the molecule is turned, moved or mirrored? Do two copies far apart have twice the energy (size
    extensivity), and four copies four times? Is a bond pulled apart worth its two fragments
    (dissociation limit)? Has the energy jumps or kinks (continuity, smoothness), and its minimum
    near the molecule? Are the forces its slope? Do CH2 groups of chains longer than any in the
    training set go on adding the same (chain growth)?

    Each line is a number beside the largest one at which the law counts as kept; a reading has no
    such limit. A predictor of SMILES has no geometry: only the order of atoms is judged, and the
    rest of its card says why it does not apply.

    Writes NAME.json (all numbers and curves) and NAME.png (the card as a picture).

    Examples: mlmat laws runs/mine/predictor.mlmat | mlmat laws dtnn.mlmat --file molecules.xyz

    Args:
        predictor: predictor file, from mlmat train.
        file: molecules to judge it with (xyz, extxyz, sdf), not periodic; the first six are taken.
            Default: water to benzene, those of the predictor's elements.
        property: which property, of a predictor of several. Default: the first.
        out: NAME of the two files. Default: PREDICTOR-laws here.
        seed: of rotations, orders and directions.
    """

    predictor: tyro.conf.Positional[Path]
    file: Path | None = None
    property: str | None = None
    out: Path | None = None
    seed: int = 0


OPTIONS = LawsOptions
