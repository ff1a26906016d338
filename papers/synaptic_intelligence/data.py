"""The three benchmarks as streams: which data sets, and how they are cut into tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch

from common.data.catalog import DataError
from common.data.load import Split, load
from common.learning.images import Images, hold_out
from common.learning.randomness import generator
from common.learning.stream_data import Stream
from common.learning.streams import Task, joint, permuted, split
from papers.synaptic_intelligence.protocol import DIGITS, PIXELS, Cifar, PermutedMnist, SplitMnist, Training

CLASSES_PER_TASK = 10


def stream(
    settings: Training,
    paths: Sequence[str],
    condition: str,
    seeds: Sequence[int],
    device: torch.device,
    held_out: int = 0,
) -> tuple[Stream, list[dict]]:
    """The stream of a benchmark for these seeds, and what the data sets say of themselves.

    paths: prepared files: of mnist, or of cifar10 and cifar100; held_out: if positive, that many training images, drawn
    once and for all, take the place of the test split, which is then not touched (for tuning). Raises DataError if a data
    set cannot serve.
    """
    datasets = [load(path) for path in paths]
    parts = [(dataset.splits["train"], dataset.splits["test"]) for dataset in datasets]
    if held_out:
        parts = [hold_out(train, held_out, path) for (train, _), path in zip(parts, paths)]
    if isinstance(settings, Cifar):
        train, test = (_cifar(settings, [part[index] for part in parts], paths) for index in (0, 1))
    else:
        ((train, test),) = parts
    flat = not isinstance(settings, Cifar)
    images = Images(train.images, train.labels, device, flat), Images(test.images, test.labels, device, flat)
    try:
        tasks, evaluated = _tasks(settings, train, test, condition, seeds)
    except ValueError as error:
        raise DataError(f"{', '.join(map(str, paths))} cannot be cut into tasks: {error}") from error
    return Stream(*images, tasks, evaluated), [dataset.about for dataset in datasets]


def _tasks(
    settings: Training, train: Split, test: Split, condition: str, seeds: Sequence[int]
) -> tuple[list[list[Task]], list[list[Task]]]:
    """Tasks to train on [task][replica], and those to evaluate where they are others."""
    labels = torch.from_numpy(train.labels), torch.from_numpy(test.labels)
    if isinstance(settings, SplitMnist):
        pairs = [(digit, digit + 1) for digit in range(0, DIGITS, 2)]
        return [[task] * len(seeds) for task in split(*labels, pairs, DIGITS)], []
    if isinstance(settings, Cifar):
        groups = [range(first, first + CLASSES_PER_TASK) for first in range(0, settings.outputs, CLASSES_PER_TASK)]
        return [[task] * len(seeds) for task in split(*labels, groups, settings.outputs)], []
    assert isinstance(settings, PermutedMnist)
    sizes = len(train.labels), len(test.labels)
    runs = [permuted(*sizes, PIXELS, settings.tasks, generator(seed, "permutations")) for seed in seeds]
    single = [list(replicas) for replicas in zip(*runs)]
    if condition == "joint":
        return [[joint(tasks, *sizes) for tasks in runs]], single
    return single, []


def _cifar(settings: Cifar, parts: list[Split], paths: Sequence[str]) -> Split:
    """CIFAR-10 followed by the first classes of CIFAR-100, whose labels then begin at 10."""
    ten, hundred = parts
    chosen = hundred.labels < CLASSES_PER_TASK * settings.cifar100_tasks
    missing = set(range(CLASSES_PER_TASK * settings.cifar100_tasks)) - set(hundred.labels[chosen].tolist())
    if missing:
        raise DataError(f"{paths[1]} has no images of class {min(missing)}, which this benchmark needs")
    return Split(
        numpy.concatenate([ten.images, hundred.images[chosen]]),
        numpy.concatenate([ten.labels, hundred.labels[chosen] + CLASSES_PER_TASK]),
    )
