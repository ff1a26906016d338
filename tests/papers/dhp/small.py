"""Protocols, conditions and prepared files small enough to be looked through image by image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy

from common.running.protocols import SCALES
from papers.dhp.runs import REGISTER

PROTOCOLS = {scale: REGISTER.protocol(scale) for scale in SCALES}
PAPER, SMOKE = PROTOCOLS["paper"], PROTOCOLS["smoke"]
SETS = ("mnist", "notmnist", "fashion_mnist", "svhn", "cifar10")
COLOUR = ("svhn", "cifar10")
SPLITS = ("train", "test")


def prepared(folder: Path, name: str, train: list[int] | None, test: list[int]) -> str:
    """A prepared file with these labels, in this order; train: None for a file with a test part alone.

    Images are noise with one bright row that depends on the class, but for the marks that `marks` reads.
    """
    shape = (32, 32, 3) if name in COLOUR else (28, 28)
    labels = {split: own for split, own in zip(SPLITS, (train, test), strict=True) if own is not None}
    arrays = {}
    for split, own in labels.items():
        source = numpy.random.default_rng(len(own))
        images = source.integers(0, 60, (len(own), *shape), dtype=numpy.uint8)
        images[numpy.arange(len(own)), 2 * numpy.array(own) + 3] = 250
        rows = images.reshape(len(own), -1)
        rows[:, 0], rows[:, 1], rows[:, 2] = SPLITS.index(split), *divmod(numpy.arange(len(own)), 256)
        arrays |= {f"{split}_images": images, f"{split}_labels": numpy.array(own, dtype=numpy.int64)}
    about = {"name": name, "source": "stand-in", "completeness": "stand-in", "description": f"stripes for {name}"}
    path = folder / f"{name}.npz"
    numpy.savez(path, about=json.dumps(about | {"splits": dict.fromkeys(labels)}), **arrays)
    return str(path)


def marks(pixels) -> list[tuple[str, int]]:
    """Split and number of images from `prepared`, given as rows of bytes in the file's order of pixels."""
    return [(SPLITS[code], 256 * high + low) for code, high, low in pixels[:, :3].tolist()]


def mnist(folder: Path, train: int = 100, test: int = 40) -> str:
    """A prepared MNIST with the digits in turn."""
    return prepared(folder, "mnist", [n % 10 for n in range(train)], [n % 10 for n in range(test)])
