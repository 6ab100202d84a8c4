"""What commands that run for minutes share: output folder, resume, progress, command line."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import shlex
import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mlmat.errors import DataError, OutputError
from mlmat.files import write_json

OPTIONS_FILE = "options.json"
console = Console(stderr=False)

Options = TypeVar("Options")


def prepare(options: Options, command: str) -> tuple[Options, Path]:
    """Make or reopen the output folder; a resumed run takes its options from there.

    Args:
        options: frozen dataclass with ``out`` and ``resume``.
        command: ``"design"`` or ``"train"``, for the folder's name and the messages.

    Returns:
        The options to run with, and the folder.

    Raises:
        DataError: nothing to resume there.
        OutputError: the folder cannot be made, or holds another run.
    """
    if options.resume is not None:
        return _saved(options, command), options.resume
    out = options.out or Path("runs") / time.strftime(f"{command}-%Y%m%d-%H%M%S")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the output folder {out}: {error.strerror}. Choose another with --out"
        ) from error
    # A run that failed on its input left nothing but its options: the next attempt may take the folder.
    if (out / OPTIONS_FILE).exists() and len(list(out.iterdir())) > 1:
        raise OutputError(
            f"{out} holds another run: go on with it by --resume {out}, or choose another --out"
        )
    kept = {**asdict(options), "out": None, "resume": None}
    content = {name: str(v.resolve()) if isinstance(v, Path) else v for name, v in kept.items()}
    write_json(out / OPTIONS_FILE, {"command": command, **content})
    return options, out


def _saved(options: Options, command: str) -> Options:
    saved = options.resume / OPTIONS_FILE
    try:
        content = json.loads(saved.read_text())
        if content.pop("command") != command:
            raise ValueError("another command")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"{options.resume} holds no interrupted mlmat {command} (no readable {OPTIONS_FILE} of one)"
        ) from error
    hints = get_type_hints(type(options))
    for field in fields(options):
        value, kinds = content.get(field.name), (hints[field.name], *get_args(hints[field.name]))
        if value is not None and Path in kinds:
            content[field.name] = Path(value)
        if isinstance(value, list):
            content[field.name] = tuple(value)
    return replace(type(options)(**content), resume=options.resume)


def progress_bar(*columns: str) -> Progress:
    """Progress with counts and times; `columns` are further text columns, rich markup."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *map(TextColumn, columns),
        console=console,
    )


def command_line(options: Any, command: str, positional: tuple[str, ...] = ()) -> str:
    """The command line that repeats a run."""
    defaults = asdict(type(options)())
    words = ["mlmat", command, *(str(getattr(options, name)) for name in positional)]
    for name, value in asdict(options).items():
        if name in ("out", "resume", *positional) or value == defaults[name]:
            continue
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words += [flag]
        elif isinstance(value, (list, tuple)) and isinstance(defaults[name], tuple) and not defaults[name]:
            words += [word for one in value for word in (flag, str(one))]
        elif isinstance(value, (list, tuple)):
            words += [flag, *map(str, value)]
        else:
            words += [flag, str(value)]
    return shlex.join(words)


def plain_options(options: Any) -> dict[str, Any]:
    """Options as JSON values, for a run record."""
    return {name: str(v) if isinstance(v, Path) else v for name, v in asdict(options).items()}


def prepare_process() -> None:
    """Settings of the process of a command that computes; to be called before JAX is imported."""
    _keep_freed_memory()
    _keep_compiled_programs()


def _keep_freed_memory() -> None:
    """Let the C library (glibc) keep memory that a step of training frees for the next step.

    Else every step gets its tens of megabytes from the operating system anew, page by page:
    a third of the time of a SchNet step of 200 molecules on two cores. Threads share two arenas: each
    epoch is packed by a thread of its own, which would keep the memory of a whole epoch.
    """
    trim_threshold, top_pad, mmap_max, arena_max = -1, -2, -4, -8  # M_… of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(arena_max, 2)
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 2**26)


def _keep_compiled_programs() -> None:
    """Keep compiled programs between runs, in mlmat's cache folder unless JAX was told another.

    A second run of the same shapes starts without compiling. The folder is named after the
    processor: compiled code must not meet a processor that lacks its instructions.
    """
    # XLA reports a harmless difference of tuning flags as an error whenever it loads from the cache.
    # JAX reads the level of its log when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import jax

    from mlmat.data.lookup import cache_folder

    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / f"xla-{_processor()}"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def _processor() -> str:
    """Short name of this kind of processor."""
    text = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        text += "".join(
            sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})
        )
    return hashlib.sha256(text.encode()).hexdigest()[:12]
