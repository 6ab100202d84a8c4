"""Ctrl-C that always arrives."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

PAUSE = 0.05
"""s until a lost Ctrl-C is sent again: long enough to be out of the place that lost it."""


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Let every Ctrl-C reach the code inside, which two things would prevent.

    RDKit puts a handler of its own in the place of Python's during every search for a substructure: tens
    of thousands of times while molecules are designed. A Ctrl-C in between spoils that search, and Python
    never hears of it. So the signal is kept from all threads but one, which sends it on by another way.

    Python calls a handler between any two of its instructions. Where those stand in a finaliser or in a
    callback of the garbage collector (JAX has one), nobody is there to catch KeyboardInterrupt: it is
    reported as ignored, and the program goes on. So it is sent again.

    Processes started inside leave Ctrl-C to this one. Outside the main thread, and where Ctrl-C is ignored
    (as in the background of a shell script), nothing changes.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
    elif hasattr(signal, "sigwait"):
        with _sent_on(handler) as interrupt, _sent_again(interrupt):
            yield
    else:
        with _sent_again(_thread.interrupt_main):
            yield


@contextlib.contextmanager
def _sent_on(handler: Callable) -> Iterator[Callable[[], None]]:
    """Ctrl-C reaches the main thread as SIGURG, which nothing else uses; yields a function that sends one."""
    main, both = threading.get_ident(), {signal.SIGINT, signal.SIGURG}

    def interrupt() -> None:
        signal.pthread_kill(main, signal.SIGURG)

    def listen() -> None:
        # SIGURG to this thread is the end.
        while signal.sigwait(both) == signal.SIGINT:
            interrupt()

    before = signal.signal(signal.SIGURG, lambda _, frame: handler(signal.SIGINT, frame))
    # Threads have the mask of the one that starts them: the listener may not lose what it waits for.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, both)
    listener = threading.Thread(target=listen, name="ctrl-c", daemon=True)
    listener.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG} - mask)
    try:
        yield interrupt
    finally:
        # Nothing interrupts the way back.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
        signal.pthread_kill(listener.ident, signal.SIGURG)
        listener.join()
        signal.signal(signal.SIGURG, signal.SIG_DFL if before is None else before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def _sent_again(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` a little after a KeyboardInterrupt was reported as ignored."""
    before, timers = sys.unraisablehook, []

    def again(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            before(lost)
            return
        timers.append(threading.Timer(PAUSE, interrupt))
        timers[-1].daemon = True
        timers[-1].start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in timers:
            timer.cancel()


@contextlib.contextmanager
def kept_from_this_thread() -> Iterator[None]:
    """Leave the signals that this thread gets as they are.

    The first process that multiprocessing spawns has it unblock Ctrl-C, whether it was blocked before or not.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
