"""Options of `mlmat data`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

Off = tyro.conf.FlagCreatePairsOff


@dataclass(frozen=True)
class List:
    """List the data sets and where they are.

    Args:
        data_dir: folder with data files, looked in before MLMAT_DATA and the cache.
    """

    data_dir: Path | None = None


@dataclass(frozen=True)
class Info:
    """Show what a data set holds, with units, source, licence and what to cite.

    Args:
        name: name of the data set.
        data_dir: folder with data files, looked in before MLMAT_DATA and the cache.
    """

    name: tyro.conf.Positional[str]
    data_dir: Path | None = None


@dataclass(frozen=True)
class Fetch:
    """Make sure that a data set is here and unaltered; download it if needed.

    Args:
        name: name of the data set.
        data_dir: folder with data files, looked in before MLMAT_DATA and the cache.
        force: download into the cache even if files are here.
    """

    name: tyro.conf.Positional[str]
    data_dir: Path | None = None
    force: Annotated[bool, Off] = False


@dataclass(frozen=True)
class Verify:
    """Hold the files that are here to their checksums; exit code 2 if one is altered.

    Args:
        names: data sets that must be here; default: whatever is here.
        data_dir: folder with data files, looked in before MLMAT_DATA and the cache.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    data_dir: Path | None = None


DataCommand = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Info, tyro.conf.subcommand("info")]
    | Annotated[Fetch, tyro.conf.subcommand("fetch")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
)
"""One of the four sub-commands."""

OPTIONS = DataCommand
