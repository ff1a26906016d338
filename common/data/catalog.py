"""The data sets this project knows: their sources, checksums, licences and fingerprints, read from data/catalog.yaml.

    python -m common.data.catalog        list them, and where each would come from

Imports nothing heavy: the workflow reads it each time it is parsed.
"""

from __future__ import annotations

import argparse
import difflib
import math
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.data import plain_yaml

CATALOG = Path(__file__).resolve().parents[2] / "data" / "catalog.yaml"
CHECKSUM = "sha256:[0-9a-f]{64}|None"


class DataError(RuntimeError):
    """Something is wrong with a data set; the message says what, where, and what to do next."""


def reason(error: Exception) -> str:
    """Return an error's kind and words in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@dataclass(frozen=True)
class Archive:
    """An official file: addresses in the order tried, size in bytes, checksum ("sha256:..."); None where unknown."""

    file: str
    urls: tuple[str, ...]
    size: int | None
    checksum: str | None


@dataclass(frozen=True)
class SplitFacts:
    """Number of images and content fingerprint of one split; None where any will do."""

    count: int | None
    fingerprint: str | None


@dataclass(frozen=True)
class Variant:
    """What a prepared file may turn out to hold: the complete set or a known part of it."""

    completeness: str
    description: str
    splits: dict[str, SplitFacts]


@dataclass(frozen=True)
class Portion:
    """Size of a smoke split: so many classes with so many images each."""

    classes: int
    per_class: int


@dataclass(frozen=True)
class Entry:
    """All the catalogue says of one data set.

    shape: of one image; classes: their number in each split; variants: what a prepared file may hold.
    mirror_names: file stems in a mirror; smoke: sizes of the tiny set; class_ids: mini-ImageNet's.
    order_by_content: the official archive and the mirrors differ in the order of the images.
    A seeded run must not depend on the source, so the prepared images are sorted.
    """

    name: str
    title: str
    citation: str
    licence: str
    shape: tuple[int, ...]
    classes: dict[str, int]
    archives: tuple[Archive, ...]
    variants: tuple[Variant, ...]
    mirror_names: tuple[str, ...]
    smoke: dict[str, Portion]
    class_ids: tuple[str, ...] = ()
    order_by_content: bool = False

    @property
    def most_bytes(self) -> int:
        """What its files may unpack to: four times the complete set, which is more than any variant takes."""
        return 4 * math.prod(self.shape) * sum(split.count or 0 for split in self.variants[0].splits.values())


@cache
def catalog() -> dict[str, Entry]:
    """Return every data set by name. Raises DataError if the catalogue is missing or malformed."""
    try:
        return {name: _entry(name, dict(record)) for name, record in plain_yaml.read(CATALOG).items()}
    except (OSError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise DataError(
            f"cannot read the data catalogue {CATALOG} ({reason(error)}): correct it, in UTF-8, or restore it"
        ) from error


def _entry(name: str, record: dict) -> Entry:
    sources = record.pop("sources")
    if odd := [a["file"] for a in record["archives"] if not re.fullmatch(CHECKSUM, str(a["checksum"]))]:
        raise ValueError(f"the checksum of {odd[0]} is not sha256: and 64 hexadecimal digits, or null")
    record["archives"] = tuple(
        Archive(urls=tuple(source + archive["file"] for source in sources), **archive) for archive in record["archives"]
    )
    record["variants"] = tuple(
        Variant(**variant | {"splits": {split: SplitFacts(**facts) for split, facts in variant["splits"].items()}})
        for variant in record["variants"]
    )
    record["smoke"] = {split: Portion(**portion) for split, portion in record["smoke"].items()}
    record["shape"] = tuple(record["shape"])
    record["mirror_names"] = tuple(record["mirror_names"])
    record["class_ids"] = tuple(record.get("class_ids", "").split())
    return Entry(name=name, **record)


def entry(name: str) -> Entry:
    """Return the entry of one data set. Raises DataError, with the closest known name, if there is none."""
    known = catalog()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise DataError(f"unknown data set '{name}': {hint}known are {', '.join(known)}")
    return known[name]


def given_folder(setting: str, configured: str | os.PathLike | None) -> str | None:
    """Return the folder of a setting, ~ expanded: as configured, else of the environment (DATA_MIRROR), else None.

    setting: data_mirror or imagenet_folder.  Raises DataError if it cannot be read.
    """
    folder = os.path.expanduser(str(os.environ.get(setting.upper(), "") if configured in (None, "") else configured))
    if folder and not os.path.isdir(folder):
        raise DataError(f"{folder} is not a folder: correct {setting} or {setting.upper()}, or leave it empty")
    if folder and not os.access(folder, os.R_OK | os.X_OK):
        raise DataError(
            f"{folder} may not be read: allow it, correct {setting} or {setting.upper()}, or leave it empty"
        )
    return folder or None


def mirror_file(name: str, mirror: str | os.PathLike | None) -> str | None:
    """Return the path of the data set's file in this mirror folder; None without a mirror or a file in it."""
    if mirror is None:
        return None
    paths = (os.path.join(mirror, f"{stem}.npz") for stem in entry(name).mirror_names)
    return next(filter(os.path.lexists, paths), None)


def prepared_file(name: str, root: str | os.PathLike = "data") -> str:
    """Return the path of the prepared data set below the data folder, whether it exists or not."""
    return os.path.join(root, "prepared", f"{name}.npz")


def origin(name: str, mirror: str | os.PathLike | None = None, root: str | os.PathLike = "data") -> str:
    """Return where a smoke set would come from now, with the file's time: 'prepared ...', 'mirror ...' or 'stand-in'.

    It looks at file names only. As a rule's parameter it makes the set anew once real data is at hand.
    """
    for kind, path in (
        ("prepared", prepared_file(name, root)),
        ("mirror", mirror_file(name, given_folder("data_mirror", mirror))),
    ):
        if path and os.path.exists(path):
            return f"{kind} {path} {int(os.path.getmtime(path))}"
    return "stand-in"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m common.data.catalog", description="List the data sets known here.")
    parser.add_argument("--root", default="data", help="data folder (default: data)")
    parser.add_argument("--mirror", help="folder of <name>.npz files (default: environment variable DATA_MIRROR)")
    options = parser.parse_args(arguments)
    try:
        mirror = given_folder("data_mirror", options.mirror)
        for name, facts in catalog().items():
            sizes = [archive.size for archive in facts.archives if archive.size]
            size = f"{sum(sizes) / 1e6:.0f} MB" if len(sizes) == len(facts.archives) else "size unknown"
            if os.path.exists(prepared_file(name, options.root)):
                state = f"prepared: {prepared_file(name, options.root)}"
            else:
                state = f"in the mirror: {found}" if (found := mirror_file(name, mirror)) else "to be downloaded"
            print(f"{name:14} {size:>12}  {state}\n{'':14} {facts.citation}\n{'':14} licence: {facts.licence}")
    except DataError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
