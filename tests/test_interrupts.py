"""No Ctrl-C is lost: not in a finaliser, a garbage collection, RDKit, or after processes were spawned."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
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


PROGRAM = """
import threading, time
from mlmat import cli

def search():
    from rdkit.Chem import AddHs, MolFromSmarts, MolFromSmiles

    molecule, query = AddHs(MolFromSmiles("C" * 40)), MolFromSmarts("C~*~*~*~*~*~*~*~*~*~C")
    while True:
        found = molecule.GetSubstructMatches(query, uniquify=False)
        # An interrupted search comes back with a part of the matches.
        assert len(found) == 60

def wait():
    threading.Event().wait(60)

def run(words, debug):
    print("begun", flush=True)
    {work}()
    return cli.OK

cli._dispatch = run
raise SystemExit(cli.main(["design"]))
"""


@pytest.mark.parametrize("work", ["search", "wait"])
def test_a_program_ends_soon_that_searches_with_rdkit_or_waits(work):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("{work}", work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run that was started in the background ignores Ctrl-C, and its children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == cli.INTERRUPTED
    assert printed == "mlmat: interrupted; what was finished is kept; mlmat design --resume DIR goes on\n"


def test_a_spawned_process_leaves_it_blocked(ctrl_c):
    with interrupts.heard():
        with interrupts.kept_from_this_thread():
            process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0,))
            process.start()
            process.join()
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_where_it_is_ignored_it_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.heard():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
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
        os.kill(os.getpid(), signal.SIGINT)
        wait()

    gc.callbacks.append(collected)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted(gc.collect)
    assert time.monotonic() - began < PATIENCE / 2


def test_it_does_not_outlive_what_it_was_meant_for(ctrl_c, monkeypatch):
    # Longer than a busy machine takes to leave the block.
    monkeypatch.setattr(interrupts, "PAUSE", 1.0)
    hook = sys.unraisablehook
    with interrupts.heard():
        Finaliser()
    assert sys.unraisablehook is hook
    assert not any(thread.name == "ctrl-c" for thread in threading.enumerate())
    time.sleep(1.2)


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
