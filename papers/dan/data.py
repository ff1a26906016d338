"""Where sequences come from: functions without end, classes of Omniglot for meta-training, digits of MNIST for deployment."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import torch
from PIL import Image
from torch import Tensor

from common.data.load import Split, load
from common.learning.randomness import generator
from common.learning.replicas import Generators
from papers.dan import sequences
from papers.dan.protocol import Autoencoding, Regression
from papers.dan.sequences import Batch


def functions(settings: Regression) -> Callable[[Generators], Batch]:
    """Return what draws a function and its samples for each generator."""

    def draw(sources: Generators) -> Batch:
        return sequences.regression(settings, sequences.draw_functions(settings, sources), sources)

    return draw


def omniglot(path: str, settings: Autoencoding) -> tuple[Callable[[Generators], Batch], list[dict]]:
    """Return what draws a sequence of random classes of Omniglot's background set for each generator.

    path: of the prepared set. Returns its `about` in a list as well.
    """
    dataset = load(path)
    split = dataset.splits["background"]
    images = pixels(split, side(settings), ink_is_dark=True)
    by_class = torch.argsort(torch.from_numpy(split.labels), stable=True).view(int(split.labels.max()) + 1, -1)

    def draw(sources: Generators) -> Batch:
        return sequences.image_sequence(settings, sequences.draw_images(images, by_class, settings, sources))

    return draw, [dataset.about]


def mnist(path: str, settings: Autoencoding, seeds: list[int]) -> tuple[Batch, list[dict]]:
    """Return the digits 0 to 9 in order, five test images of each, drawn with each seed.

    path: of the prepared set. Returns its `about` in a list as well.
    """
    dataset = load(path)
    split = dataset.splits["test"]
    images, labels = pixels(split, side(settings)), torch.from_numpy(split.labels)
    chosen = []
    for seed in seeds:
        source = generator(seed, "deployment")
        of_digit = [torch.nonzero(labels == digit).flatten() for digit in range(settings.tasks)]
        drawn = [ids[torch.randperm(len(ids), generator=source)[: settings.images_per_task]] for ids in of_digit]
        chosen.append(torch.stack(drawn))
    return sequences.image_sequence(settings, images[torch.stack(chosen)]), [dataset.about]


def side(settings: Autoencoding) -> int:
    """Return height and width of the images, in pixels."""
    return round(settings.nodes[0] ** 0.5)


def pixels(split: Split, size: int, ink_is_dark: bool = False) -> Tensor:
    """Return a split's images [N, size * size] as white on black, from 0 to 1, reduced to size x size pixels."""
    small = split.images
    if small.shape[1:] != (size, size):
        resized = [Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS) for image in small]
        small = numpy.stack([numpy.asarray(image) for image in resized])
    values = torch.from_numpy(small).flatten(1).float() / 255
    return 1 - values if ink_is_dark else values
