"""Sets of symmetry functions that were published and proven, to start from or to compare with."""

from __future__ import annotations

from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.units import BOHR

_TITANIA = (0.003214, 0.035711, 0.071421, 0.124987, 0.214264, 0.357106, 0.714213, 1.428426)

TITANIA = SymmetryFunctions(
    cutoff=6.5,
    radial=tuple((eta, 0.0) for eta in _TITANIA),
    angular_etas=(0.000357, 0.028569, 0.089277),
)
"""TiO₂, 70 functions for two elements: the list in aenet's manual; SIMPLE-NN has its η at 6 Å for SiO₂."""

MLEARN_SILICON = SymmetryFunctions(
    cutoff=10.3935 * BOHR,
    radial=tuple((eta / BOHR**2, 7.5589 * BOHR) for eta in (0.01, 0.02, 0.05)),
    angular_etas=tuple(eta / BOHR**2 for eta in (0.01, 0.02, 0.05)),
    zetas=(1.0, 2.0, 4.0, 16.0),
)
"""Silicon of the mlearn sets, 27 functions, 5.5 Å (Zuo et al., J. Phys. Chem. A 124, 731 (2020))."""


def amp_gaussians(cutoff: float = 6.5) -> SymmetryFunctions:
    """Default Gaussian functions of AMP (Khorshidi and Peterson, Comput. Phys. Commun. 207, 310 (2016)).

    Args:
        cutoff: Å; every η is in units of its inverse square.
    """
    radial = tuple((eta / cutoff**2, 0.0) for eta in (0.05, 4.0, 20.0, 80.0))
    return SymmetryFunctions(cutoff, radial, angular_etas=(0.005 / cutoff**2,), zetas=(1.0, 4.0))
