"""Any potential as an ASE calculator.

>>> atoms.calc = MlmatCalculator(load_potential("runs/mine/predictor.mlmat"))
>>> atoms.get_potential_energy()
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from mlmat.graphs.packing import pack
from mlmat.potentials.derivatives import evaluate
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential, exact_graph
from mlmat.predictor.predict import budget_of

_evaluate = jax.jit(lambda potential, graph: (potential(graph), evaluate(potential, graph)))


class MlmatCalculator(Calculator):
    """Energy, energies of atoms, forces and, of a periodic structure, stress.

    The graph is padded to few sizes, so that moving atoms seldom compile anything again.

    Attributes:
        potential: which.
        double: compute in float64; else in float32.
    """

    implemented_properties: ClassVar[list[str]] = [
        "energy", "free_energy", "energies", "forces", "stress",
    ]  # fmt: skip
    nolabel = True

    def __init__(self, potential: Potential, double: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.potential = potential
        self.double = double

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        """Fill ``results``; ASE calls this.

        Raises:
            MlmatError: a structure that cannot be encoded; see `RadiusGraphEncoder`.
        """
        super().calculate(atoms, properties, system_changes)
        n = len(self.atoms)
        with jax.enable_x64(self.double):
            graph = exact_graph(self.potential, self.atoms)
            self.potential = fitting(self.potential, [graph])
            (packed,) = pack([graph], budget_of([graph], 1))
            energies, found = jax.device_get(_evaluate(self.potential, packed))
        energies = energies[:n].astype(float)
        self.results = {"energy": energies.sum(), "free_energy": energies.sum(), "energies": energies}
        self.results["forces"] = found.forces[:n].astype(float)
        if self.atoms.cell.rank == 3:
            virial = found.virial[0].astype(float)
            self.results["stress"] = full_3x3_to_voigt_6_stress(virial / self.atoms.get_volume())
        if "stress" in properties and "stress" not in self.results:
            from ase.calculators.calculator import PropertyNotImplementedError

            raise PropertyNotImplementedError("stress needs a cell with three vectors")


def evaluate_atoms(potential: Potential, atoms: Any) -> tuple[float, np.ndarray]:
    """Energy (eV) and forces ``[n, 3]`` (eV/Å) of one structure, in float64."""
    calculator = MlmatCalculator(potential)
    calculator.calculate(atoms)
    return float(calculator.results["energy"]), calculator.results["forces"]
