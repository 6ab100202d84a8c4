"""Energy functions of atoms → forces, stress, Hessian; classical and learned ones alike."""

from mlmat.potentials.calculator import MlmatCalculator
from mlmat.potentials.derivatives import Evaluation, evaluate, hessian
from mlmat.potentials.emt import emt
from mlmat.potentials.learned import fitting, from_predictor
from mlmat.potentials.load import CLASSICAL, load_potential
from mlmat.potentials.pair import lennard_jones, morse
from mlmat.potentials.potential import Potential, exact_graph
from mlmat.potentials.stillinger_weber import stillinger_weber

__all__ = [
    "CLASSICAL",
    "Evaluation",
    "MlmatCalculator",
    "Potential",
    "emt",
    "evaluate",
    "exact_graph",
    "fitting",
    "from_predictor",
    "hessian",
    "lennard_jones",
    "load_potential",
    "morse",
    "stillinger_weber",
]
