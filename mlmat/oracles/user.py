"""The user's own oracle: a function of a SMILES, named ``module:function``.

It may return a number or a dictionary of numbers, raise, or run for ever: in the
workers of `mlmat.oracles.pool.judge` all of that becomes verdicts.

>>> oracle = load_oracle("my_lab:measure", name="gap")
>>> for index, verdict in judge(oracle, smiles, time_limit=60):
...     print(smiles[index], verdict.status, verdict.values)
"""

from __future__ import annotations

import importlib
import inspect
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from mlmat.errors import InputError
from mlmat.oracles.pool import judge
from mlmat.oracles.verdict import OK, Verdict

EXAMPLE = "write --oracle MODULE:FUNCTION, e.g. my_lab:measure for def measure(smiles) in my_lab.py"


@dataclass(frozen=True)
class UserOracle:
    """A user's function as an oracle; it is sent to workers by name and imported there.

    Attributes:
        reference: ``"module:function"``.
        name: what a bare number is the value of.
    """

    reference: str
    name: str = "score"

    def __call__(self, smiles: str) -> Verdict:
        """Verdict of the user's function; whatever goes wrong inside is its status."""
        function = resolve(self.reference)
        began = time.perf_counter()
        try:
            result = function(smiles)
        except Exception as error:  # the user's code may raise anything; each is a failed verdict
            return Verdict(f"error: {type(error).__name__}: {error}", seconds=time.perf_counter() - began)
        status, values = _read(result, self.name)
        return Verdict(status, values, time.perf_counter() - began)


def load_oracle(reference: str, name: str = "score") -> UserOracle:
    """Find the user's function and check that it takes one SMILES.

    Args:
        reference: ``"module:function"``; the current folder is searched, too.
        name: property that a bare number stands for.

    Raises:
        InputError: not of this form, no such module or function, not callable, or a
            function that cannot be called with one argument.
    """
    function = resolve(reference)
    if not callable(function):
        raise InputError(
            f"the oracle {reference!r} is a {type(function).__name__}, not a function: {EXAMPLE}"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # functions written in C may not tell
        return UserOracle(reference, name)
    try:
        signature.bind("C")
    except TypeError as error:
        raise InputError(
            f"the oracle {reference!r} must take one SMILES and nothing else that is required, "
            f"but is {function.__name__}{signature} ({error})"
        ) from error
    return UserOracle(reference, name)


def verify_with(
    oracle: UserOracle, smiles: Sequence[str], workers: int | None = None, time_limit: float = 120.0
) -> Iterator[tuple[int, Verdict]]:
    """Verdicts of many molecules, as `Problem.verify` wants them.

    Args:
        oracle: from `load_oracle`.
        smiles: what to judge.
        workers: processes; default: one per core.
        time_limit: seconds for one molecule, after which its worker is stopped.
    """
    return judge(oracle, smiles, workers=workers, time_limit=time_limit)


def resolve(reference: str) -> Callable[[Any], Any]:
    """What ``"module:function"`` names; the current folder is searched, too.

    Raises:
        InputError: not of this form, or no such module or function.
    """
    module_name, colon, function_name = reference.partition(":")
    if not (module_name and colon and function_name) or module_name.endswith(".py"):
        raise InputError(f"cannot read the oracle {reference!r}: {EXAMPLE}")
    # A console script does not search the current folder, where a user's module usually is.
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        found = importlib.import_module(module_name)
    except Exception as error:  # the module runs its own code on import
        raise InputError(
            f"the oracle's module {module_name!r} cannot be imported ({type(error).__name__}: {error}): "
            "start mlmat in the folder that holds it, or install it"
        ) from error
    for part in function_name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module_name!r} has no {function_name!r}: {EXAMPLE}")
        found = getattr(found, part)
    return found


def _read(result: Any, name: str) -> tuple[str, dict[str, float]]:
    """Status and values of what the user's function returned."""
    values = result if isinstance(result, Mapping) else {name: result}
    if not values:
        return "bad result: an empty dictionary", {}
    for key, value in values.items():
        if not isinstance(key, str) or isinstance(value, bool) or not isinstance(value, Real):
            return f"bad result: a number or a dictionary of numbers is needed, not {key!r}: {value!r}"[
                :200
            ], {}
        if not math.isfinite(value):
            return f"not finite: {key} = {float(value)}", {}
    return OK, {key: float(value) for key, value in values.items()}
