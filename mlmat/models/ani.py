"""ANI: networks of the elements on atomic environment vectors, for organic molecules.

J. S. Smith, O. Isayev, A. E. Roitberg, "ANI-1: an extensible neural network potential with DFT
accuracy at force field computational cost", Chem. Sci. 8, 3192 (2017). The descriptors are those of
`mlmat.descriptors.ani`, which lie between 0 and a few and are not scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mlmat.descriptors.ani import ANI_1X, ANIDescriptor
from mlmat.models.hdnnp import HDNNP

WIDTHS = {
    "H": (160, 128, 96),
    "C": (144, 112, 96),
    "N": (128, 112, 96),
    "O": (128, 112, 96),
}
"""Hidden layers of the published ANI-1x networks."""

OTHERS = (128, 112, 96)
"""Of any other element."""


class ANI(HDNNP):
    """Structure → properties, in scaled units; attributes as of `HDNNP`, with ANI-1x's values.

    ANI-1 itself has ``descriptor=ANI_1`` and ``activation="gaussian"``.
    """

    descriptor: ANIDescriptor = ANI_1X
    hidden: tuple[Any, ...] = OTHERS
    activation: str = "celu"
    scaling: Literal["range", "whitened", "none"] = "none"


def widths_of(symbols: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Hidden layers of each element, for `ANI`."""
    return tuple(WIDTHS.get(symbol, OTHERS) for symbol in symbols)
