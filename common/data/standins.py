"""Procedural stand-ins for data sets that are not at hand, for the smoke scale only: always the same, learnable, fast.

They look a little like the real thing so that whole pipelines run; no result on them says anything about a paper.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.data.catalog import Entry

# Half widths of garment outlines from top to bottom, in pixels of a 28 x 28 image.
OUTLINES = (
    *((11, 11, 7, 7, 7), (6, 6, 6, 5, 5), (12, 12, 12, 9, 9), (4, 5, 6, 9, 12), (13, 12, 10, 10, 10)),
    *((2, 3, 6, 9, 12), (9, 9, 8, 8, 6), (3, 5, 12, 13, 13), (3, 12, 12, 12, 12), (5, 5, 5, 10, 12)),
)
FONTS = ("DejaVu", "STIXGeneral")  # of those that matplotlib brings along; its Display fonts lack letters


def make(facts: Entry) -> dict[str, np.ndarray]:
    """Arrays like a prepared file's, of the catalogue's smoke size, ordered by class; equal at each call."""
    rng = np.random.default_rng(list(facts.name.encode()))
    draw = KINDS[facts.name].draw
    if facts.name == "omniglot":  # other characters in each split
        return {k: a for split in facts.smoke for k, a in _omniglot_split(facts, split, draw, rng).items()}
    per_class = {split: portion.per_class for split, portion in facts.smoke.items()}
    classes = next(iter(facts.smoke.values())).classes
    ends = np.cumsum(list(per_class.values()))
    drawn = np.stack([draw(label, ends[-1], facts.shape, rng) for label in range(classes)])
    arrays = {}
    for split, end in zip(per_class, ends, strict=True):
        arrays[f"{split}_images"] = drawn[:, end - per_class[split] : end].reshape(-1, *facts.shape)
        arrays[f"{split}_labels"] = np.repeat(np.arange(classes), per_class[split])
    return arrays


def _omniglot_split(facts: Entry, split: str, draw: Callable, rng: np.random.Generator) -> dict[str, np.ndarray]:
    portion = facts.smoke[split]
    drawn = [draw(label, portion.per_class, facts.shape, rng) for label in range(portion.classes)]
    return {
        f"{split}_images": np.concatenate(drawn),
        f"{split}_labels": np.repeat(np.arange(portion.classes), portion.per_class),
        f"{split}_drawers": np.tile(np.arange(portion.per_class, dtype=np.uint8), portion.classes),
        f"{split}_alphabets": np.full(portion.classes, "stand-in"),
        f"{split}_characters": np.array([f"{split}{label:03d}" for label in range(portion.classes)]),
    }


def strokes(label: int, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Drawings of one invented character: one to four cubic curves, redrawn a little differently by each drawer."""
    side = shape[0]
    character = rng.uniform(0.15, 0.85, size=(rng.integers(1, 5), 4, 2))
    t = np.linspace(0, 1, 16)[:, None]
    bezier = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    drawings = np.empty((count, side, side), np.uint8)
    for drawing in drawings:
        points = character + rng.normal(0, 0.02, character.shape)
        slant = np.eye(2) + rng.normal(0, 0.07, (2, 2))
        curves = (bezier @ (points - 0.5) @ slant + 0.5 + rng.normal(0, 0.03, 2)) * side
        picture = Image.new("L", (side, side), 255)
        for curve in curves:
            ImageDraw.Draw(picture).line([tuple(p) for p in curve], fill=0, width=int(rng.integers(2, 4)))
        drawing[:] = np.asarray(picture)
    return drawings


def glyphs(label: int, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One letter, A for label 0, in the fonts that matplotlib brings along, at changing size, place and angle."""
    from matplotlib import get_data_path

    folder = os.path.join(get_data_path(), "fonts", "ttf")
    fonts = [f for f in sorted(os.listdir(folder)) if f.endswith(".ttf") and f.startswith(FONTS) and "Display" not in f]
    side = shape[0]
    sizes = [ImageFont.truetype(os.path.join(folder, font), size) for font in fonts for size in (22, 26)]
    images = np.empty((count, side, side), np.uint8)
    for image in images:
        picture = Image.new("L", (side, side), 0)
        place = tuple(side / 2 + rng.uniform(-2, 2, 2))
        font = sizes[rng.integers(len(sizes))]
        ImageDraw.Draw(picture).text(place, "ABCDEFGHIJ"[label], fill=255, font=font, anchor="mm")
        image[:] = np.asarray(picture.rotate(rng.uniform(-15, 15), resample=Image.Resampling.BILINEAR))
    return images


def digits(label: int, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """scikit-learn's 8 x 8 digits at MNIST's size, shifted by up to two pixels; early and late images share no scan."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    scans = bundled.images[bundled.target == label] * (255 / 16)
    border = len(scans) * 4 // 5  # the first four fifths of the images (training) use other scans than the rest
    images = np.zeros((count, *shape), np.uint8)
    for i, image in enumerate(images):
        scan = scans[rng.integers(border) if i < count * 4 // 5 else rng.integers(border, len(scans))]
        top, left = rng.integers(2, 7, size=2)
        picture = Image.fromarray(scan.astype(np.uint8)).resize((20, 20), Image.Resampling.BICUBIC)
        image[top : top + 20, left : left + 20] = picture
    return images


def garments(label: int, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Silhouettes with the outline of one garment, of changing size, brightness and weave."""
    side = shape[0]
    rows, columns = np.arange(side)[:, None], np.arange(side)[None, :]
    scale = rng.uniform(0.8, 1.05, (count, 1, 1))
    half_width = np.interp(np.arange(side), np.linspace(2, side - 3, 5), OUTLINES[label], left=0, right=0)[:, None]
    inside = np.abs(columns - side / 2 + 0.5) < half_width * scale
    weave = 1 + 0.15 * np.sin(rng.uniform(0.5, 2.5, (count, 1, 1)) * rows + rng.uniform(0, 6, (count, 1, 1)))
    brightness = rng.uniform(90, 220, (count, 1, 1)) + rng.normal(0, 8, (count, side, side))
    return np.clip(inside * brightness * weave, 0, 255).astype(np.uint8)


def textures(label: int, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A coloured, striped shape on a striped ground; its class fixes colours, stripes and outline, the rest varies."""
    side = shape[0]
    colours = rng.uniform(40, 215, (2, 3))
    frequency, angle = rng.uniform(2, 14, 2), rng.uniform(0, np.pi, 2)
    lobes, depth = rng.integers(0, 6), rng.uniform(0.2, 0.5)
    y, x = np.mgrid[0:side, 0:side] / side

    def vary(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (count, 1, 1))

    def stripes(i: int) -> np.ndarray:
        across = x * np.cos(angle[i]) + y * np.sin(angle[i])
        return (1 + 0.4 * np.sin(2 * np.pi * frequency[i] * vary(0.9, 1.1) * across + vary(0, 2 * np.pi)))[..., None]

    dx, dy = x - vary(0.35, 0.65), y - vary(0.35, 0.65)
    outline = vary(0.2, 0.35) * (1 + depth * np.cos(lobes * np.arctan2(dy, dx) + vary(-0.4, 0.4)))
    inside = (np.hypot(dx, dy) < outline)[..., None]
    image = np.where(inside, colours[0] * stripes(0), colours[1] * stripes(1)) * vary(0.7, 1.2)[..., None]
    image += rng.normal(0, 20, (count, 1, 1, 3)) + rng.normal(0, 10, (count, side, side, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Kind:
    """How a stand-in is drawn, `draw(label, count, shape, rng)` -> uint8 [count, *shape], and what figures call it."""

    draw: Callable
    phrase: str


KINDS = {
    "mnist": Kind(digits, "scikit-learn digits"),
    "fashion_mnist": Kind(garments, "silhouettes"),
    "notmnist": Kind(glyphs, "rendered glyphs"),
    "omniglot": Kind(strokes, "strokes"),
    "cifar10": Kind(textures, "textures"),
    "cifar100": Kind(textures, "textures"),
    "svhn": Kind(textures, "textures"),
    "imagenet": Kind(textures, "textures"),
}
