"""Read a prepared data set: images, labels, and what the file says about itself."""

from __future__ import annotations

import json
import os
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data.catalog import DataError

# What numpy raises for an .npz file that is truncated, damaged or something else, depending on where the damage lies.
BUILT_IN = (OSError, EOFError, ValueError, AttributeError, LookupError, RuntimeError, TypeError, SyntaxError)
UNREADABLE = (*BUILT_IN, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)


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

    Raises DataError, naming the command that makes the file, if it is missing or damaged.
    """
    path = Path(path)
    command = f"snakemake --cores 1 {path} (or: python -m common.data.prepare {path.stem}"
    command += " --smoke)" if path.parent.name == "smoke" else ")"
    if not path.exists():
        raise DataError(f"there is no data set at {path}; make it with: {command}")
    advice = f"delete it and make it again with: {command}"
    arrays = read_arrays(path, advice)
    try:
        about = json.loads(str(arrays.pop("about")))
        splits = {
            split: Split(arrays.pop(f"{split}_images"), arrays.pop(f"{split}_labels")) for split in about["splits"]
        }
        return Dataset(about["name"], splits, arrays, about)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no prepared data set ({error!r}); {advice}") from error


def read_arrays(path: str | os.PathLike, advice: str) -> dict[str, np.ndarray]:
    """Return all arrays of an .npz file. Raises DataError, ending in `advice`, if it is damaged or none."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except UNREADABLE as error:
        raise DataError(f"{path} is truncated or damaged, or not an .npz file ({error}); {advice}") from error
