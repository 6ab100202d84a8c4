"""Which matrix kernels an OpenBLAS takes that an engine brings along.

PySCF's wheel holds OpenBLAS 0.3.3 of 2018. It takes a processor that it has never heard of for one of 2004
and multiplies matrices with SSE3: on a Xeon with AVX-512 a B3LYP calculation of nine heavy atoms took 55 s
of one core, and takes 32 s with the kernels named here. The result is the same to 1e-11 eV.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"
KERNELS = "Haswell"
"""Kernels for AVX2. Those for AVX-512 were new in that version and have not been tested here."""

NEEDS = {"avx2", "fma"}


def processor_flags(file: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the processor can do, as Linux says it; nothing elsewhere."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(found, "").split())


@contextmanager
def avx2_kernels() -> Iterator[None]:
    """An OpenBLAS that is loaded in this block uses AVX2 if the processor has it.

    A choice that the environment holds already is left alone; afterwards the environment is as it was.
    """
    if VARIABLE in os.environ or not processor_flags() >= NEEDS:
        yield
        return
    os.environ[VARIABLE] = KERNELS
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
