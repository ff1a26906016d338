"""Files that are whole or absent: paths checked before work begins, atomic writes, and what killed writes left behind."""

from __future__ import annotations

import argparse
import contextlib
import errno
import glob
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PosixPath
from typing import Any

# What is written beside a file: a result's record, a model's log, and what goes with a figure or a typeset table.
BESIDE = {
    ".csv": (".json",),
    ".npz": (".json",),
    ".pt": (".json", ".csv"),
    ".pdf": (".png", ".csv"),
    ".tex": (".md", ".csv"),
}


LONGER = 20  # characters, at most, that a file's name has more while it is written


class WriteError(OSError):
    """A file could not be written; the message is a sentence that names it and says what is kept."""


class Output(PosixPath):
    """A path that an option gives for writing. All others that it gives are read."""


def written(*suffixes: str) -> Callable[[str], Output]:
    """Return the type of an option for a file to write, which must have one of these suffixes if any is named."""

    def output(text: str) -> Output:
        if suffixes and Path(text).suffix not in suffixes:
            raise argparse.ArgumentTypeError(f"{text} must end in {' or '.join(suffixes)}, as it is written so")
        return Output(os.path.expanduser(text))

    return output


def check_outputs(options: Mapping[str, Any]) -> None:
    """Raise ValueError naming two options of which one would overwrite the other's file or what lies beside it, and
    WriteError for an output that cannot lie where it should; remove what killed writes to the outputs left behind.

    options: a command line's, by name.
    """
    given_paths = _paths(options)
    taken: dict[Path, tuple[str, Path]] = {}
    for name, path in sorted(given_paths, key=lambda one: isinstance(one[1], Output)):  # what is read first
        files = [path, *(path.with_suffix(suffix) for suffix in BESIDE.get(path.suffix, ()))]
        for file in files:
            other, given = taken.setdefault(Path(os.path.realpath(file)), (name, path))
            if given is not path and isinstance(path, Output):
                raise ValueError(f"{name} {path} and {other} {given} share {file.name}: give one of them another name")
        if isinstance(path, Output):
            _check_place(name, path)
            for file in files:
                remove_unfinished(file)


def inputs(options: Mapping[str, Any]) -> list[Path]:
    """Return the files that a command line's options give for reading; options: by name."""
    return [path for _, path in _paths(options) if not isinstance(path, Output)]


def _paths(options: Mapping[str, Any]) -> list[tuple[str, Path]]:
    """Return all paths that options give, each with the option: of files to read those that are there."""
    return [
        (f"--{name.replace('_', '-')}", path if isinstance(path, Output) else Path(path))
        for name, value in options.items()
        for path in (value if isinstance(value, list) else [value])
        if isinstance(path, Output) or (isinstance(path, str | Path) and os.path.isfile(path))
    ]


def _check_place(option: str, path: Path) -> None:
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    try:
        os.lstat(path.with_name(f"{path.name}{'_' * LONGER}"))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise WriteError(f"{option} {path}: the name is too long; choose a shorter one") from error
    if path.is_dir():
        raise WriteError(f"{option} {path} is a folder: name a file in it")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise WriteError(f"{option} {path}: nothing can be written in {folder}; name another folder")


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it becomes `path` only when the block ends without an exception.

    The temporary keeps the final suffix, so that np.savez and savefig see the ending they expect. On an exception it
    is removed and an older `path` stays as it was. Parent folders are created. Raises FileNotFoundError if the block
    wrote nothing, and WriteError if the disk is full, say.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path, uuid.uuid4().hex[:8]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"nothing was written for {path}: write to the path that atomic_write yields")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:  # also KeyboardInterrupt: no partial file may survive
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if reason := _why_not_written(error, temporary):
            kept = "the file that was there before is kept" if path.exists() else "nothing of it is kept"
            raise WriteError(
                f"cannot write {path.name} in the folder {path.parent.absolute()} ({reason}): {kept}; make room or allow it, "
                "and run the same command again"
            ) from error
        raise


def _why_not_written(error: BaseException, temporary: Path) -> str | None:
    """Return why a file could not be written; None if that is not what the error says."""
    if isinstance(error, RuntimeError) and "inline_container" in str(error):  # of torch.save, which does not say more
        return "no room, or the disk failed"
    about = getattr(error, "filename", None)
    if isinstance(error, OSError) and error.errno and (about is None or Path(about) in (temporary, *temporary.parents)):
        return error.strerror
    return None


def remove_unfinished(path: str | Path) -> None:
    """Remove the temporary files of writes to `path` that were killed. No other process may be writing it now."""
    path = Path(path)
    pattern = _temporary_name(path.with_name(glob.escape(path.name)), "[0-9a-f]" * 8)
    for unfinished in path.parent.glob(pattern):
        unfinished.unlink(missing_ok=True)


def _temporary_name(path: Path, mark: str) -> str:
    return f".{path.stem}.{mark}{path.suffix}"
