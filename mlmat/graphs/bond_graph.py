"""SMILES → bond graph with RDKit features: any molecule that RDKit reads.

Unlike `mlmat.graphs.sparse`, which serves the closed design space, this takes charges,
isotopes, radicals, salts, metals and aromatic bonds as they are. Hydrogens are implicit
unless the SMILES writes them as atoms of their own, as ``[2H]`` is.

Features (`mlmat.graphs.bond_features`) do not depend on the order of the atoms in the SMILES.

Host code, and the slow step of prediction: so molecules are read in blocks, with one pass
per property and one array per block, and what the text of a SMILES rules out is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import jraph
import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from mlmat.errors import InputError, MlmatError, UnknownElementError
from mlmat.graphs.bond_features import (
    ATOM_FEATURES,
    BOND_FEATURES,
    ReadMolecule,
    atom_features,
    bond_edges,
    read_molecule,
)

__all__ = ["ATOM_FEATURES", "BOND_FEATURES", "BondGraphEncoder", "elements_of"]

BLOCK = 64
"""Molecules that are read before their features are: code and data stay in the processor's cache."""


@dataclass(frozen=True)
class BondGraphEncoder:
    """SMILES → `jraph.GraphsTuple` of one graph, NumPy arrays.

    ===========================  ==============  ============================================
    field                        shape           content
    ===========================  ==============  ============================================
    nodes["species"]             ``[n]``         int32 index into `elements`
    nodes["features"]            ``[n, A]``      float32, columns `ATOM_FEATURES`
    edges                        ``[e, B]``      float32, columns `BOND_FEATURES`; bonds twice
    receivers, senders           ``[e]``         int32, sorted by receiver, then sender
    globals["fingerprint"]       ``[1, F]``      float32 log(1 + count) of hashed Morgan
                                                 environments; globals is None if F is 0
    n_node, n_edge               ``[1]``         int32
    ===========================  ==============  ============================================

    Attributes:
        elements: chemical symbols covered (``*`` is the attachment point of a repeat
            unit), their order is the index; see `elements_of`.
        fingerprint: length F of the Morgan fingerprint (D. Rogers and M. Hahn, J. Chem.
            Inf. Model. 50, 742 (2010)), 0 for none.
        radius: of the Morgan environments, in bonds.
    """

    elements: tuple[str, ...]
    fingerprint: int = 1024
    radius: int = 2

    kind: ClassVar[str] = "smiles"

    def __post_init__(self):
        object.__setattr__(self, "elements", tuple(self.elements))  # JSON brings lists
        if not self.elements or len(set(self.elements)) != len(self.elements):
            raise InputError(f"elements must be different symbols, at least one: not {self.elements}")
        if self.fingerprint < 0 or self.radius < 0:
            raise InputError("fingerprint and radius must not be negative; fingerprint=0 leaves it out")
        unknown = [symbol for symbol in self.elements if symbol not in _symbols()]
        if unknown:
            raise InputError(f"unknown element {', '.join(unknown)}: use chemical symbols such as C, Cl")

    @cached_property
    def _index(self) -> dict[int, int]:
        """Atomic number → element index."""
        symbols = _symbols()
        return {symbols.index(symbol): k for k, symbol in enumerate(self.elements)}

    def __call__(self, item: str) -> jraph.GraphsTuple:
        """Encode one SMILES.

        Raises:
            SmilesError: RDKit cannot read it, or it holds no atom.
            UnknownElementError: an element outside `elements`.
        """
        (found,) = self.many([item])
        if isinstance(found, MlmatError):
            raise found
        return found

    def many(self, items: Sequence[str]) -> list[jraph.GraphsTuple | MlmatError]:
        """Encode several SMILES, faster than one by one; a bad one gives its error in its place.

        The arrays of up to `BLOCK` graphs are slices of common ones.
        """
        found: list[jraph.GraphsTuple | MlmatError] = []
        for start in range(0, len(items), BLOCK):
            found += self._block(items[start : start + BLOCK])
        return found

    def _block(self, items: Sequence[str]) -> list[jraph.GraphsTuple | MlmatError]:
        found: list[Any] = []
        good: list[ReadMolecule] = []
        for text in items:
            try:
                good.append(self._read(text))
                found.append(None)
            except MlmatError as error:
                found.append(error)
        if good:
            graphs = iter(self._encode(good))
            found = [next(graphs) if one is None else one for one in found]
        return found

    def _read(self, text: str) -> ReadMolecule:
        one = read_molecule(text)
        if not self._index.keys() >= set(one.numbers):
            number = next(number for number in one.numbers if number not in self._index)
            raise UnknownElementError(_symbols()[number], self.elements)
        return one

    def _encode(self, block: list[ReadMolecule]) -> list[jraph.GraphsTuple]:
        n_node = np.array([len(one.atoms) for one in block], np.int32)
        n_edge = np.array([2 * len(one.bonds) for one in block], np.int32)
        nodes, first = np.cumsum(n_node), np.cumsum(n_node) - n_node
        edges, receivers, senders = bond_edges(block, first)
        features = atom_features(block, first, np.bincount(receivers, minlength=nodes[-1]))
        species = np.array([self._index[k] for one in block for k in one.numbers], np.int32)
        shift = np.repeat(first.astype(np.int32), n_edge)
        receivers, senders = receivers - shift, senders - shift
        found: list[dict | None] = [None] * len(block)
        if self.fingerprint:
            generator = rdFingerprintGenerator.GetMorganGenerator(radius=self.radius, fpSize=self.fingerprint)
            counts = [generator.GetCountFingerprintAsNumPy(one.molecule) for one in block]
            prints = np.log1p(np.array(counts, np.float32))
            found = [{"fingerprint": prints[k : k + 1]} for k in range(len(block))]
        ends = np.cumsum(n_edge).tolist()
        graphs = []
        for k, (i, j, a, b) in enumerate(zip(first.tolist(), nodes.tolist(), [0, *ends], ends, strict=False)):
            graphs.append(
                jraph.GraphsTuple(
                    nodes={"species": species[i:j], "features": features[i:j]},
                    edges=edges[a:b],
                    receivers=receivers[a:b],
                    senders=senders[a:b],
                    globals=found[k],
                    n_node=n_node[k : k + 1],
                    n_edge=n_edge[k : k + 1],
                )
            )
        return graphs


def elements_of(smiles: Iterable[str]) -> tuple[str, ...]:
    """Symbols of all elements that the SMILES write, without parsing them (twenty times as fast).

    Hydrogen counts where it is written as an atom of its own, as in ``[2H]`` or ``[H]``.

    Returns:
        Symbols sorted by atomic number: what `BondGraphEncoder` takes.
    """
    found = {match[1] or match[2] for text in smiles for match in _ATOM.finditer(text)}
    symbols = _symbols()
    written = {symbol.capitalize() for symbol in found}
    return tuple(symbol for symbol in symbols if symbol in written)


_ATOM = re.compile(r"\[\d*([A-Z][a-z]?|se|as|te|si|[bcnops]|\*)|(Cl|Br|[BCNOPSFI]|[bcnops]|\*)(?![^\[]*\])")
"""An atom of a SMILES: the symbol after an opening bracket, or one of the organic subset outside."""


def _symbols() -> list[str]:
    """Symbols by atomic number; ``*`` is number 0."""
    table = Chem.GetPeriodicTable()
    return [table.GetElementSymbol(number) for number in range(119)]
