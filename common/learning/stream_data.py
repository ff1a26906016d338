"""The data of a continual run: images on a device, cut into tasks for several replicas, in a random order for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from common.learning.images import Images
from common.learning.randomness import generator
from common.learning.streams import Task


@dataclass
class Stream:
    """The data of a run: both splits, and for every task one `streams.Task` per replica, all of one size.

    evaluated: the tasks to be tested on, where they are not those that are trained on.
    """

    train: Images
    test: Images
    tasks: list[list[Task]]
    evaluated: list[list[Task]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.evaluated = self.evaluated or self.tasks
        for replicas in (*self.tasks, *self.evaluated):
            if len({_shape(own) for own in replicas}) > 1:
                raise ValueError(
                    "Stream: the replicas of a task must have equal sizes, outputs and numbers of permutations"
                )


def _shape(task: Task) -> tuple:
    """What must be equal for tasks to be trained side by side."""
    outputs = None if task.outputs is None else tuple(task.outputs.tolist())
    return len(task.train), len(task.test), outputs, None if task.permutations is None else len(task.permutations)


def permutations(replicas: Sequence[Task], device: torch.device) -> list[Tensor | None]:
    """The pixel orders of one task, per replica, on the device."""
    return [own.permutations if own.permutations is None else own.permutations.to(device) for own in replicas]


def outputs(replicas: Sequence[Task], device: torch.device) -> Tensor | None:
    """The outputs that compete in one task, the same for all replicas; None for all outputs."""
    return None if replicas[0].outputs is None else replicas[0].outputs.to(device)


def order(stream: Stream, task: int, seeds: Sequence[int], *purpose: str | int) -> Tensor:
    """Indices of the task's training images in a random order per replica: [R, n], on the images' device."""
    rows = [
        own.train[torch.randperm(len(own.train), generator=generator(seed, *purpose, task))]
        for seed, own in zip(seeds, stream.tasks[task], strict=True)
    ]
    return torch.stack(rows).to(stream.train.labels.device)


class TaskExamples:
    """A finished task's training images, for importances: the first ones of an order of each replica's own."""

    def __init__(self, stream: Stream, task: int, seeds: Sequence[int], chunk: int = 50) -> None:
        self.stream, self.task, self.seeds, self.chunk = stream, task, seeds, chunk

    def examples(self, count: int, earlier: bool = False) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Chunks of inputs [R, n, ...], labels [R, n] and the active outputs, `count` images in all (or all there are).

        earlier: in equal shares, rounded up, from this task and all before it.
        """
        tasks = range(0 if earlier else self.task, self.task + 1)
        for task in tasks:
            indices = order(self.stream, task, self.seeds, "importance")[:, : math.ceil(count / len(tasks))]
            replicas = self.stream.tasks[task]
            orders, active = permutations(replicas, indices.device), outputs(replicas, indices.device)
            for part in indices.split(self.chunk, dim=1):
                yield *self.stream.train.batch(part, orders), active
