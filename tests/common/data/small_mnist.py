"""A small MNIST: a catalogue that knows its random images, a mirror and the official files that hold them."""

from __future__ import annotations

import dataclasses

import numpy as np

from common.data import archives, prepare
from common.data import load as loading
from common.data.catalog import SplitFacts, Variant, entry
from common.data.content import fingerprint
from tests.common.data.official import write_idx


def digits(seed: int, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, np.arange(count, dtype=np.uint8) % 10


def small_mnist(tmp_path, monkeypatch, **changes):
    """A catalogue whose MNIST has 20 + 10 random images, and a mirror that holds them, with `changes` to its arrays."""
    arrays, known = {}, {}
    for split, seed, count in (("train", 0, 20), ("test", 1, 10)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = digits(seed, count)
        known[split] = SplitFacts(count, fingerprint(*digits(seed, count)))
    complete = Variant("complete", "small MNIST", known)
    partial = Variant("partial", "small MNIST, test part only", {"test": known["test"]})
    smaller = {split: dataclasses.replace(p, per_class=1) for split, p in entry("mnist").smoke.items()}
    facts = dataclasses.replace(entry("mnist"), variants=(complete, partial), smoke=smaller)
    catalogue(monkeypatch, facts)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    arrays = {key: array for key, array in (arrays | changes).items() if array is not None}
    np.savez(mirror / "mnist.npz", **arrays)
    return mirror


def catalogue(monkeypatch, facts):
    for module in (prepare, loading, archives):
        monkeypatch.setattr(module, "entry", lambda name: facts)


def nothing_left(root) -> bool:
    return not [path for path in root.rglob("*") if path.is_file()]


def official_mnist(root, monkeypatch, arrays):
    """The files put by hand, and a catalogue without their checksums, which only the official compression has."""
    facts = prepare.entry("mnist")
    unchecked = tuple(dataclasses.replace(archive, checksum=None, size=None) for archive in facts.archives)
    catalogue(monkeypatch, dataclasses.replace(facts, archives=unchecked))
    folder = root / "raw" / "mnist"
    folder.mkdir(parents=True)
    for archive, array in zip(facts.archives, arrays, strict=True):
        write_idx(folder / archive.file, array)
    return folder
