"""Prepared files and protocols small enough to be looked through image by image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy

from papers.synaptic_intelligence.runs import REGISTER

PLANS = {scale: REGISTER.protocol(scale) for scale in ("smoke", "desk", "paper")}
SMOKE, PAPER = PLANS["smoke"], PLANS["paper"]
SHAPES = {"mnist": (28, 28), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}
SPLITS = ("train", "test")


def prepared(folder: Path, name: str, train: list[int], test: list[int]) -> Path:
    """A prepared file with these labels, in this order; images are noise, but for the marks that `marks` reads."""
    rng, arrays = numpy.random.default_rng(len(train)), {}
    for code, (split, labels) in enumerate(zip(SPLITS, (train, test), strict=True)):
        images = rng.integers(0, 256, (len(labels), *SHAPES[name]), dtype=numpy.uint8)
        first_row = images.reshape(len(labels), -1)
        first_row[:, 0], first_row[:, 1], first_row[:, 2] = code, *divmod(numpy.arange(len(labels)), 256)
        arrays |= {f"{split}_images": images, f"{split}_labels": numpy.array(labels, dtype=numpy.int64)}
    about = {"name": name, "description": f"noise for {name}", "completeness": "stand-in"}
    path = folder / f"{name}.npz"
    numpy.savez(path, about=json.dumps(about | {"splits": dict.fromkeys(SPLITS)}), **arrays)
    return path


def marks(pixels) -> list[tuple[str, int]]:
    """Split and number of images from `prepared`, given as rows of bytes in the file's order of pixels."""
    return [(SPLITS[code], 256 * high + low) for code, high, low in pixels[:, :3].tolist()]
