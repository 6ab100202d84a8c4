"""What importing loads: every module can be imported, and the light ones stay light.

The floors themselves are held by import-linter (`.importlinter`); it reads the source, whereas these
tests look at what a fresh interpreter has really loaded.
"""

import pkgutil
import subprocess
import sys

import pytest

import mlmat

MODULES = [
    module.name
    for module in pkgutil.walk_packages(mlmat.__path__, "mlmat.")
    if not module.name.endswith("__main__")
]
FLOOR_0 = ["mlmat.errors", "mlmat.files", "mlmat.units", "mlmat.typing", "mlmat.metrics", "mlmat.elements"]
ORACLES = [name for name in MODULES if name.startswith("mlmat.oracles")]
OPTIONS = [name for name in MODULES if name.startswith("mlmat.commands.") and name.endswith("_options")]


def loaded_by(statement):
    """Names of the top-level packages in a fresh interpreter after `statement`."""
    program = f"import sys\n{statement}\nprint('loaded:', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    ("modules", "banned"),
    [
        (FLOOR_0, {"jax", "flax", "rdkit", "ase"}),
        (ORACLES, {"jax", "flax", "optax", "jraph"}),
        (OPTIONS, {"jax", "flax", "rdkit", "numpy", "ase", "matplotlib"}),
        (["mlmat"], {"jax", "rdkit", "numpy", "tyro"}),
    ],
    ids=["floor 0", "oracles", "command-line options", "mlmat"],
)
def test_light_modules_load_nothing_heavy(modules, banned):
    assert modules
    assert not loaded_by(f"import {', '.join(modules)}") & banned


def test_help_loads_nothing_heavy():
    loaded = loaded_by("from mlmat.cli import main\nassert main(['--help']) == 0")
    assert not loaded & {"jax", "rdkit", "numpy", "tyro", "rich"}


def test_every_module_can_be_imported_without_starting_a_device():
    loaded = loaded_by(
        f"import importlib\nfor name in {MODULES!r}: importlib.import_module(name)\n"
        "from jax._src import xla_bridge\nassert not xla_bridge._backends, 'work on a device at import'"
    )
    assert "mlmat" in loaded
