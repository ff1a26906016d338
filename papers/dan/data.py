"""Where sequences come from: functions without end, classes of Omniglot for meta-training, digits of MNIST for deployment."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import torch
from PIL import Image
from torch import Tensor

from common.load import Split, load
from common.randomness import generator
from common.replicas import Generators
from papers.dan import sequences
from papers.dan.protocol import Images, Regression
from papers.dan.sequences import Batch


def functions(settings: Regression) -> Callable[[Generators], Batch]:
    """How to draw a function and its samples for each generator."""

    def draw(sources: Generators) -> Batch:
        return sequences.regression(settings, sequences.draw_functions(settings, sources), sources)

    return draw


def omniglot(path: str, settings: Images) -> tuple[Callable[[Generators], Batch], list[dict]]:
    """How to draw a sequence of random classes of Omniglot's background set for each generator, and what the set is."""
    dataset = load(path)
    split = dataset.splits["background"]
    images = pixels(split, side(settings), ink_is_dark=True)
    by_class = torch.argsort(torch.from_numpy(split.labels), stable=True).view(int(split.labels.max()) + 1, -1)

    def draw(sources: Generators) -> Batch:
        return sequences.image_sequence(settings, sequences.draw_images(images, by_class, settings, sources))

    return draw, [dataset.about]


def mnist(path: str, settings: Images, seeds: list[int]) -> tuple[Batch, list[dict]]:
    """The digits 0 to 9 in order, five test images of each, drawn with each seed; and what the set is."""
    dataset = load(path)
    split = dataset.splits["test"]
    images, labels = pixels(split, side(settings)), torch.from_numpy(split.labels)
    chosen = []
    for seed in seeds:
        source = generator(seed, "deployment")
        of_digit = [torch.nonzero(labels == digit).flatten() for digit in range(settings.tasks)]
        chosen.append(
            torch.stack(
                [ids[torch.randperm(len(ids), generator=source)[: settings.images_per_task]] for ids in of_digit]
            )
        )
    return sequences.image_sequence(settings, images[torch.stack(chosen)]), [dataset.about]


def side(settings: Images) -> int:
    """Height and width of the images."""
    return round(settings.nodes[0] ** 0.5)


def pixels(split: Split, size: int, ink_is_dark: bool = False) -> Tensor:
    """Images of a split as white on black, values from 0 to 1, reduced to size x size: [N, size * size]."""
    small = split.images
    if small.shape[1:] != (size, size):
        resized = [Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS) for image in small]
        small = numpy.stack([numpy.asarray(image) for image in resized])
    values = torch.from_numpy(small).flatten(1).float() / 255
    return 1 - values if ink_is_dark else values
