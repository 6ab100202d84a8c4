"""Options of `mlmat explain`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class ExplainOptions:
    """Show why a predictor of structures says what it says.

    Shares the property of each structure out among its atoms: the shares add up to the prediction
    (networks with a mean over atoms: base and mean of the shares; cgcnn by integrated gradients).
    Shares are the network's bookkeeping, not an observable: compare like atoms.

    Writes NAME-atoms.csv (a row for each atom), NAME-elements.csv and NAME-elements.png (mean share of
    each element, as a periodic table), and NAME-map.png (structures in the space that the network has
    learnt, by principal components and t-SNE, coloured by the property).

    Examples: mlmat explain runs/mine/predictor.mlmat crystals/ | mlmat explain p.mlmat new.extxyz

    Args:
        predictor: predictor file, from mlmat train, of structures.
        file: structures: CIF, POSCAR, xyz, extxyz, ASE database, or a folder of such files.
        property: which property, of a predictor of several. Default: the first.
        out: NAME of the files. Default: PREDICTOR-explained here.
        most: structures that are read at most; the map shows the first 1,000 of them.
    """

    predictor: tyro.conf.Positional[Path]
    file: tyro.conf.Positional[Path]
    property: str | None = None
    out: Path | None = None
    most: int = 5000


OPTIONS = ExplainOptions
