"""Download one file from the first source that delivers it intact: resumable, checked, and never half there."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path

from common.data.catalog import DataError

CHUNK = 1 << 18  # bytes
TIMEOUT = 30  # seconds without a byte before a source is given up
HEADERS = {"User-Agent": "Mozilla/5.0 (continual-learning suite)"}  # some hosts refuse urllib's own name


class SourceError(Exception):
    """This source failed; another may work."""


class SlowSource(SourceError):
    """This source is slower than the floor; worth coming back to if no other works."""


class BadContent(SourceError):
    """The file came but is not the one expected."""


def download(
    urls: list[str] | tuple[str, ...],
    destination: str | os.PathLike,
    checksum: str | None = None,
    size: int | None = None,
    *,
    floor: float = 20_000.0,
    patience: float = 30.0,
) -> Path:
    """Fetch `destination` from the first of `urls` that works, and return its path.

    An unfinished file waits as `<destination>.part`, and a later call goes on from there.
    checksum: "sha256:..."; size: in bytes, looked at where there is no checksum. None where unknown.
    floor, patience: a source that stays below so many bytes per second for so many seconds is left. It is tried again,
    without a floor, after the others.
    Raises DataError if the file cannot be written, or no source works; it lists each source with its reason.
    """
    destination = Path(destination)
    part = destination.with_name(destination.name + ".part")
    try:
        if destination.exists():
            if reason := mismatch(destination, checksum, size):
                raise DataError(f"{destination} is not the official file ({reason}): delete it and run again")
            return destination
        destination.parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        queue = deque((url, floor) for url in urls)
        while queue:
            url, lowest_rate = queue.popleft()
            try:
                _from_source(url, part, checksum, size, lowest_rate, patience)
                os.replace(part, destination)
                return destination
            except SourceError as error:
                reasons.append(f"{url}: {error}")
                print(f"{reasons[-1]}; {'trying the next source' if queue else 'no further source'}", file=sys.stderr)
                if isinstance(error, SlowSource):
                    queue.append((url, 0.0))
    except OSError as error:
        raise cannot_write(destination, error) from error
    listed = "".join(f"\n  {reason}" for reason in reasons)
    raise DataError(
        f"could not download {destination.name}; tried{listed}\n"
        f"Check the network and run again, or put the file at {destination} by hand "
        f"(expected: {checksum or 'no published checksum'}, {size or 'unknown'} bytes)."
    )


def mismatch(path: Path, checksum: str | None, size: int | None) -> str | None:
    """Return why this file is not the expected one, or None if it is.

    checksum, size: as for `download`.
    """
    if checksum is None:
        length = path.stat().st_size
        return f"{length} bytes, expected {size}" if size is not None and length != size else None
    with open(path, "rb") as stream:
        digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    return f"{digest}, expected {checksum}" if digest != checksum else None


def cannot_write(path: str | os.PathLike, error: OSError) -> DataError:
    """Return the error to raise when a file could not be written: disk full, or what the system says."""
    folder = Path(path).parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(f"the disk is full: could not write {path}. Free some space in {folder} and run again.")
    return DataError(
        f"cannot write {path}: {error.strerror or error}. Make {folder} a writable folder, or choose another data "
        "folder with --root."
    )


def _from_source(url: str, part: Path, checksum: str | None, size: int | None, floor: float, patience: float) -> None:
    """Complete and check `part` from one source. If what was resumed turns out wrong, start afresh once."""
    resumed = part.exists()
    _receive(url, part, size, floor, patience)
    reason = mismatch(part, checksum, size)
    if reason and resumed:
        part.unlink()
        _receive(url, part, size, floor, patience)
        reason = mismatch(part, checksum, size)
    if reason:
        part.unlink()
        raise BadContent(f"wrong file ({reason})")


def _receive(url: str, part: Path, size: int | None, floor: float, patience: float) -> None:
    """Append to `part` what is missing of the file at `url`. What came stays there on a SourceError."""
    offset = part.stat().st_size if part.exists() else 0
    response = _open(url, offset)
    if response is None:  # nothing left to send: the part is whole, or wrong, which the checksum tells
        return
    with response:
        if response.status != 206:  # the source sends the file from its start
            offset = 0
        length = int(response.headers.get("Content-Length") or 0)
        total = offset + length if length else size
        progress = DownloadProgress(part.name.removesuffix(".part"), offset, total)
        window_start, window_bytes = time.monotonic(), 0
        done = offset
        with open(part, "ab" if offset else "wb") as stream:
            while chunk := _read(response):
                stream.write(chunk)
                done += len(chunk)
                window_bytes += len(chunk)
                progress.show(done)
                elapsed = time.monotonic() - window_start
                if elapsed >= patience:
                    if window_bytes / elapsed < floor:
                        raise SlowSource(f"slower than {floor / 1000:.0f} kB/s for {patience:.0f} s")
                    window_start, window_bytes = time.monotonic(), 0
        progress.show(done, last=True)
    if length and done < offset + length:
        raise SourceError(f"connection closed after {done} of {total} bytes")


def _open(url: str, offset: int) -> http.client.HTTPResponse | None:
    headers = HEADERS | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and offset:
            return None
        raise SourceError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"no connection ({getattr(error, 'reason', error)})") from error


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"connection lost ({error})") from error


class DownloadProgress:
    """Bytes done and rate, on stderr: one line kept up to date on a terminal, else a line every ten seconds."""

    def __init__(self, name: str, offset: int, total: int | None):
        self.name, self.offset, self.total = name, offset, total
        self.terminal = sys.stderr.isatty()
        self.start = self.shown = time.monotonic()

    def show(self, done: int, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self.shown < (0.2 if self.terminal else 10.0):
            return
        self.shown = now
        rate = (done - self.offset) / max(now - self.start, 1e-6) / 1e6
        share = f" of {self.total / 1e6:.1f} MB ({100 * done / self.total:.0f}%)" if self.total else " MB"
        line = f"{self.name}: {done / 1e6:.1f}{share}, {rate:.2f} MB/s"
        end = "\n" if last or not self.terminal else ""
        print(f"\r{line}\033[K" if self.terminal else line, end=end, file=sys.stderr, flush=True)
