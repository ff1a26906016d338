"""Prepare data sets: from a mirror, a user's folder or the official download to one checked .npz file each.

    python -m common.data.prepare mnist omniglot         data/prepared/<name>.npz
    python -m common.data.prepare omniglot --smoke       data/smoke/<name>.npz: a tiny subset, or a stand-in; never downloads

A prepared file holds `<split>_images` uint8, `<split>_labels` int64, names where there are any, and `about`: JSON text
with the source, completeness and content of the splits.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from common.data import standins
from common.data.archives import read_archives, read_imagenet_folder
from common.data.catalog import DataError, Entry, entry, given_folder, mirror_file, prepared_file
from common.data.content import Arrays, describe, describe_splits, ordered
from common.data.fetch import download
from common.data.files import atomic_write
from common.data.load import check_from_folder, load, read_arrays


def prepare(
    name: str,
    *,
    root: str | os.PathLike = "data",
    mirror: str | os.PathLike | None = None,
    imagenet_folder: str | os.PathLike | None = None,
) -> Path:
    """Return the path of the prepared data set; where it is missing, make it first.

    root: the data folder.
    mirror: folder of <name>.npz files; None: the environment variable DATA_MIRROR.
    imagenet_folder: the user's ImageNet, which goes before the mirror; None: the variable IMAGENET_FOLDER.
    Raises DataError if the data cannot be had, or is not what the catalogue knows.
    """
    facts, target = entry(name), Path(prepared_file(name, root))
    imagenet_folder = given_folder("imagenet_folder", imagenet_folder) if name == "imagenet" else None
    if target.exists():
        if imagenet_folder:
            check_from_folder(target, imagenet_folder)
        return target
    description = None
    if imagenet_folder:  # before the mirror, which may hold no more than Tiny-ImageNet
        arrays, description = read_imagenet_folder(Path(imagenet_folder), facts.class_ids)
        source, where = "folder", imagenet_folder
    elif file := _in_mirror(facts, mirror):
        arrays, source, where = _read_mirror(facts, file), "mirror", file
    else:
        folder = Path(root) / "raw" / name
        files = [
            _by_hand(folder / item.file) or download(item.urls, folder / item.file, item.checksum, item.size)
            for item in facts.archives
        ]
        arrays, source, where = read_archives(name, files), "download", str(folder)
    about = describe(facts, arrays, where) | {"source": source}
    if description:
        about["description"] = description
    return _save(target, ordered(facts, arrays), about)


def smoke(name: str, *, root: str | os.PathLike = "data", mirror: str | os.PathLike | None = None) -> Path:
    """Return the path of the tiny data set for the smoke scale, always made anew.

    It is a subset of the prepared set or of the mirror's, else a stand-in.
    root, mirror: as for `prepare`.
    Raises DataError if a file that is there is damaged, or not what the catalogue knows.
    """
    facts, target = entry(name), Path(root) / "smoke" / f"{name}.npz"
    arrays: Arrays = {}
    about: dict[str, Any] = {"splits": {}}
    if os.path.exists(path := prepared_file(name, root)):
        prepared = load(path)
        about, arrays = dict(prepared.about), dict(prepared.extras)
        for split, part in prepared.splits.items():
            arrays |= {f"{split}_images": part.images, f"{split}_labels": part.labels}
    elif file := _in_mirror(facts, mirror):
        arrays = _read_mirror(facts, file)
        about = describe(facts, arrays, file) | {"source": "mirror"}
        arrays = ordered(facts, arrays)
    if set(facts.smoke) <= set(about["splits"]):
        arrays = _subset(facts, arrays)
        about |= {"completeness": "subset", "description": f"{about['description']}, tiny subset"}
    else:  # nothing at hand, or only a part of the splits
        arrays = standins.make(facts)
        phrase = f"stand-in {standins.KINDS[name].phrase} for {facts.title}"
        about = {"name": name, "source": "stand-in", "completeness": "stand-in", "description": phrase}
    return _save(target, arrays, about | {"splits": describe_splits(facts, arrays, target)})


def _by_hand(file: Path) -> Path | None:
    """Return a file in MNIST's format that lies there, unpacked or packed anew: the set's content tells what it is."""
    names = (file.name, file.stem, file.stem.replace("-idx", ".idx")) if file.name.endswith("-ubyte.gz") else ()
    return next(filter(Path.is_file, map(file.with_name, names)), None)


def _in_mirror(facts: Entry, mirror: str | os.PathLike | None) -> str | None:
    return mirror_file(facts.name, given_folder("data_mirror", mirror))


def _read_mirror(facts: Entry, path: str) -> Arrays:
    arrays = read_arrays(path, "replace it in the mirror", facts.most_bytes)
    arrays.pop("about", None)  # a prepared file may serve as a mirror; what it holds is established anew
    return arrays


def _subset(facts: Entry, arrays: Arrays) -> Arrays:
    """The smoke portion of each split: classes spread evenly over all, their first images, labels counted from 0."""
    chosen = {}
    for split, portion in facts.smoke.items():
        labels = arrays[f"{split}_labels"]
        classes = np.linspace(0, facts.classes[split] - 1, portion.classes).round().astype(int)
        rows = np.concatenate([np.flatnonzero(labels == c)[: portion.per_class] for c in classes])
        for key, array in arrays.items():
            if key.startswith(f"{split}_"):
                chosen[key] = array[rows] if len(array) == len(labels) else array[classes]
        chosen[f"{split}_labels"] = np.searchsorted(classes, labels[rows])
    names = {k: a[classes] for k, a in arrays.items() if k not in chosen and a.shape[:1] == (facts.classes[split],)}
    return chosen | names


def _save(target: Path, arrays: Arrays, about: dict) -> Path:
    """Write a prepared file, whole or not at all."""
    contents: dict[str, Any] = {k: a.astype(np.int64) if k.endswith("_labels") else a for k, a in arrays.items()}
    try:
        with atomic_write(target) as temporary, temporary.open("wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **contents)
    except OSError as error:
        raise DataError(str(error)) from error
    return target


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m common.data.prepare", description="Prepare data sets.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="data set, as listed by python -m common.data.catalog")
    parser.add_argument("--smoke", action="store_true", help="make data/smoke/<name>.npz: tiny subset or stand-in")
    parser.add_argument("--root", default="data", help="data folder (default: data)")
    parser.add_argument("--mirror", help="folder of <name>.npz files (default: environment variable DATA_MIRROR)")
    parser.add_argument("--imagenet-folder", help="ImageNet or mini-ImageNet (default: variable IMAGENET_FOLDER)")
    options = parser.parse_args(arguments)
    try:
        for name in options.names:
            if options.smoke:
                path = smoke(name, root=options.root, mirror=options.mirror)
            else:
                path = prepare(name, root=options.root, mirror=options.mirror, imagenet_folder=options.imagenet_folder)
            about = load(path).about
            print(f"{path}: {about['description']} ({about['completeness']}, from {about['source']})")
    except (DataError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
