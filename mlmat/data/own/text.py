"""Text files as users have them: compressed or not, in any usual encoding."""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mlmat.errors import DataError

HEAD = 1 << 20
"""Bytes that the encoding is guessed from."""

_COMPRESSED = ((b"\x1f\x8b", "gzip", ".gz"), (b"\xfd7zXZ\x00", "xz", ".xz"), (b"PK\x03\x04", "zip", ".zip"))

_BINARY = (
    (b"SQLite format 3", "an SQLite file; an ASE database must be named .db"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
)


def suffix_of(path: str | Path) -> str:
    """Last suffix in lower case without that of a compression: ``.csv`` for ``dyes.CSV.xz``."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    while len(suffixes) > 1 and suffixes[-1] in (".xz", ".gz", ".zip"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


@contextlib.contextmanager
def open_text(path: str | Path) -> Iterator[tuple[IO[str], list[str]]]:
    """Open a text file, decompressed by its content and decoded by a guess that `notes` tell.

    Bytes that do not fit a UTF-8 file become lone surrogates; `broken` finds them.

    Args:
        path: file, or ``-`` for standard input.

    Yields:
        The stream, and notes on compression and encoding.

    Raises:
        DataError: no such file, not text, truncated while reading, or an unusable archive.
    """
    notes: list[str] = []
    try:
        with contextlib.ExitStack() as stack:
            if str(path) == "-":
                raw: IO[bytes] = sys.stdin.buffer
            else:
                raw = _decompressed(stack, Path(path), notes)
            buffered = io.BufferedReader(raw, HEAD)
            head = buffered.peek(HEAD)[:HEAD]
            stream = io.TextIOWrapper(
                buffered, _encoding(head, str(path), notes), "surrogateescape", newline=""
            )
            if str(path) == "-":
                stack.callback(buffered.detach)  # last in, first out: standard input stays open
                stack.callback(stream.detach)
            else:
                stack.callback(stream.close)
            yield stream, notes
    except (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is truncated or damaged ({error}): copy or download it again") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder: give a file, or structures= for a folder") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {error}. Save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _decompressed(stack: contextlib.ExitStack, path: Path, notes: list[str]) -> IO[bytes]:
    raw = stack.enter_context(path.open("rb"))
    head = raw.peek(8)
    kind = next((kind for magic, kind, _ in _COMPRESSED if head.startswith(magic)), None)
    suffix = next((end for _, known, end in _COMPRESSED if known == kind), None)
    if path.suffix.lower() in (".gz", ".xz", ".zip") and kind is None and head:
        raise DataError(f"{path} is not what its name says ({path.suffix}): rename it or compress it again")
    if kind and path.suffix.lower() != suffix:
        notes.append(f"{path.name} is {kind}-compressed though its name does not say so")
    if kind == "gzip":
        return stack.enter_context(gzip.open(raw))
    if kind == "xz":
        return stack.enter_context(lzma.open(raw))
    if kind == "zip":
        archive = stack.enter_context(zipfile.ZipFile(raw))
        names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
        if any(name.startswith("xl/") for name in names):
            raise DataError(f"{path} is an Excel workbook: save the sheet as CSV")
        if len(names) != 1:
            raise DataError(f"{path} holds {len(names)} files: unpack it and name one")
        return stack.enter_context(archive.open(names[0]))
    return raw


def _encoding(head: bytes, path: str, notes: list[str]) -> str:
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise DataError(f"{path} is not a text file: it is {what}")
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append("read as UTF-16")
        return "utf-16"
    sample = head[:4096]
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(sample) > 3 and sample[offset::2].count(0) > 0.4 * len(sample):
            notes.append("read as UTF-16")
            return name
    control = sum(byte < 9 or 13 < byte < 32 for byte in sample)
    if control > max(2, 0.02 * len(sample)):
        raise DataError(f"{path} is not a text file: {control} of its first {len(sample)} bytes are binary")
    try:
        # A character may be cut at the end of the sample.
        head.decode("utf-8") if len(head) < HEAD else head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        line = head[: error.start].count(b"\n") + 1
        notes.append(f"read as Latin-1, because line {line} is not UTF-8; check names with accents")
        return "latin-1"
    return "utf-8"


def broken(text: str) -> str | None:
    """Why a text cannot be trusted (bytes of another encoding, NUL), or None."""
    if "\0" in text:
        return "it holds NUL bytes"
    if any("\udc80" <= character <= "\udcff" for character in text):
        return "it holds bytes that are not UTF-8 (mixed encodings)"
    return None


def readable(text: str) -> str:
    """The text with undecodable bytes replaced, safe to print and write."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "\ufffd")
