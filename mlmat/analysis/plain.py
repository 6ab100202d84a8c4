"""Plain JSON values out of what programs hold, refusing what JSON cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from mlmat.errors import InputError


def checked(value: Any, kind: Any, where: str) -> Any:
    """`value` if it is of `kind` (an int passes as a float, a bool as neither).

    Args:
        value: a plain value, see `plain`.
        kind: a class or a union such as ``float | None``.
        where: how an error message names it.

    Raises:
        InputError: it is something else.
    """
    number = isinstance(value, int) and not isinstance(value, bool)
    if (number and isinstance(0.0, kind)) or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    name = getattr(kind, "__name__", str(kind))
    raise InputError(f"{where} must be {name}, not {value!r}")


def plain(value: Any, where: str) -> Any:
    """Copy of `value` made of JSON's own types: tuples become lists, paths strings, scalars plain.

    Dataclass instances inside pass unchanged; they check themselves.

    Args:
        value: anything.
        where: how an error message names it.

    Raises:
        InputError: NaN, infinity, or an object that JSON cannot hold.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}[{str(key)!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{k}]") for k, item in enumerate(value)]
    if isinstance(value, Path):
        return str(value)
    if getattr(value, "shape", None) == ():  # a NumPy or JAX scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} is {value}: a record holds measured numbers only, so leave it out")
    if value is None or is_dataclass(value) or isinstance(value, (bool, int, float, str)):
        return value
    raise InputError(f"{where} is a {type(value).__name__}: give numbers, strings, lists or tables of them")
