"""A Ctrl-C that falls into a place where Python drops it is sent again."""

import gc
import signal
import sys
import time

import pytest

from mlmat import cli, interrupts

PATIENCE = 10.0
"""s."""


class Finaliser:
    """Interrupts the program while it is being removed, as often as asked."""

    def __init__(self, times=1):
        self.times = times

    def __del__(self):
        if self.times > 1:
            Finaliser(self.times - 1)
        raise KeyboardInterrupt


def interrupted(lose_it):
    """A long run that meets a lost Ctrl-C."""
    with interrupts.heard():
        lose_it()
        wait()


def wait():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.01)


@pytest.fixture
def ctrl_c():
    """Ctrl-C does what it does in a terminal, whatever the test run was started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("times", [1, 3])
def test_a_finaliser_does_not_swallow_it(ctrl_c, times):
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: Finaliser(times))
    assert time.monotonic() - began < PATIENCE / 2


def test_a_callback_of_the_garbage_collector_does_not_swallow_it(ctrl_c):
    def collected(phase, info):
        gc.callbacks.remove(collected)
        signal.raise_signal(signal.SIGINT)
        for _ in range(10):  # the signal is handled between instructions
            pass

    gc.callbacks.append(collected)
    with pytest.raises(KeyboardInterrupt):
        interrupted(gc.collect)


def test_it_does_not_outlive_what_it_was_meant_for(ctrl_c):
    hook = sys.unraisablehook
    with interrupts.heard():
        Finaliser()
    assert sys.unraisablehook is hook
    time.sleep(3 * interrupts.PAUSE)


def test_other_errors_are_reported_as_ever(monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    with interrupts.heard():
        Broken()
    assert [lost.exc_type for lost in reported] == [ValueError]


def test_a_command_ends_as_interrupted(ctrl_c, monkeypatch, capsys):
    def lose_it(words, debug):
        Finaliser()
        wait()
        return cli.OK

    monkeypatch.setattr(cli, "_dispatch", lose_it)
    assert cli.main(["design"]) == cli.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
