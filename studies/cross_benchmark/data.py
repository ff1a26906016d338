"""The benchmarks as streams: permuted MNIST, balanced and imbalanced, split MNIST asked in three ways, and split CIFAR-100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from common.data.catalog import DataError
from common.data.load import Split, load
from common.learning.images import Images, hold_out
from common.learning.randomness import generator
from common.learning.stream_data import Stream
from common.learning.streams import Task, imbalanced, joint, permuted, split
from studies.cross_benchmark.protocol import CIFAR, CLASSES, CLASSES_PER_TASK, PAIRS, PIXELS


def classes(benchmark: str, tasks: int) -> int:
    """Return how many outputs the network has."""
    if benchmark == CIFAR:
        return tasks * CLASSES_PER_TASK
    return len(PAIRS[0]) if benchmark == "split_domain" else CLASSES


def stream(
    benchmark: str,
    tasks: int,
    path: str,
    seeds: Sequence[int],
    device: torch.device,
    at_once: bool = False,
    held_out: int = 0,
) -> tuple[Stream, dict]:
    """Return the stream of a benchmark for these seeds, and what the data set says of itself.

    tasks: of the permuted benchmarks and of CIFAR-100; path: of the prepared data set; at_once: all tasks are trained as one, and each is tested;
    held_out: if positive, so many training images, the same for all seeds, take the place of the test split.
    Raises DataError if the data set cannot serve.
    """
    dataset = load(path)
    train, test = dataset.splits["train"], dataset.splits["test"]
    if benchmark == CIFAR:
        train, test = (_first(classes(benchmark, tasks), part) for part in (train, test))
    if held_out:
        train, test = hold_out(train, held_out, path)
    try:
        runs = [_tasks(benchmark, tasks, train, test, seed) for seed in seeds]
        trained = [[_all_of(benchmark, own, train, test)] for own in runs] if at_once else runs
    except ValueError as error:
        raise DataError(f"{path} cannot be cut into tasks: {error}") from error
    shown, tested = (_images(benchmark, part, device) for part in (train, test))
    columns = [[list(replicas) for replicas in zip(*own, strict=True)] for own in (trained, runs)]
    return Stream(shown, tested, *columns), dataset.about


def _tasks(benchmark: str, tasks: int, train: Split, test: Split, seed: int) -> list[Task]:
    """Return the tasks of one seed.

    Imbalanced: a training image is removed with a probability of its task and class, from U(0, 1), the same for all seeds,
    as in the paper on DHP.
    """
    labels = torch.from_numpy(train.labels), torch.from_numpy(test.labels)
    if benchmark == CIFAR:
        last = classes(benchmark, tasks)
        groups = [range(first, first + CLASSES_PER_TASK) for first in range(0, last, CLASSES_PER_TASK)]
        return split(*labels, groups, last)
    if benchmark.startswith("split"):
        own = split(*labels, PAIRS, CLASSES)
        return own if benchmark == "split_task" else [replace(task, outputs=None) for task in own]
    own = permuted(len(train.labels), len(test.labels), PIXELS, tasks, generator(seed, "permutations"))
    if benchmark == "permuted":
        return own
    probabilities = torch.rand(tasks, CLASSES, generator=generator("removal probabilities"), dtype=torch.float64)
    return imbalanced(own, labels[0], probabilities, generator("removed images"))


def _first(count: int, part: Split) -> Split:
    """Return the images of the first classes alone."""
    chosen = part.labels < count
    return Split(part.images[chosen], part.labels[chosen])


def _all_of(benchmark: str, tasks: Sequence[Task], train: Split, test: Split) -> Task:
    """Return one task of all tasks' images, in which all outputs compete."""
    if tasks[0].permutations is not None:
        return joint(tasks, len(train.labels), len(test.labels))
    return Task(*(torch.cat([getattr(task, part) for task in tasks]) for part in ("train", "test")))


def _images(benchmark: str, part: Split, device: torch.device) -> Images:
    """Return images with the labels that are asked for: the digit, or, of split_domain, its place in the pair."""
    labels = part.labels % len(PAIRS[0]) if benchmark == "split_domain" else part.labels
    return Images(part.images, labels, device, flat=benchmark != CIFAR)
