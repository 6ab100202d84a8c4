"""Downloading one file into a folder: progress bar, checksum, nothing half-written."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlmat.errors import DataError, OutputError
from mlmat.files import atomic_write, sha256

TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as out of reach."""


def download(url: str, path: Path, known_sha256: str | None, progress: bool = True) -> str:
    """Fetch `url` to `path`, and note its SHA-256 in a file beside it.

    The bytes go to a folder of their own next to `path` and move into place only when
    they are complete and verified. So an interrupt leaves `path` as it was, and two
    processes that fetch at once both end with a whole file.

    Args:
        url: address, http or https.
        path: file to write; its folder is made.
        known_sha256: expected checksum, or None if none is known.
        progress: show a progress bar on standard error.

    Returns:
        The SHA-256 of the file.

    Raises:
        DataError: no network, an error of the server, a broken transfer, another checksum.
        OutputError: the folder cannot be written.
    """
    # pooch and requests take a third of a second to import; only a download needs them.
    import pooch
    import requests

    kept = "Nothing was kept"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder,
            _bar(path.name, progress) as bar,
            _quiet(pooch.get_logger()),
        ):
            # No compression in transit, so that the announced length is the file's.
            fetcher = pooch.HTTPDownloader(
                progressbar=bar, chunk_size=1 << 16, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
            )
            whole = Path(
                pooch.retrieve(url, known_hash=known_sha256, fname=path.name, path=folder, downloader=fetcher)
            )
            if bar.total and whole.stat().st_size != bar.total:
                raise DataError(
                    f"{url} broke off after {whole.stat().st_size} of {bar.total} bytes. {kept}. Try again"
                )
            digest = known_sha256 or sha256(whole)
            whole.chmod(0o644)
            os.replace(whole, path)
        with atomic_write(recorded_sha256(path), "w", encoding="ascii") as stream:
            stream.write(f"{digest}  {path.name}\n")
        return digest
    except requests.exceptions.HTTPError as error:
        raise DataError(
            f"{url} answered {error.response.status_code} {error.response.reason}. {kept}"
        ) from error
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise DataError(f"{url} broke off in the middle of the transfer. {kept}. Try again") from error
    except requests.exceptions.RequestException as error:
        reason = "too slow" if isinstance(error, requests.exceptions.Timeout) else "no connection"
        raise DataError(f"cannot reach {url} ({reason}). {kept}. Try again later") from error
    except ValueError as error:
        raise DataError(
            f"{url} sent other bytes than expected (SHA-256 {known_sha256}). {kept}. Try again"
        ) from error
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write the cache {path.parent}: {error.strerror or error}. "
            "Set MLMAT_CACHE to another folder"
        ) from error


def recorded_sha256(path: Path) -> Path:
    """The file beside a download that holds its SHA-256, in the format of ``sha256sum``."""
    return path.with_name(f"{path.name}.sha256")


class _Bar:
    """The interface of a tqdm bar, which pooch drives, on a task of a rich progress display."""

    def __init__(self, display, task):
        self.total = 0
        self._display, self._task = display, task

    def update(self, count: int) -> None:
        """Advance by `count` bytes."""
        if self._display:
            self._display.update(self._task, total=self.total or None, advance=count)

    def reset(self) -> None:
        """Go back to zero (pooch does so before it sets the final count)."""
        if self._display:
            self._display.reset(self._task)

    def close(self) -> None:
        """Nothing to do: the display closes itself."""


@contextlib.contextmanager
def _bar(name: str, show: bool) -> Iterator[_Bar]:
    if not show:
        yield _Bar(None, None)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as display:
        yield _Bar(display, display.add_task(name, total=None))


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch's remarks (which name temporary files) off the terminal."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
