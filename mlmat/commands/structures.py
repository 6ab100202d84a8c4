"""Structures that a command is given by file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlmat.errors import InputError


def read_structures(path: Path) -> list[Any]:
    """All structures (`ase.Atoms`) of a file, in any format that ASE reads.

    Raises:
        InputError: no such file, or an unknown format.
    """
    import ase.io

    try:
        return ase.io.read(path, index=":")
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except Exception as error:  # ASE's readers raise many kinds
        raise InputError(f"{path} cannot be read as structures: {type(error).__name__}: {error}") from error
