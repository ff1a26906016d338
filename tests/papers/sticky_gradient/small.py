"""The protocol and a small prepared MNIST for the tests of this paper."""

from __future__ import annotations

import json
from pathlib import Path

import numpy

from papers.sticky_gradient.runs import REGISTER

PAPER, SMOKE = REGISTER.protocol("paper"), REGISTER.protocol("smoke")


def mnist(folder: Path, train: int = 100, test: int = 40) -> str:
    """A prepared file with different random images, whose lit row depends on the class."""
    source = numpy.random.default_rng(0)
    arrays = {}
    for split, count in (("train", train), ("test", test)):
        labels = numpy.arange(count) % 10
        images = source.integers(0, 60, (count, 28, 28), dtype=numpy.uint8)
        images[numpy.arange(count), 2 * labels + 3] = 250
        arrays |= {f"{split}_images": images, f"{split}_labels": labels.astype(numpy.int64)}
    about = {"name": "mnist", "completeness": "stand-in", "description": "stripes"}
    about["splits"] = {"train": {"count": train}, "test": {"count": test}}
    path = folder / "mnist.npz"
    numpy.savez(path, about=json.dumps(about), **arrays)
    return str(path)
