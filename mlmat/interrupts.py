"""Ctrl-C that always arrives."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

PAUSE = 0.05
"""s until a lost Ctrl-C is sent again: long enough to be out of the place that lost it."""


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Send a Ctrl-C again that Python had to drop, until it arrives in the code inside.

    Python calls the handler of a signal between any two of its instructions. Where those stand in a
    finaliser or in a callback of the garbage collector (JAX installs one), nobody is there to catch
    KeyboardInterrupt: it is reported as ignored, and the program goes on as if nothing had been pressed.
    """
    before, timers = sys.unraisablehook, []

    def again(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            before(lost)
            return
        timers.append(threading.Timer(PAUSE, _interrupt_main))
        timers[-1].daemon = True
        timers[-1].start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in timers:
            timer.cancel()


def _interrupt_main() -> None:
    """Ctrl-C to the main thread, which wakes it from a wait where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()
