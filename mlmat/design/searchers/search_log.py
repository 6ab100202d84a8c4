"""The state of a host-side search as JSON lines: one line a round, appended, never rewritten.

A killed search reads its lines and goes on exactly; a line cut short is dropped, and its
round is done again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.errors import DataError
from mlmat.files import cut_torn_line, read_lines


def open_log(path: Path | None, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Rounds done so far; a new log begins with its settings.

    Args:
        path: the log; None keeps nothing.
        settings: what must be the same for a search to go on (JSON types).

    Raises:
        DataError: the log belongs to other settings.
    """
    if path is None:
        return []
    cut_torn_line(path)
    settings = json.loads(json.dumps(settings))
    rows = list(read_lines(path))
    if not rows:
        append_round(path, settings)
        return []
    if rows[0] != settings:
        raise DataError(
            f"the saved search {path} belongs to other settings: delete it, or use those settings"
        )
    return rows[1:]


def append_round(path: Path | None, row: dict[str, Any]) -> None:
    """Append one round to the log, if there is one."""
    if path is not None:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def generator(state: dict[str, Any] | None, seed: int) -> np.random.Generator:
    """A random generator in a saved state, or a new one."""
    rng = np.random.default_rng(seed)
    if state is not None:
        rng.bit_generator.state = state
    return rng
