"""Permuted MNIST as this paper uses it: every task permuted, new permutations for every seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from common.data.load import load
from common.learning.images import Images, hold_out
from common.learning.randomness import generator
from common.learning.stream_data import Stream
from common.learning.streams import permuted
from papers.sticky_gradient.protocol import PIXELS
from papers.sticky_gradient.readings import Reading

# What is subtracted from pixels in [0, 1], and what they are then divided by; standardised: by MNIST's statistics.
SCALINGS = {"unit": (0.0, 1.0), "centred": (0.5, 0.5), "standardised": (0.1307, 0.3081)}


def stream(
    path: str,
    tasks: int,
    reading: Reading,
    seeds: Sequence[int],
    device: torch.device,
    shared: float = 0.0,
    held_out: int = 0,
    shared_pixels: str = "same",
) -> tuple[Stream, dict]:
    """Return the stream of these seeds, and what the data set says of itself.

    path: of the prepared MNIST; reading: decides how pixels are scaled; shared: fraction of pixels left in place (Section
    3.4); shared_pixels: whether they are the "same" in all tasks or "redrawn" for each; held_out: if positive, that many
    training images, drawn once and for all, take the place of the test split, which is then not touched (for searches).
    Raises DataError if the file is missing or damaged, or has too few images to hold out.
    """
    dataset = load(path)
    train, test = dataset.splits["train"], dataset.splits["test"]
    if held_out:
        train, test = hold_out(train, held_out, path)
    mean, sd = SCALINGS[reading.inputs]
    images = [Images(part.images, part.labels, device, flat=True, mean=mean, sd=sd) for part in (train, test)]
    sizes = len(train.labels), len(test.labels), PIXELS, tasks
    moves: dict[str, Any] = {"first_unpermuted": False, "shared": shared, "redrawn": shared_pixels == "redrawn"}
    runs = [permuted(*sizes, generator(seed, "permutations"), **moves) for seed in seeds]
    return Stream(images[0], images[1], [list(replicas) for replicas in zip(*runs)]), dataset.about
