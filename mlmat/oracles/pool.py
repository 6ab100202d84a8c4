"""Running an oracle over many candidates: spawned workers, a time limit for each task.

Workers are spawned, never forked (JAX may have started threads), import no JAX,
use one thread each, and leave Ctrl-C to the parent. A task that runs too long is
killed alone; its verdict says so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TypeVar

from mlmat.cores import usable_cores
from mlmat.errors import WorkerError
from mlmat.interrupts import kept_from_this_thread
from mlmat.oracles.verdict import Verdict

Task = TypeVar("Task")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

CANNOT_START = (
    'oracle workers cannot start: in a script, put what asks an oracle below if __name__ == "__main__": '
    "(workers import the script again); otherwise the traceback above says why"
)


def _prepare_worker() -> None:
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def judge(
    oracle: Callable[[Task], Verdict],
    tasks: Iterable[Task],
    *,
    workers: int | None = None,
    time_limit: float = 120.0,
) -> Iterator[tuple[int, Verdict]]:
    """Run `oracle` over `tasks` in worker processes; yield verdicts as they finish.

    Args:
        oracle: importable function of one task (it is sent to workers by name).
        tasks: any iterable, may be a generator; only a few tasks are held at a time.
        workers: number of processes; default: all usable cores.
        time_limit: seconds for one task, after which its worker is killed.

    Yields:
        ``(index of the task, verdict)`` in order of completion. A task that
        times out gives ``"timeout"``, one whose worker dies ``"worker died"``,
        one that raises ``"error: …"``. Closing the iterator stops the workers.

    Raises:
        WorkerError: workers cannot be started at all; that is no verdict on any task.
    """
    from pebble import ProcessPool

    workers = workers or usable_cores()
    stream = enumerate(tasks)
    waiting: dict[Future, int] = {}
    pool = ProcessPool(
        max_workers=workers,
        context=multiprocessing.get_context("spawn"),
        initializer=_prepare_worker,
    )

    def submit(count: int) -> None:
        for index, task in islice(stream, count):
            try:
                with kept_from_this_thread():
                    future = pool.schedule(oracle, args=(task,), timeout=time_limit)
            except RuntimeError as error:
                raise WorkerError(CANNOT_START) from error
            waiting[future] = index

    try:
        submit(2 * workers)
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), _verdict(future, time_limit)
            submit(len(done))
    finally:
        pool.stop()
        pool.join()


def _verdict(future: Future, time_limit: float) -> Verdict:
    from concurrent.futures import BrokenExecutor
    from concurrent.futures import TimeoutError as TaskTimeoutError

    from pebble import ProcessExpired

    try:
        return future.result()
    except TaskTimeoutError:
        return Verdict("timeout", seconds=time_limit)
    except BrokenExecutor as error:
        raise WorkerError(CANNOT_START) from error
    except ProcessExpired as error:
        return Verdict(f"worker died (exit code {error.exitcode})")
    except Exception as error:
        return Verdict(f"error: {type(error).__name__}: {error}")
