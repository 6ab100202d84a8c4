"""Writing files so that nothing is ever half there: temporary name, then rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mlmat.errors import OutputError


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "wb", **kwargs: Any) -> Iterator[IO]:
    """Open a temporary file beside `path` and move it there when the block succeeds.

    A reader sees the old content or the new one, never a part; if the block
    raises (full disk, interrupt), the old file stays and the temporary one goes.

    Args:
        path: where the content shall end up; its folder must exist.
        mode: ``"wb"`` or ``"w"``.
        **kwargs: passed to `open` (``encoding``, ``newline``).

    Raises:
        OutputError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, mode, **kwargs) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}. Choose another place with --out, "
            "or free the disk."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically; refuses NaN, which JSON lacks."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic_write(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_lines(path: str | Path) -> Iterator[dict]:
    """Records of a JSON-lines file; a last line cut short by a kill is dropped, no file is empty."""
    path = Path(path)
    if not path.exists():
        return
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)


def cut_torn_line(path: str | Path) -> None:
    """Remove a last line without its newline, so that appending to the file starts cleanly."""
    path = Path(path)
    if path.exists():
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])
