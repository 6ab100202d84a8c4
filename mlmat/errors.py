"""One exception class per common mistake; each message names the fix.

Everything a user can get wrong raises a subclass of `MlmatError`, which the
command line turns into one line on standard error and exit code 2. A bug in
mlmat never hides behind one of these classes.
"""


class MlmatError(Exception):
    """Base class of every error that mlmat raises on purpose."""


class InputError(MlmatError, ValueError):
    """An argument, option or file content is not usable; the message says what is."""


class UnknownElementError(InputError):
    """An element symbol that the method at hand does not cover.

    Wrong: ``molecule_graph("C[Si](C)(C)C")`` with a graph of C, N, O, F, S.
    Right: keep to the elements the message lists, or train on a set with silicon.
    """

    def __init__(self, symbol: str, allowed: tuple[str, ...]):
        super().__init__(
            f"unknown element {symbol!r}: this method covers {', '.join(allowed)}. "
            "Remove the molecule, or use a data set and model that cover the element."
        )
        self.symbol = symbol


class SmilesError(InputError):
    """A SMILES string that RDKit cannot read."""

    def __init__(self, smiles: str, reason: str = "RDKit cannot parse it"):
        super().__init__(f"bad SMILES {smiles!r}: {reason}. Check brackets, ring digits and valences.")
        self.smiles = smiles


class ValenceError(InputError):
    """An atom with more bonds than the valence rules of the graph space allow."""


class CapacityError(InputError):
    """A structure does not fit into the padded size; the message says which size does."""


class TargetError(InputError):
    """A wanted or given property value is NaN, infinite, out of range or reversed."""


class DataError(MlmatError):
    """A data file is missing, altered, truncated, empty or cannot be fetched."""


class UnknownDatasetError(DataError):
    """A data-set name that the registry does not know; the message lists near names."""


class PredictorFileError(DataError):
    """A predictor file that is truncated, altered, or from a newer version of mlmat."""


class OutputError(MlmatError, OSError):
    """The output folder cannot be written; the message names another way."""


class MissingEngineError(MlmatError, ImportError):
    """An optional engine is not installed.

    Wrong: labelling with PySCF after ``pip install mlmat``.
    Right: ``pip install "mlmat[oracles]"`` first.
    """

    def __init__(self, engine: str, extra: str):
        super().__init__(f'{engine} is not installed: pip install "mlmat[{extra}]"')
        self.engine = engine


class WorkerError(MlmatError, RuntimeError):
    """Worker processes cannot be started; the message says why that is usually so."""


class NoDesignError(MlmatError):
    """A search ended without one valid design; the message says what was lost where."""
