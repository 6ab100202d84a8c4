"""What the catalogue says about a data set: its files, arrays, citation and licence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Property:
    """One array of a data set; `unit` is empty for integers and text."""

    name: str
    unit: str
    meaning: str


PERIODIC = (
    Property("n_atoms", "", "number of atoms of the cell"),
    Property("numbers", "", "atomic numbers, structure after structure"),
    Property("positions", "Å", "positions, structure after structure"),
    Property("cell", "Å", "cell vectors, one a row"),
    Property("pbc", "", "whether the structure repeats along each cell vector"),
)
"""Arrays of sets of periodic structures."""


@dataclass(frozen=True)
class Local:
    """Files in a data folder, converted from a public source without changing the numbers.

    Attributes:
        files: path relative to the data folder → SHA-256.
        reader: ``"module:function"``, called with the paths in this order.
        items: number of items.
        source: where the files were made from.
    """

    files: dict[str, str]
    reader: str
    items: int
    source: str


@dataclass(frozen=True)
class Remote:
    """The file as published.

    Attributes:
        url: where it is.
        filename: its name in the user cache.
        sha256: None where no trusted value is known; then the value seen at the first
            download is kept beside the file, and later reads are held to it.
        reader: ``"module:function"``, called with a list of the one path.
        items: number of items.
    """

    url: str
    filename: str
    sha256: str | None
    reader: str
    items: int


@dataclass(frozen=True)
class Embedded:
    """A set that ships inside the package.

    Attributes:
        path: file, relative to ``mlmat/data``.
        provenance: JSON file, relative to the same folder, with its ``sha256``.
        reader: ``"module:function"`` without arguments, returns a `Dataset`.
        items: number of items.
    """

    path: str
    provenance: str
    reader: str
    items: int


@dataclass(frozen=True)
class Entry:
    """A data set of the registry: embedded, local, remote, or local and remote."""

    name: str
    title: str
    citation: str
    licence: str
    notes: str
    properties: tuple[Property, ...]
    local: Local | None = None
    remote: Remote | None = None
    embedded: Embedded | None = None
    units: dict[str, str] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "units", {p.name: p.unit for p in self.properties if p.unit})
