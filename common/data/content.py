"""What arrays hold, whatever file they came from: fingerprints, checks, and the catalogue's word for them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

import numpy as np

from common.data.catalog import DataError, Entry, Variant

Arrays = dict[str, np.ndarray]
UNKNOWN: Mapping[str, str] = {}


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 over the sorted digests of the images: it tells what a split holds, in whatever order."""
    return hashlib.sha256("\n".join(sorted(_digests(images, labels))).encode()).hexdigest()


def _digests(images: np.ndarray, labels: np.ndarray) -> list[str]:
    """Of every image the SHA-256, in hexadecimal, of its label as two little-endian bytes and its pixels."""
    pairs = zip(labels.astype("<u2"), np.ascontiguousarray(images), strict=True)
    return [hashlib.sha256(label.tobytes() + image.tobytes()).hexdigest() for label, image in pairs]


def ordered(facts: Entry, arrays: Arrays) -> Arrays:
    """Return the arrays with each split sorted by digest, where the catalogue asks for it: see `order_by_content`."""
    if not facts.order_by_content:
        return arrays
    result = dict(arrays)
    for split in _splits(arrays):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        rows = np.argsort(_digests(images, labels))
        for key, array in arrays.items():
            if key.startswith(f"{split}_") and len(array) == len(labels):
                result[key] = array[rows]
    return result


def describe(
    facts: Entry, arrays: Arrays, where: str | os.PathLike, fingerprints: Mapping[str, str | None] = UNKNOWN
) -> dict:
    """Return what the catalogue calls these arrays: name, completeness, description, and the facts of each split.

    where, fingerprints: as for `describe_splits`.
    Raises DataError if the arrays are malformed, or fit nothing that the catalogue knows.
    """
    splits = describe_splits(facts, arrays, where, fingerprints)
    known = next((variant for variant in facts.variants if _counts_fit(variant, splits)), None)
    if known is None:
        counts = ", ".join(f"{of_split['count']} {split}" for split, of_split in splits.items())
        expected = " or ".join(
            " + ".join(f"{s.count} {split}" for split, s in variant.splits.items()) + f" ({variant.description})"
            for variant in facts.variants
        )
        raise DataError(f"{where} is not {facts.title}: it has {counts} images, expected {expected}. Replace the file.")
    for split, of_split in splits.items():
        if known.splits[split].fingerprint not in (None, of_split["fingerprint"]):
            raise DataError(
                f"{where} is not {known.description}: fingerprint of its {split} part {of_split['fingerprint']}, "
                f"expected {known.splits[split].fingerprint}. Replace the file."
            )
        if of_split["classes"] != facts.classes[split]:
            raise DataError(
                f"{where}: the {split} images show {of_split['classes']} classes, expected {facts.classes[split]}. "
                "Replace the file."
            )
    about = {"name": facts.name, "completeness": known.completeness, "description": known.description}
    return about | {"splits": splits}


def describe_splits(
    facts: Entry, arrays: Arrays, where: str | os.PathLike, fingerprints: Mapping[str, str | None] = UNKNOWN
) -> dict[str, dict]:
    """Return count, number of classes and fingerprint of each split, after checks of types, shapes and labels.

    where: the file or folder they came from, which errors name; fingerprints: of splits whose own is known already.
    Raises DataError if a check fails.
    """
    names = _splits(arrays)
    if not names or not set(names) <= set(facts.classes):
        wanted = ", ".join(f"{split}_images, {split}_labels" for split in facts.classes)
        held = f"splits are {', '.join(names)}" if names else f"it holds {', '.join(arrays) or 'nothing'}"
        raise DataError(f"{where}: {held}; the arrays of {facts.title} must be called {wanted}. Rename them.")
    splits = {}
    for split in names:
        images, labels = arrays[f"{split}_images"], arrays.get(f"{split}_labels")
        if images.dtype != np.uint8 or images.shape[1:] != facts.shape:
            expected = ", ".join(map(str, facts.shape))
            raise DataError(
                f"{where}: {split} images are {images.dtype} {images.shape}, expected uint8 (n, {expected}). Replace the file."
            )
        if labels is None or labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(f"{where}: {split} needs one integer label for each of its {len(images)} images")
        if labels.size == 0 or labels.min() < 0 or labels.max() >= facts.classes[split]:
            outside = f"from {labels.min()} to {labels.max()}" if labels.size else "missing"
            raise DataError(f"{where}: {split} labels are {outside}, expected 0 to {facts.classes[split] - 1}")
        splits[split] = {
            "count": len(labels),
            "classes": len(np.unique(labels)),
            "fingerprint": fingerprints.get(split) or fingerprint(images, labels),
        }
    return splits


def _splits(arrays: Arrays) -> list[str]:
    return [key.removesuffix("_images") for key in arrays if key.endswith("_images")]


def _counts_fit(variant: Variant, splits: dict[str, dict]) -> bool:
    return set(variant.splits) == set(splits) and all(
        known.count in (None, splits[split]["count"]) for split, known in variant.splits.items()
    )
