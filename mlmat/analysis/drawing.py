"""Drawings of molecules by RDKit, all at one scale and in colours that read on white."""

from __future__ import annotations

import io
import re

import numpy as np
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from mlmat.errors import SmilesError
from mlmat.graphs.chemistry import silence_rdkit

ATOM_COLOURS = {
    -1: (0.13, 0.15, 0.18),
    6: (0.13, 0.15, 0.18),
    7: (0.00, 0.45, 0.70),
    8: (0.80, 0.20, 0.10),
    9: (0.00, 0.50, 0.36),
    16: (0.60, 0.42, 0.00),
}
"""Atomic number → RGB; RDKit's own yellow sulfur and cyan fluorine are too pale on white."""


def molecule_image(smiles: str, width: int = 460, height: int = 320) -> np.ndarray:
    """Drawing of a molecule.

    Args:
        smiles: readable by RDKit.
        width: pixels.
        height: pixels.

    Raises:
        SmilesError: RDKit cannot read the SMILES.

    Returns:
        RGB ``[height, width, 3]`` in 0 … 1 on white.
    """
    from matplotlib.image import imread

    drawer = _draw(rdMolDraw2D.MolDraw2DCairo(width, height), smiles, bond=62, line=4)
    return imread(io.BytesIO(drawer.GetDrawingText()), format="png")[..., :3]


def molecule_svg(smiles: str, width: int = 132, height: int = 84) -> str:
    """Drawing of a molecule as an ``<svg>`` element to put into a page; no address in it.

    Args:
        smiles: readable by RDKit.
        width: CSS pixels.
        height: CSS pixels.

    Raises:
        SmilesError: RDKit cannot read the SMILES.
    """
    drawer = _draw(rdMolDraw2D.MolDraw2DSVG(width, height), smiles, bond=19, line=1.2)
    svg = drawer.GetDrawingText()
    svg = svg[svg.index("<svg") :].strip()
    # HTML knows the SVG namespace; the declarations would only be web addresses in the page.
    svg = re.sub(r"\s(xmlns(:\w+)?|xml:space|baseProfile|version)='[^']*'", "", svg)
    svg = re.sub(r"fill-rule:evenodd;|;stroke-linecap:butt|;stroke-linejoin:miter|;stroke-opacity:1", "", svg)
    svg = re.sub(r"<!--.*?-->|\sclass='[^']*'", "", svg, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", " ", svg).replace("<svg", "<svg aria-hidden='true'", 1)


def _draw(drawer: rdMolDraw2D.MolDraw2D, smiles: str, bond: float, line: float) -> rdMolDraw2D.MolDraw2D:
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise SmilesError(smiles)
    options = drawer.drawOptions()
    options.bondLineWidth = line
    options.fixedBondLength = bond
    options.fixedFontSize = round(0.5 * bond)
    options.clearBackground = isinstance(drawer, rdMolDraw2D.MolDraw2DCairo)
    options.setAtomPalette(ATOM_COLOURS)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return drawer
