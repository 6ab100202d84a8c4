"""The kernels an old OpenBLAS is told to use."""

import os

import pytest

from mlmat.oracles import blas


def cpuinfo(tmp_path, text):
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    return file


def test_flags_are_those_of_the_first_processor(tmp_path):
    file = cpuinfo(tmp_path, "model name\t: X\nflags\t\t: sse2 fma avx2\n\nflags\t\t: sse2\n")
    assert blas.processor_flags(file) == {"sse2", "fma", "avx2"}


@pytest.mark.parametrize("text", [None, "", "Features : neon\n"])
def test_no_flags_where_linux_says_none(tmp_path, text):
    file = tmp_path / "missing" if text is None else cpuinfo(tmp_path, text)
    assert blas.processor_flags(file) == frozenset()


@pytest.mark.parametrize(("flags", "inside"), [({"fma", "avx2", "sse2"}, "Haswell"), ({"sse2"}, None)])
def test_kernels_are_named_inside_the_block_only(monkeypatch, flags, inside):
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    monkeypatch.setattr(blas, "processor_flags", lambda: frozenset(flags))
    with blas.avx2_kernels():
        assert os.environ.get(blas.VARIABLE) == inside
    assert blas.VARIABLE not in os.environ


def test_the_users_choice_stays(monkeypatch):
    monkeypatch.setenv(blas.VARIABLE, "SkylakeX")
    with blas.avx2_kernels():
        assert os.environ[blas.VARIABLE] == "SkylakeX"
    assert os.environ[blas.VARIABLE] == "SkylakeX"
