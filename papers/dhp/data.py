"""The four benchmarks as streams: permuted MNIST, balanced and imbalanced, split MNIST, and the mixture of vision sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch
from torch import Tensor

from common.data.catalog import DataError
from common.data.load import Dataset, Split, load
from common.learning.images import Images, hold_out
from common.learning.randomness import generator
from common.learning.stream_data import Stream
from common.learning.streams import Task, imbalanced, permuted, split
from papers.dhp.protocol import CLASSES, PIXELS, SIDE, Benchmark, Permuted, Vision

# Mean and standard deviation of the pixels in [0, 1], per channel, as in the code of Zeno et al. (MNIST: padded).
STATISTICS = {
    "mnist": ((0.1000,) * 3, (0.2752,) * 3),
    "notmnist": ((0.4177,) * 3, (0.4540,) * 3),
    "fashion_mnist": ((0.2860,) * 3, (0.3530,) * 3),
    "svhn": ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
}


MNIST = 0.1307, 0.3081  # of its pixels, of 28x28: the statistics of PyTorch's own example, and of much that follows it


class Mixture(Images):
    """Images of several data sets [n, C, H, W], each set standardised by its own statistics.

    labels: count on over the sets, ten for each; sets: their names, in order.
    """

    def __init__(self, images: numpy.ndarray, labels: numpy.ndarray, device: torch.device, sets: Sequence[str]) -> None:
        super().__init__(images, labels, device, flat=False)
        means, sds = zip(*(STATISTICS[name] for name in sets))
        self.means, self.sds = (torch.tensor(values, device=device)[:, :, None, None] for values in (means, sds))

    def batch(self, indices: Tensor, permutations: Sequence[Tensor | None]) -> tuple[Tensor, Tensor]:
        inputs, labels = super().batch(indices, permutations)
        source = labels // CLASSES
        return inputs.sub_(self.means[source]).div_(self.sds[source]), labels


def removal_probabilities(tasks: int) -> Tensor:
    """Return the probability with which a training image of a class is removed in a task: [tasks, 10], from U(0, 1).

    They are the same in all experiments (appendix).
    """
    return torch.rand(tasks, CLASSES, generator=generator("removal probabilities"), dtype=torch.float64)


def stream(
    benchmark: str,
    settings: Benchmark,
    paths: Sequence[str],
    seeds: Sequence[int],
    device: torch.device,
    held_out: int = 0,
    standardised: bool = False,
) -> tuple[Stream, list[dict]]:
    """Return the stream of a benchmark for these seeds, and what the data sets say of themselves.

    paths: prepared files, of mnist or of all sets of the mixture in their order; held_out: if positive, so many training
    images of each set, the same for all seeds, take the place of the test split; standardised: whether the pixels of MNIST
    are, as those of the mixture always are, or lie in [0, 1]. Raises DataError if a data set cannot serve.
    """
    datasets = [load(path) for path in paths]
    parts = [_parts(dataset, path) for dataset, path in zip(datasets, paths)]
    if held_out:
        parts = [hold_out(train, held_out, path) for (train, _), path in zip(parts, paths)]
    abouts = [dataset.about for dataset in datasets]
    try:
        if isinstance(settings, Vision):
            return _mixture(settings, parts, [dataset.name for dataset in datasets], len(seeds), device), abouts
        if [dataset.name for dataset in datasets] != ["mnist"]:
            raise ValueError(f"the benchmark {benchmark} is of mnist alone")
        ((train, test),) = parts
        tasks = _tasks(benchmark, settings, train, test, seeds)
    except ValueError as error:
        raise DataError(f"{', '.join(map(str, paths))} cannot be cut into tasks: {error}") from error
    mean, sd = MNIST if standardised else (0.0, 1.0)
    shown, tested = (Images(part.images, part.labels, device, True, mean, sd) for part in (train, test))
    return Stream(shown, tested, tasks), abouts


def _parts(dataset: Dataset, path: str) -> tuple[Split, Split]:
    """Return training and test split; of notMNIST's test part, where it is all there is, nine tenths train."""
    splits = dataset.splits
    if "train" in splits:
        return splits["train"], splits["test"]
    return hold_out(splits["test"], len(splits["test"].labels) // 10, path)


def _tasks(benchmark: str, settings: Benchmark, train: Split, test: Split, seeds: Sequence[int]) -> list[list[Task]]:
    labels = torch.from_numpy(train.labels), torch.from_numpy(test.labels)
    if not isinstance(settings, Permuted):
        pairs = [(digit, digit + 1) for digit in range(0, CLASSES, 2)]
        return [[task] * len(seeds) for task in split(*labels, pairs, CLASSES)]
    sizes = len(train.labels), len(test.labels)
    runs = [permuted(*sizes, PIXELS, settings.tasks, generator(seed, "permutations")) for seed in seeds]
    if benchmark == "imbalanced":
        probabilities = removal_probabilities(settings.tasks)
        runs = [imbalanced(tasks, labels[0], probabilities, generator("removed images")) for tasks in runs]
    return [list(replicas) for replicas in zip(*runs)]


def _mixture(
    settings: Vision, parts: Sequence[tuple[Split, Split]], names: Sequence[str], replicas: int, device: torch.device
) -> Stream:
    """Return one task per data set, each with ten outputs of its own."""
    if tuple(names) != settings.sets:
        raise ValueError(f"the mixture's sets are {', '.join(settings.sets)}, in this order, not {', '.join(names)}")
    images, labels = [], []
    for which in (0, 1):
        images.append(numpy.concatenate([padded(part[which].images) for part in parts]))
        labels.append(numpy.concatenate([part[which].labels + CLASSES * n for n, part in enumerate(parts)]))
    groups = [range(first, first + CLASSES) for first in range(0, CLASSES * len(names), CLASSES)]
    train, test = map(torch.from_numpy, labels)
    tasks = split(train, test, groups, CLASSES * len(names))
    shown, tested = (Mixture(*pair, device, names) for pair in zip(images, labels))
    return Stream(shown, tested, [[task] * replicas for task in tasks])


def padded(images: numpy.ndarray) -> numpy.ndarray:
    """Return images [n, 32, 32, 3]: grey ones are repeated, smaller ones get a border of zeros."""
    if images.ndim == 3:
        images = numpy.repeat(images[..., None], 3, axis=3)
    border = (SIDE - images.shape[1]) // 2
    return numpy.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
