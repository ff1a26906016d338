"""Read a prepared data set: images, labels, and what the file says about itself."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data.catalog import DataError, catalog, entry, reason
from common.data.content import Arrays, describe, describe_splits
from common.data.files import atomic_write

# What numpy raises for an .npz file that is truncated, damaged or something else, depending on where the damage lies.
BUILT_IN = (
    OSError,
    EOFError,
    ValueError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    SyntaxError,
    MemoryError,
)
UNREADABLE = (*BUILT_IN, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)
GIVE = "give a prepared file, such as data/prepared/mnist.npz, which python -m common.data.prepare mnist makes"
SETTLED = 2 * 10**9  # nanoseconds after which another change has another time, on every disk


@dataclass(frozen=True)
class Split:
    """Images, uint8 [n, height, width] or [n, height, width, 3], and labels, int64 [n]."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """A prepared data set.

    splits: by name; extras: further arrays, such as names of classes; about: source, completeness, description, splits.
    """

    name: str
    splits: dict[str, Split]
    extras: dict[str, np.ndarray]
    about: dict


def load(path: str | os.PathLike) -> Dataset:
    """Return the data set in a prepared file.

    Raises DataError, naming the command that makes the file, if it is missing, damaged or something else (`_check`).
    """
    path = Path(path)
    command = f"snakemake --cores 1 {path} (or: python -m common.data.prepare {path.stem}"
    command += " --smoke)" if path.parent.name == "smoke" else ")"
    ours = path.stem in catalog() and path.parent.name in ("smoke", "prepared")
    if not path.exists():
        raise DataError(f"there is no data set at {path}; " + (f"make it with: {command}" if ours else GIVE))
    advice = f"delete it and make it again with: {command}" if ours else GIVE
    state = _state(path)
    arrays = read_arrays(path, advice, max(facts.most_bytes for facts in catalog().values()))
    try:
        about = json.loads(str(arrays.pop("about")))
        _check(path, about, arrays, state)
        splits = {
            split: Split(arrays.pop(f"{split}_images"), arrays.pop(f"{split}_labels")) for split in about["splits"]
        }
        return Dataset(about["name"], splits, arrays, about)
    except DataError as error:
        raise DataError(f"{str(error).removesuffix('.')}, or {advice}") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no prepared data set ({reason(error)}); {advice}") from error


def check_sets(option: str, paths: str | list[str] | None, names: tuple[str, ...]) -> None:
    """Raise DataError unless an option gives prepared files of these data sets, in this order.

    A file that cannot be read is left to `load`, which says why.
    """
    paths = [paths] if isinstance(paths, str) else paths or []
    held = [_about(path).get("name") for path in paths]
    if len(held) != len(names) or any(name not in (None, wanted) for name, wanted in zip(held, names)):
        given = ", ".join(f"{path} ({name or 'unreadable'})" for path, name in zip(paths, held)) or "none"
        raise DataError(
            f"{option} takes {' and '.join(names) or 'no data set here'}, each once and in this order, not {given}"
        )


def check_from_folder(path: str | os.PathLike, folder: str) -> None:
    """Raise DataError if a prepared ImageNet is there that was made from something else than a folder of the user's."""
    if (source := _about(path).get("source", "folder")) != "folder":
        raise DataError(
            f"{path} was made from a {source}, not from {folder}: delete it to take your images, or leave imagenet_folder empty"
        )


def _about(path: str | os.PathLike) -> dict[str, str]:
    """Return what a prepared file says of itself; nothing if it is missing or says nothing."""
    with contextlib.suppress(*UNREADABLE), np.load(path, allow_pickle=False) as archive:
        return dict(json.loads(str(archive["about"])))
    return {}


def _check(path: Path, about: dict, arrays: Arrays, state: list[int] | None) -> None:
    """Raise DataError if a prepared file does not hold what it says, or what the catalogue knows of its data set.

    state: the file's, before it was read. With right fingerprints it is noted in a file beside it. They are computed
    again once the file is in another state, or each time where nothing can be noted.
    """
    name, claim, description = (str(about[key]) for key in ("name", "completeness", "description"))
    facts = entry(name)
    if path.parent.name in ("prepared", "smoke") and path.stem != facts.name:
        raise DataError(f"{path} holds {facts.title}, not {path.stem}. Replace the file.")
    said = {split: dict(of_split or {}) for split, of_split in about["splits"].items()}
    fingerprints = {split: of_split.get("fingerprint") for split, of_split in said.items()}
    note, text = path.with_name(f".{path.name}.checked"), json.dumps([state, fingerprints])
    noted = os.access(note, os.R_OK) and note.read_bytes() == text.encode()
    known_before = fingerprints if noted else {}
    if claim in ("complete", "partial"):
        truth = describe(facts, arrays, path, known_before)
        held = truth["splits"]
        known = truth["completeness"] == claim and (description == truth["description"] or about["source"] == "folder")
    else:  # a file for the smoke scale, with splits that some variant has
        held = describe_splits(facts, arrays, path, known_before)
        known = any(held.keys() == variant.splits.keys() for variant in facts.variants)
        known &= claim in ("subset", "stand-in") and path.parent.name != "prepared"
    if not known:
        counts = ", ".join(f"{of_split['count']} {split}" for split, of_split in held.items())
        raise DataError(
            f"{path} says '{description}', '{claim}', but has {counts} images of {facts.title}. Replace the file."
        )
    if claim == "stand-in":  # may say less of itself
        said = {split: held.get(split, {}) | of_split for split, of_split in said.items()}
    if said != held or any(arrays[f"{split}_labels"].dtype != np.int64 for split in held):
        raise DataError(f"{path} does not hold what it says of itself, with labels as int64. Replace the file.")
    if not noted and state is not None and state == _state(path):
        with contextlib.suppress(OSError), atomic_write(note) as temporary:
            temporary.write_text(text)


def _state(path: Path) -> list[int] | None:
    """Return times of change (which none can set at will) and of content, size and number: others in a changed file.

    None for a file that changed just now: the next change may have the same time.
    """
    status = path.stat()
    times = [status.st_ctime_ns, status.st_mtime_ns]
    return [*times, status.st_size, status.st_ino] if time.time_ns() - max(times) > SETTLED else None


def read_arrays(path: str | os.PathLike, advice: str, most_bytes: int) -> Arrays:
    """Return all arrays of an .npz file.

    most_bytes: what they may unpack to.  Raises DataError, ending in `advice`, if the file is larger, damaged or none.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if (size := sum(member.file_size for member in archive.zip.infolist())) > most_bytes:
                raise ValueError(
                    f"it unpacks to {size:,} bytes, more than the {most_bytes:,} that images of bytes could take"
                )
            return {key: archive[key] for key in archive.files}
    except (PermissionError, IsADirectoryError, FileNotFoundError) as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): allow it, or {advice}") from error
    except UNREADABLE as error:
        why = "it holds Python objects, or nothing that numpy knows" if "pickle" in str(error) else reason(error)
        raise DataError(f"{path} is truncated or damaged, or not an .npz file ({why}); {advice}") from error
