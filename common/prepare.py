"""Prepare data sets: from a mirror, a user's folder or the official download to one checked .npz file each.

    python -m common.prepare mnist omniglot         data/prepared/<name>.npz
    python -m common.prepare omniglot --smoke       data/smoke/<name>.npz: a tiny subset, or a stand-in; never downloads

A prepared file holds `<split>_images` uint8, `<split>_labels` int64, names where there are any, and `about`: JSON text
with the source, completeness and content of the splits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from common import standins
from common.archives import Arrays, read_archives, read_imagenet_folder
from common.catalog import DataError, Entry, Variant, entry, mirror_file, mirror_folder, prepared_file
from common.fetch import cannot_write, download
from common.load import load, read_arrays
from common.records import atomic_write


def prepare(name: str, *, root="data", mirror=None, imagenet_folder=None) -> Path:
    """Path of the prepared data set; made first, if need be, from the mirror, the ImageNet folder or a download.

    Raises DataError if the data cannot be had, or is not what the catalogue knows.
    """
    facts, target = entry(name), Path(prepared_file(name, root))
    if target.exists():
        return target
    description, imagenet_folder = None, imagenet_folder or os.environ.get("IMAGENET_FOLDER")
    if name == "imagenet" and imagenet_folder:  # before the mirror, which may hold no more than Tiny-ImageNet
        arrays, description = read_imagenet_folder(Path(imagenet_folder), facts.class_ids)
        source, where = "folder", str(imagenet_folder)
    elif found := _in_mirror(facts, mirror):
        arrays, source, where = _read_mirror(found), "mirror", found
    else:
        folder = Path(root) / "raw" / name
        files = [download(item.urls, folder / item.file, item.checksum, item.size) for item in facts.archives]
        arrays, source, where = read_archives(name, files), "download", str(folder)
    about = describe(facts, arrays, where) | {"source": source}
    arrays = _ordered(facts, arrays)
    if description:
        about["description"] = description
    return _save(target, arrays, about)


def smoke(name: str, *, root="data", mirror=None) -> Path:
    """Path of the tiny data set for the smoke scale, always made anew: real images where at hand, else a stand-in."""
    facts, target = entry(name), Path(root) / "smoke" / f"{name}.npz"
    arrays, about = None, None
    if os.path.exists(path := prepared_file(name, root)):
        prepared = load(path)
        about, arrays = dict(prepared.about), dict(prepared.extras)
        for split, part in prepared.splits.items():
            arrays |= {f"{split}_images": part.images, f"{split}_labels": part.labels}
    elif found := _in_mirror(facts, mirror):
        arrays = _read_mirror(found)
        about = describe(facts, arrays, found) | {"source": "mirror"}
        arrays = _ordered(facts, arrays)
    if about and set(facts.smoke) <= set(about["splits"]):
        arrays = _subset(facts, arrays)
        about |= {"completeness": "subset", "description": f"{about['description']}, tiny subset"}
    else:  # nothing at hand, or only a part of the splits
        arrays = standins.make(facts)
        phrase = f"stand-in {standins.KINDS[name].phrase} for {facts.title}"
        about = {"name": name, "source": "stand-in", "completeness": "stand-in", "description": phrase}
    return _save(target, arrays, about | {"splits": _describe_splits(facts, arrays, target)})


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """Content of a split whatever its order: SHA-256 over the sorted digests of the images."""
    return hashlib.sha256("\n".join(sorted(_digests(images, labels))).encode()).hexdigest()


def _digests(images: np.ndarray, labels: np.ndarray) -> list[str]:
    """Of every image the SHA-256, in hexadecimal, of its label as two little-endian bytes and its pixels."""
    pairs = zip(labels.astype("<u2"), np.ascontiguousarray(images), strict=True)
    return [hashlib.sha256(label.tobytes() + image.tobytes()).hexdigest() for label, image in pairs]


def _ordered(facts: Entry, arrays: Arrays) -> Arrays:
    """The same images, for some sets in the order of their digests: a seeded run must not depend on the source."""
    if not facts.order_by_content:
        return arrays
    ordered = dict(arrays)
    for split in (key.removesuffix("_images") for key in arrays if key.endswith("_images")):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        rows = np.argsort(_digests(images, labels))
        for key, array in arrays.items():
            if key.startswith(f"{split}_") and len(array) == len(labels):
                ordered[key] = array[rows]
    return ordered


def describe(facts: Entry, arrays: Arrays, where: str | os.PathLike) -> dict:
    """What these arrays are according to the catalogue: name, completeness, description and splits.

    Raises DataError, naming `where` they came from, if they are malformed or fit nothing the catalogue knows.
    """
    splits = _describe_splits(facts, arrays, where)
    known = next((variant for variant in facts.variants if _counts_fit(variant, splits)), None)
    if known is None:
        found = ", ".join(f"{found['count']} {split}" for split, found in splits.items())
        expected = " or ".join(
            " + ".join(f"{s.count} {split}" for split, s in variant.splits.items()) + f" ({variant.description})"
            for variant in facts.variants
        )
        raise DataError(f"{where} is not {facts.title}: it has {found} images, expected {expected}. Replace the file.")
    for split, found in splits.items():
        expected = known.splits[split].fingerprint
        if expected not in (None, found["fingerprint"]):
            raise DataError(
                f"{where} is not {known.description}: fingerprint of its {split} part {found['fingerprint']}, "
                f"expected {expected}. Delete or replace the file."
            )
        if found["classes"] != facts.classes[split]:
            raise DataError(
                f"{where}: the {split} images show {found['classes']} classes, expected {facts.classes[split]}"
            )
    return {
        "name": facts.name,
        "completeness": known.completeness,
        "description": known.description,
        "splits": splits,
    }


def _counts_fit(variant: Variant, splits: dict[str, dict]) -> bool:
    return set(variant.splits) == set(splits) and all(
        known.count in (None, splits[split]["count"]) for split, known in variant.splits.items()
    )


def _describe_splits(facts: Entry, arrays: Arrays, where: str | os.PathLike) -> dict[str, dict]:
    """Count, number of classes and fingerprint of each split, after checking types, shapes and label ranges."""
    names = [key.removesuffix("_images") for key in arrays if key.endswith("_images")]
    if not names or not set(names) <= set(facts.classes):
        raise DataError(f"{where}: splits are {names or 'missing'}; {facts.title} has {list(facts.classes)}")
    splits = {}
    for split in names:
        images, labels = arrays[f"{split}_images"], arrays.get(f"{split}_labels")
        if images.dtype != np.uint8 or images.shape[1:] != facts.shape:
            raise DataError(
                f"{where}: {split} images are {images.dtype} {images.shape}, expected uint8 (n, {facts.shape})"
            )
        if labels is None or labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(f"{where}: {split} needs one integer label for each of its {len(images)} images")
        if labels.size == 0 or labels.min() < 0 or labels.max() >= facts.classes[split]:
            outside = f"from {labels.min()} to {labels.max()}" if labels.size else "missing"
            raise DataError(f"{where}: {split} labels are {outside}, expected 0 to {facts.classes[split] - 1}")
        splits[split] = {
            "count": len(labels),
            "classes": len(np.unique(labels)),
            "fingerprint": fingerprint(images, labels),
        }
    return splits


def _in_mirror(facts: Entry, mirror: str | os.PathLike | None) -> str | None:
    folder = mirror_folder(mirror)
    if folder and not os.path.isdir(folder):
        raise DataError(f"the mirror {folder} is not a folder: correct data_mirror or DATA_MIRROR, or leave it empty")
    return mirror_file(facts.name, folder)


def _read_mirror(path: str) -> Arrays:
    arrays = read_arrays(path, "replace it in the mirror")
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
    arrays = {k: a.astype(np.int64) if k.endswith("_labels") else a for k, a in arrays.items()}
    try:
        with atomic_write(target) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **arrays)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m common.prepare", description="Prepare data sets.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="data set, as listed by python -m common.catalog")
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
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
