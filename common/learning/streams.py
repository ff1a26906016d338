"""Task sequences as index tensors: which images of a data set a learner sees, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Task:
    """One task of a supervised stream, as one replica meets it.

    train, test: indices of images in the training and the test split; permutations: None, or [K, n_pixels], and then
    the index k * n_images + i stands for image i with its pixels in the order permutations[k]; outputs: bool
    [n_outputs], the outputs that compete in this task's softmax, or None for all.
    """

    train: torch.Tensor
    test: torch.Tensor
    permutations: torch.Tensor | None = None
    outputs: torch.Tensor | None = None


def split(
    train_labels: torch.Tensor, test_labels: torch.Tensor, groups: Sequence[Sequence[int]], n_outputs: int
) -> list[Task]:
    """Return one task per group of classes, on whose images alone it trains and is tested, with a masked softmax.

    groups: the classes of each task, such as [(0, 1), (2, 3)]. Raises ValueError for a class that has no images.
    """
    tasks = []
    for group in groups:
        classes = torch.as_tensor(group)
        outputs = torch.zeros(n_outputs, dtype=torch.bool).index_fill_(0, classes, True)
        train, test = (
            torch.isin(torch.as_tensor(labels), classes).nonzero()[:, 0] for labels in (train_labels, test_labels)
        )
        for name, labels, rows in (("training", train_labels, train), ("test", test_labels, test)):
            if missing := set(group) - set(torch.as_tensor(labels)[rows].tolist()):
                raise ValueError(f"split: there are no {name} images of class {min(missing)}")
        tasks.append(Task(train, test, outputs=outputs))
    return tasks


def permuted(
    n_train: int,
    n_test: int,
    n_pixels: int,
    n_tasks: int,
    generator: torch.Generator,
    first_unpermuted: bool = True,
    shared: float = 0.0,
    redrawn: bool = False,
) -> list[Task]:
    """Return tasks that show all images, each task with its pixels in another random order.

    first_unpermuted: the first task shows the images as they are; shared: the fraction of pixels that stay in place, while
    the others are permuted among themselves; these are random ones, the same in all tasks or redrawn for each.
    """
    moving = torch.arange(n_pixels)
    orders = []
    for task in range(n_tasks):
        if shared > 0 and (redrawn or task == 0):
            moving = torch.randperm(n_pixels, generator=generator)[round(shared * n_pixels) :].sort().values
        order = torch.arange(n_pixels)
        mixed = moving[torch.randperm(len(moving), generator=generator)]
        if task > 0 or not first_unpermuted:
            order[moving] = mixed
        orders.append(order)
    return [Task(torch.arange(n_train), torch.arange(n_test), order[None]) for order in orders]


def imbalanced(
    tasks: Sequence[Task], labels: torch.Tensor, probabilities: torch.Tensor, generator: torch.Generator
) -> list[Task]:
    """Return the tasks with part of their training images removed, each with the probability of its task and class.

    labels: of the training split; probabilities: [n_tasks, n_classes]. Raises ValueError if a task keeps no image.
    """
    thinned = []
    for number, (task, removal) in enumerate(zip(tasks, probabilities, strict=True), start=1):
        draws = torch.rand(len(task.train), generator=generator, dtype=torch.float64)
        kept = task.train[draws >= removal[labels[task.train]]]
        if not len(kept):
            raise ValueError(f"imbalanced: no training image of task {number} is left")
        thinned.append(replace(task, train=kept))
    return thinned


def joint(tasks: Sequence[Task], n_train: int, n_test: int) -> Task:
    """Return one task that holds the images of all given permuted tasks, each with its own order of pixels.

    n_train, n_test: images in the two splits. Raises ValueError for tasks without permutations.
    """
    orders = [task.permutations for task in tasks if task.permutations is not None]
    if len(orders) < len(tasks) or any(len(order) != 1 for order in orders):
        raise ValueError("joint: every task must have one permutation")
    train = torch.cat([task.train + part * n_train for part, task in enumerate(tasks)])
    test = torch.cat([task.test + part * n_test for part, task in enumerate(tasks)])
    return Task(train, test, torch.cat(orders))
