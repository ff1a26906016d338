"""Files that are whole or absent: atomic writes, and removal of what killed writes left behind."""

from __future__ import annotations

import contextlib
import glob
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it becomes `path` only when the block ends without an exception.

    The temporary keeps the final suffix, so that np.savez and savefig see the ending they expect. On an exception it
    is removed and an older `path` stays as it was. Parent folders are created. Raises FileNotFoundError if the block
    wrote nothing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(_temporary_name(path, uuid.uuid4().hex[:8]))
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"nothing was written for {path}: write to the path that atomic_write yields")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # also KeyboardInterrupt: no partial file may survive
        temporary.unlink(missing_ok=True)
        raise


def remove_unfinished(path: str | Path) -> None:
    """Remove the temporary files of writes to `path` that were killed. No other process may be writing it now."""
    path = Path(path)
    pattern = _temporary_name(path.with_name(glob.escape(path.name)), "[0-9a-f]" * 8)
    for unfinished in path.parent.glob(pattern):
        unfinished.unlink(missing_ok=True)


def _temporary_name(path: Path, mark: str) -> str:
    return f".{path.stem}.{mark}{path.suffix}"
