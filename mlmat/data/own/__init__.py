"""A user's own data: tables with SMILES, structure files, ASE databases, folders of structures."""

from mlmat.data.own.contents import OwnData, Row, Skip
from mlmat.data.own.plausible import unit_warning
from mlmat.data.own.read import read_own_data
from mlmat.data.own.stream import iterate_items

__all__ = ["OwnData", "Row", "Skip", "iterate_items", "read_own_data", "unit_warning"]
