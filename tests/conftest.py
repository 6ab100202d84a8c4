"""What all tests share: patience on busy machines, and an end to programs that nothing runs any more."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

MAPS = Path("/proc/self/maps")
MOST_MAPS = 25_000
"""Linux gives a process 65,530 memory maps by default, and every compiled program takes a few."""


@pytest.fixture(autouse=True, scope="module")
def _programs_are_dropped_in_time():
    """A worker that meets thousands of programs would die of too many memory maps."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MOST_MAPS:
        import jax

        jax.clear_caches()
